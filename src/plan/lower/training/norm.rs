//! Batch normalisation by the batch's own moments and its gradients.

use super::pixels::{self, whole};
use crate::graph::{BatchNorm, Node};
use crate::kernels::batch_merge::{self, BATCH_MERGE};
use crate::kernels::batch_moments::{BATCH_MOMENTS, BatchParams};
use crate::kernels::batch_norm::{BATCH_NORM, BatchNormParams, output_spec, spec};
use crate::kernels::batch_norm_input::BATCH_NORM_INPUT;
use crate::kernels::batch_norm_sums::BATCH_NORM_SUMS;
use crate::kernels::{Kernel, Spec};
use crate::plan::lower::activation::code;
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{DeviceClass, Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, Operand};

/// See [`crate::graph::Training::BatchMoments`].
pub(super) fn moments(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let (x, stored) = whole(cx, node, 0)?;
    let threads = pixels::threads_of_sums(cx.class, &stored);
    let partials = partials(cx, node, &stored, threads);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &BATCH_MOMENTS,
            spec: Spec::default(),
            params: parameters(&stored, threads).words(),
            operands: vec![x, partials],
            grid: pixels::grid(&stored, threads),
        },
    );
    merge(cx, node, &stored, threads, (partials, 1));
    Ok(())
}

/// See [`crate::graph::Training::BatchNorm`].
pub(super) fn batch_norm(cx: &mut Lowering, node: &Node, op: BatchNorm) -> Result<(), PlanError> {
    let stored = cx.stored(node.inputs[0]);
    let threads = pixels::threads(cx.class, &stored);
    let output = cx.slot(node.outputs[0]);
    let spec = |code| output_spec(code, u32::from(node.inputs.len() > 4));
    step(cx, node, op, (&BATCH_NORM, &spec), (threads, output))
}

/// See [`crate::graph::Training::BatchNormSums`].
pub(super) fn sums(cx: &mut Lowering, node: &Node, op: BatchNorm) -> Result<(), PlanError> {
    let stored = cx.stored(node.inputs[0]);
    let threads = pixels::threads_of_sums(cx.class, &stored);
    let partials = partials(cx, node, &stored, threads);
    step(cx, node, op, (&BATCH_NORM_SUMS, &spec), (threads, partials))?;
    merge(cx, node, &stored, threads, (partials, 0));
    Ok(())
}

/// See [`crate::graph::Training::BatchNormInput`].
pub(super) fn input(cx: &mut Lowering, node: &Node, op: BatchNorm) -> Result<(), PlanError> {
    let stored = cx.stored(node.inputs[0]);
    let threads = pixels::threads(cx.class, &stored);
    let output = cx.slot(node.outputs[0]);
    step(cx, node, op, (&BATCH_NORM_INPUT, &spec), (threads, output))
}

/// A step that reads all inputs of a node, in order, and writes `output`.
fn step(
    cx: &mut Lowering,
    node: &Node,
    op: BatchNorm,
    (kernel, spec): (&'static Kernel, &dyn Fn(u32) -> Spec),
    (threads, output): (u32, Operand),
) -> Result<(), PlanError> {
    if !op.activation.ends_sums() {
        let reason = format!("{} does not follow batch normalisations", op.activation.name());
        return Err(unsupported(node, reason));
    }
    let (x, stored) = whole(cx, node, 0)?;
    let mut operands = vec![x];
    for input in 1..node.inputs.len() {
        operands.push(whole(cx, node, input)?.0);
    }
    let (code, a, b) = code(op.activation);
    // Where nothing is added, any buffer stands for what is.
    operands.resize(kernel.bindings.len() - 1, x);
    operands.push(output);
    let params = BatchNormParams {
        images: stored.images,
        channels: stored.channels,
        pixels: stored.pixels(),
        groups: stored.groups,
        threads,
        epsilon: op.epsilon,
        a,
        b,
    };
    let grid = pixels::grid(&stored, threads);
    cx.dispatch(node, Dispatch { kernel, spec: spec(code), params: params.words(), operands, grid });
    Ok(())
}

/// Room for two vec4s of every thread.
fn partials(cx: &mut Lowering, node: &Node, x: &Stored, threads: u32) -> Operand {
    cx.scratch(node.outputs[0], (x.groups * x.images * threads * 8) as usize)
}

fn parameters(x: &Stored, threads: u32) -> BatchParams {
    BatchParams { images: x.images, channels: x.channels, pixels: x.pixels(), groups: x.groups, threads }
}

/// Puts together what the threads of one channel group left.
fn merge(cx: &mut Lowering, node: &Node, x: &Stored, threads: u32, (partials, moments): (Operand, u32)) {
    let shared = cx.class == DeviceClass::Gpu;
    let workgroup = if shared { 1 } else { WORKGROUP };
    let output = cx.slot(node.outputs[0]);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &BATCH_MERGE,
            spec: batch_merge::spec(moments, u32::from(shared)),
            params: parameters(x, threads).words(),
            operands: vec![partials, output],
            grid: Grid::Elements { record: x.record, per_group: 1, workgroup },
        },
    );
}
