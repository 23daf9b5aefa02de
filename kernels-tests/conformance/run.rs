//! A case on the device: import, optimisation, units, plan, session, comparison.

use crate::case::Ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Dim, Graph, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{PlanOptions, build};
use wgpu_pagcp::units::analyse;

/// How far an output may be from the expected one: `RELATIVE |expected| + ABSOLUTE`. The package's own runner allows
/// 1e-3 and 1e-7.
pub const RELATIVE: f32 = 1e-4;
/// See [`RELATIVE`].
pub const ABSOLUTE: f32 = 1e-5;

/// Runs a case. An error says what went wrong, in one line.
pub fn run(gpu: &Gpu, ready: &Ready) -> Result<(), String> {
    let outputs = catch_unwind(AssertUnwindSafe(|| outputs(gpu, ready)));
    let outputs = outputs.unwrap_or_else(|panic| Err(format!("PANIC: {}", text(&*panic))))?;
    if outputs.len() != ready.outputs.len() {
        return Err(format!("expected {} outputs, found {}", ready.outputs.len(), outputs.len()));
    }
    for (at, (found, expected)) in outputs.iter().zip(&ready.outputs).enumerate() {
        compare(found, expected).map_err(|reason| format!("output {at}: {reason}"))?;
    }
    Ok(())
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

type Output = (Vec<usize>, Vec<f32>);

fn outputs(gpu: &Gpu, ready: &Ready) -> Result<Vec<Output>, String> {
    let graph = onnx::parse(&ready.bytes, "case", None).map_err(|error| error.to_string())?;
    let sizes = sizes(&graph);
    let shapes = graph.infer(&sizes).map_err(|error| format!("shapes: {error}"))?;
    let units = analyse(&graph, &shapes);
    let optimised = optimise(&graph, &sizes).map_err(|error| format!("optimise: {error}"))?.graph;
    let shapes = optimised.infer(&sizes).map_err(|error| format!("optimised shapes: {error}"))?;
    let options: PlanOptions = gpu.plan_options(sizes.batch);
    let plan = build(&optimised, &shapes, &units, &options).map_err(|error| format!("plan: {error}"))?;
    let declared: Vec<Vec<usize>> = plan.outputs.iter().map(|port| port.shape.clone()).collect();
    let mut session = Session::new(gpu, plan, 0).map_err(|error| format!("session: {error}"))?;
    session.poison().map_err(|error| format!("poison: {error}"))?;
    let inputs: Vec<&[f32]> = ready.inputs.iter().map(Vec::as_slice).collect();
    let values = session.run(&inputs).map_err(|error| format!("run: {error}"))?;
    Ok(declared.into_iter().zip(values).collect())
}

fn sizes(graph: &Graph) -> Sizes {
    let first = graph.inputs.iter().find_map(|&id| graph.value(id).dims.as_ref()?.first());
    match first {
        Some(Dim::Fixed(batch)) => Sizes::batch(*batch),
        _ => Sizes::batch(1),
    }
}

/// An error with the worst element where `found` is not what is expected.
pub fn compare(found: &Output, expected: &Output) -> Result<(), String> {
    if found.0 != expected.0 {
        return Err(format!("expected shape {:?}, found {:?}", expected.0, found.0));
    }
    if found.1.len() != expected.1.len() {
        return Err(format!("expected {} elements, found {}", expected.1.len(), found.1.len()));
    }
    let excess = |at: usize| {
        let (found, expected) = (found.1[at], expected.1[at]);
        if found == expected || found.is_nan() && expected.is_nan() {
            return 0.0;
        }
        let error = (found - expected).abs() / (RELATIVE * expected.abs() + ABSOLUTE);
        if error.is_nan() { f32::INFINITY } else { error }
    };
    let worst = (0..found.1.len()).max_by(|&a, &b| excess(a).total_cmp(&excess(b)));
    match worst {
        Some(at) if excess(at) > 1.0 => Err(format!(
            "element {at} of {} is {}, expected {}, {:.1} times the tolerance",
            found.1.len(),
            found.1[at],
            expected.1[at],
            excess(at)
        )),
        _ => Ok(()),
    }
}
