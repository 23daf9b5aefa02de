//! How much memory the activations of real networks need, against the least that any reuse of buffers could.

use super::manifest::entries;
use std::path::Path;
use wgpu_pagcp::graph::{Graph, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{DeviceClass, Plan, PlanLimits, PlanOptions, build};
use wgpu_pagcp::units::analyse;

/// Kernels with and without scratch: Winograd's transforms are alive for two steps only and larger than what else is.
const CLASSES: [DeviceClass; 2] = [DeviceClass::Portable, DeviceClass::Broadcast { subgroup: 8 }];

/// How many times the bytes that are alive at the fullest step buffers may need.
const MOST: f64 = 1.25;

fn plan(graph: &Graph, sizes: &Sizes, class: DeviceClass) -> Plan {
    let shapes = graph.infer(sizes).unwrap();
    let units = analyse(graph, &shapes);
    let optimised = optimise(graph, sizes).unwrap().graph;
    let shapes = optimised.infer(sizes).unwrap();
    let limits = PlanLimits { binding_bytes: 1 << 30, ..PlanLimits::default() };
    let options = PlanOptions { class, limits, batch: sizes.batch, ..PlanOptions::default() };
    build(&optimised, &shapes, &units, &options).unwrap()
}

/// What is over the bound among plans of `graph`.
fn over(name: &str, graph: &Graph, sizes: &Sizes) -> Option<String> {
    let ratios = CLASSES.map(|class| {
        let plan = plan(graph, sizes, class);
        let bytes: u64 = plan.slots.iter().sum();
        assert!(bytes >= plan.slot_bound && plan.slot_bound > 0, "{name}");
        bytes as f64 / plan.slot_bound as f64
    });
    println!("{name} at batch {}: {ratios:.3?} of the least memory", sizes.batch);
    let is_over = ratios.iter().any(|&ratio| ratio > MOST);
    is_over.then(|| format!("{name} at batch {}: {ratios:.3?}", sizes.batch))
}

#[test]
fn activations_need_little_more_than_what_is_alive_at_once() {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/scenes/scenes.onnx");
    let graph = onnx::load(&bundled).unwrap();
    let mut over_bound = Vec::new();
    for batch in [1, 8] {
        over_bound.extend(over("bundled", &graph, &Sizes::batch(batch)));
    }
    for entry in entries() {
        let graph = onnx::load(&entry.file()).unwrap();
        for case in &entry.cases {
            over_bound.extend(over(&entry.name, &graph, &case.sizes()));
        }
    }
    assert_eq!(over_bound, Vec::<String>::new());
}
