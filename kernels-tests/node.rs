//! Lowers the nodes of a small graph and runs them with poison (NaN) wherever nothing may be read.

use wgpu_pagcp::gpu::{Gpu, execute};
use wgpu_pagcp::graph::{Graph, Sizes, ValueId};
use wgpu_pagcp::plan::{Lowering, Operand, Stored, lower};
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::Units;

/// What a lane of a stored value is for one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// It holds this logical channel.
    Channel(usize),
    /// Past the end of a live group: always 0.
    Zero,
    /// In a group that does not exist: never written, never read.
    Dead,
}

/// Every lane of a stored channel axis, in stored order.
pub fn lanes(stored: &Stored, keep: &[usize]) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for segment in &stored.segments {
        let channels = segment.channels as usize;
        let live = segment.unit.map_or(channels, |(unit, block)| keep[unit] * block as usize);
        lanes.extend((0..channels.next_multiple_of(4)).map(|at| match at {
            at if at < live => Lane::Channel(segment.logical[at] as usize),
            at if at < live.next_multiple_of(4) => Lane::Zero,
            _ => Lane::Dead,
        }));
    }
    lanes
}

/// `values`, in row-major order, as they are stored when only `keep` of each unit lives.
fn store(stored: &Stored, values: &[f32], keep: &[usize]) -> Vec<f32> {
    let lanes = lanes(stored, keep);
    let pixels = stored.pixels() as usize;
    let mut packed = stored.pack(values);
    for (at, value) in packed.iter_mut().enumerate() {
        let group = at / (pixels * 4) % stored.groups as usize;
        match lanes[group * 4 + at % 4] {
            Lane::Channel(_) => {}
            Lane::Zero => *value = 0.0,
            Lane::Dead => *value = f32::NAN,
        }
    }
    packed
}

/// The live channels of a stored value, in row-major order.
///
/// # Panics
/// If a lane past the end of a live group is not 0, or a dead group was written.
fn load(label: &str, stored: &Stored, floats: &[f32], keep: &[usize]) -> Vec<f32> {
    let lanes = lanes(stored, keep);
    let pixels = stored.pixels() as usize;
    let row = |image: usize, lane: usize| {
        let plane = image * stored.groups as usize + lane / 4;
        (0..pixels).map(move |pixel| floats[(plane * pixels + pixel) * 4 + lane % 4])
    };
    let mut live = Vec::new();
    for image in 0..stored.images as usize {
        for (at, lane) in lanes.iter().enumerate() {
            match lane {
                Lane::Channel(_) => live.extend(row(image, at)),
                Lane::Zero => {
                    assert!(row(image, at).all(|v| v.to_bits() == 0), "{label}: lane {at} is not zero");
                }
                Lane::Dead => assert!(row(image, at).all(f32::is_nan), "{label}: lane {at} was written"),
            }
        }
    }
    live
}

/// Runs all nodes of `graph` on `inputs` (all channels; dimension 0 is the batch) and gives the live channels of its output.
///
/// # Panics
/// If it cannot be lowered or run, or writes where it must not.
pub fn run(
    gpu: &Gpu,
    graph: &Graph,
    units: &Units,
    keep: &[usize],
    inputs: &[(ValueId, &Tensor)],
) -> Vec<f32> {
    run_within(None, (gpu, graph, units), keep, inputs)
}

/// As [`run`], where `scratch_bytes` says so with that for [`Lowering::scratch_bytes`].
pub fn run_within(
    scratch_bytes: Option<u64>,
    (gpu, graph, units): (&Gpu, &Graph, &Units),
    keep: &[usize],
    inputs: &[(ValueId, &Tensor)],
) -> Vec<f32> {
    let label = graph.name.as_str();
    let sizes = Sizes::batch(inputs[0].1.shape()[0]);
    let shapes = graph.infer(&sizes).expect("the graph is consistent");
    let mut cx = Lowering::new(graph, &shapes, units, gpu.class());
    cx.scratch_bytes = scratch_bytes.unwrap_or(cx.scratch_bytes);
    for node in &graph.nodes {
        lower(&mut cx, node).unwrap_or_else(|error| panic!("{label}: {error}"));
    }
    let stored: Vec<(Operand, Stored, &Tensor)> =
        inputs.iter().map(|&(id, values)| (cx.slot(id), cx.stored(id), values)).collect();
    let output = (cx.slot(graph.outputs[0]), cx.stored(graph.outputs[0]));
    let mut buffers: Vec<Vec<f32>> = cx.constants.iter().map(|c| c.to_vec()).collect();
    let constants = buffers.len();
    buffers.extend(cx.slots().iter().map(|&bytes| vec![f32::NAN; bytes as usize / 4]));
    let place = |operand| match operand {
        Operand::Slot(slot) => constants + slot,
        Operand::Constant(constant) => constant,
        Operand::Part { .. } | Operand::External(_) => panic!("{label}: lowering names no external buffer"),
    };
    for (operand, stored, values) in stored {
        buffers[place(operand)] = store(&stored, values.f32s().expect("inputs are floats"), keep);
    }
    let mut steps = cx.steps.clone();
    for step in &mut steps {
        for operand in &mut step.operands {
            *operand = Operand::External(place(*operand));
        }
    }
    let table = cx.live.table(0, keep);
    execute(gpu, &steps, &table, &mut buffers).unwrap_or_else(|error| panic!("{label}: {error}"));
    load(label, &output.1, &buffers[place(output.0)], keep)
}
