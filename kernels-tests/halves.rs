//! Values and weights that are stored in 16 bits.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::{Network, graph};
use crate::random_graph::{RandomGraph, seeds};
use naga::valid::{Capabilities, SubgroupOperationSet, ValidationFlags, Validator};
use wgpu_pagcp::gpu::{Gpu, GpuError, Probe, Session};
use wgpu_pagcp::graph::{ArgMax, Builder, Op, Sizes};
use wgpu_pagcp::kernels::{ALL, wgsl};
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{PlanError, PlanOptions, build, round_weights};
use wgpu_pagcp::reference::{Array, Bounded, bounds};
use wgpu_pagcp::tasks::{Norm, Task, TaskKind, attach};
use wgpu_pagcp::tensor::Dtype;
use wgpu_pagcp::units::{Units, analyse};
use wgpu_pagcp::wgpu;

/// A device that can; on one that cannot, a session must say so.
fn gpu() -> Option<Gpu> {
    let [gpu, _] = gpus()?;
    if gpu.has_f16() {
        return Some(gpu);
    }
    refused(&gpu);
    None
}

fn refused(gpu: &Gpu) {
    let plan = Network::new(graph([9, 13]), 1).plan(&half(gpu, 1));
    match Session::new(gpu, plan, 0) {
        Err(GpuError::Unsupported(reason)) => assert!(reason.contains("16-bit floats"), "{reason}"),
        other => panic!("{:?}", other.map(drop)),
    }
}

fn half(gpu: &Gpu, batch: usize) -> PlanOptions {
    PlanOptions { dtype: Dtype::F16, ..gpu.plan_options(batch) }
}

/// How far the worst layer of a random network is from its reference, in tolerances of `dtype`; nothing where a value is
/// beyond what 16 bits hold.
fn worst(gpu: &Gpu, seed: u64, dtype: Dtype) -> Option<f64> {
    let random = RandomGraph::new(seed);
    let sizes = Sizes::batch(random.batch);
    let mut graph = optimise(&random.graph, &sizes).unwrap().graph;
    round_weights(&mut graph, Dtype::F16);
    let shapes = graph.infer(&sizes).unwrap();
    let options = PlanOptions { keep_all: true, ..half(gpu, random.batch) };
    let plan = build(&graph, &shapes, &analyse(&random.graph, &random.shapes), &options).unwrap();
    let mut session = Session::new(gpu, plan, 0).unwrap();
    let inputs: Vec<Array> =
        random.inputs.iter().map(|x| x.map(|x| Dtype::F16.round(x as f32).into())).collect();
    let floats: Vec<Vec<f32>> = inputs.iter().map(Array::to_f32).collect();
    session.poison().unwrap();
    session.run(&floats.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let mut values: Vec<Option<Array>> =
        graph.values.iter().map(|value| value.constant.as_deref().map(Array::from)).collect();
    for (id, input) in graph.inputs.iter().zip(inputs) {
        values[id.0] = Some(input);
    }
    let probes = session.values().unwrap();
    for (probe, node) in probes.iter().zip(&graph.nodes) {
        values[node.outputs[0].0] = Some(Array::from_f32(probe.shape.clone(), &probe.values).unwrap());
    }
    let bounds = bounds(&graph, &shapes, &values).unwrap();
    if bounds.iter().any(|bounded| bounded.expected.data.iter().any(|x| x.is_nan() || x.abs() > 65_000.0)) {
        return None;
    }
    let of = |(probe, bounded): (&Probe, Bounded)| {
        bounded.stored(dtype).worst(&probe.values).map_or(0.0, |(_, multiple)| multiple)
    };
    Some(probes.iter().zip(bounds).map(of).fold(0.0, f64::max))
}

#[test]
fn random_networks_are_within_bounds_of_16_bits() {
    let Some(gpu) = gpu() else { return };
    let all: Vec<(u64, Option<f64>)> =
        seeds(0, 1, 120).map(|seed| (seed, worst(&gpu, seed, Dtype::F16))).collect();
    let bad: Vec<_> = all.iter().filter(|(_, worst)| worst.is_some_and(|worst| worst > 1.0)).collect();
    assert!(bad.is_empty(), "seeds and their errors over their bounds: {bad:?}");
    let judged = all.iter().filter(|(_, worst)| worst.is_some()).count();
    assert!(judged * 10 > all.len() * 9, "{judged} of {} were judged", all.len());
    // What rounds to 16 bits is not within the bounds of 32.
    let beyond = (0..20).filter_map(|seed| worst(&gpu, seed, Dtype::F32)).filter(|worst| *worst > 10.0);
    assert!(beyond.count() > 10);
}

#[test]
fn a_masked_network_in_16_bits_equals_the_compacted_one_bit_for_bit() {
    let Some(gpu) = gpu() else { return };
    let network = Network::new(graph([9, 13]), 2);
    let input = network.input(5);
    let mut masked = Session::new(&gpu, network.plan(&half(&gpu, 2)), 1).unwrap();
    for tenths in [2, 5, 7, 9] {
        let keep = network.keep(tenths);
        masked.poison().unwrap();
        let found = masked.run_masked(&[&input], &keep).unwrap();
        let compacted = network.compacted(&keep);
        let mut compacted = Session::new(&gpu, compacted.plan(&half(&gpu, 2)), 0).unwrap();
        for (found, expected) in found.iter().zip(compacted.run(&[&input]).unwrap()) {
            same_bits(&format!("keep {keep:?}"), found, &expected);
        }
    }
}

#[test]
fn values_and_weights_take_half_of_the_memory() {
    let Some(gpu) = gpu() else { return };
    let network = Network::new(graph([32, 40]), 4);
    let plans = [gpu.plan_options(4), half(&gpu, 4)].map(|options| network.plan(&options));
    let slots = plans.each_ref().map(|plan| plan.slots.iter().sum::<u64>());
    assert!(slots[0] > 100_000 && slots[1] * 100 <= slots[0] * 55, "{slots:?}");
    let weights = plans
        .each_ref()
        .map(|plan| (0..plan.constants.len()).map(|constant| plan.constant_bytes(constant)).sum::<u64>());
    assert!(weights[0] > 10_000 && weights[1] * 100 <= weights[0] * 60, "{weights:?}");
    assert_eq!(plans[0].externals, plans[1].externals);
    let said = plans.each_ref().map(|plan| Session::bytes_for(&gpu, plan, 0));
    assert!(said[1] < said[0], "{said:?}");
}

#[test]
fn devices_without_16_bit_floats_say_so() {
    if gpus().is_none() {
        return;
    }
    let instance = wgpu::Instance::default();
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
    let adapter = adapters.into_iter().next().unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default())).unwrap();
    let gpu = Gpu::from_device(device, queue);
    assert!(!gpu.has_f16());
    refused(&gpu);
}

#[test]
fn losses_of_16_bits_are_refused() {
    let network = Network::new(graph([9, 13]), 1);
    let kind = TaskKind::Regression(Norm::L1);
    let task = Task {
        name: "map".to_owned(),
        kind,
        outputs: vec!["map".to_owned()],
        limit: None,
        names: Vec::new(),
    };
    let attached = |dtype| {
        let mut plan = network.plan(&PlanOptions { dtype, ..PlanOptions::default() });
        attach(&mut plan, std::slice::from_ref(&task), 1).map(drop)
    };
    attached(Dtype::F32).unwrap();
    let error = attached(Dtype::F16).unwrap_err().to_string();
    assert!(error.contains("losses read f32, the plan stores f16"), "{error}");
}

#[test]
fn indices_that_16_bits_do_not_hold_are_refused() {
    let planned = |classes: usize| {
        let mut b = Builder::new("classes");
        let x = b.image("x", [classes, 1, 1]);
        let op = ArgMax { axis: 1, keep_dims: true, last: false };
        let y = b.node(Op::ArgMax(op), &[x]);
        b.output(y, "y");
        let graph = b.finish().unwrap();
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        let options = PlanOptions { dtype: Dtype::F16, ..PlanOptions::default() };
        build(&graph, &shapes, &Units::default(), &options)
    };
    assert!(planned(2048).is_ok());
    match planned(2049) {
        Err(PlanError::Unsupported { op: "ArgMax", reason, .. }) => {
            assert!(reason.contains("2049"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
}

/// The bindings of a shader that have a form in 16 bits.
pub fn narrowable(source: &str, bindings: usize) -> u32 {
    let narrow = |at: &usize| {
        let mark = format!("@group(0) @binding({}) var", at + 2);
        let declaration = source.split(&mark).nth(1).and_then(|rest| rest.split(';').next()).unwrap_or("");
        ["array<vec4f>", "array<vec2f>", "array<f32>", "<rgba32float"]
            .iter()
            .any(|kind| declaration.contains(kind))
    };
    (0..bindings).filter(narrow).map(|at| 1 << at).sum()
}

#[test]
fn every_kernel_has_a_valid_form_in_16_bits() {
    let mut formed = 0;
    for kernel in ALL {
        let variants = (kernel.variants)();
        for spec in [variants.first(), variants.last()].into_iter().flatten() {
            let mask = narrowable(&wgsl(kernel, spec).unwrap(), kernel.bindings.len());
            // What optimisers change in place stays in 32 bits.
            let Ok(text) = wgsl(kernel, &spec.clone().halved(mask)) else {
                assert!(kernel.name.starts_with("optimise_"), "{}", kernel.name);
                continue;
            };
            let module = naga::front::wgsl::parse_str(&text)
                .unwrap_or_else(|error| panic!("{} {spec:?}: {}", kernel.name, error.emit_to_string(&text)));
            Validator::new(ValidationFlags::all(), Capabilities::SUBGROUP | Capabilities::SHADER_FLOAT16)
                .subgroup_operations(SubgroupOperationSet::all())
                .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
                .validate(&module)
                .unwrap_or_else(|error| panic!("{} {spec:?}: {error:?}", kernel.name));
            formed += usize::from(mask != 0);
        }
    }
    assert!(formed > 80, "{formed} were formed");
}
