//! Batch normalisation by the batch's own moments and its gradients.

use super::pixels::{self, whole};
use crate::graph::{BatchNorm, Node};
use crate::kernels::batch_merge::{self, BATCH_MERGE};
use crate::kernels::batch_moments::{BATCH_MOMENTS, BatchMergeParams, BatchMomentsParams};
use crate::kernels::batch_norm::{BATCH_NORM, BatchNormParams, BatchSumsParams, spec};
use crate::kernels::batch_norm_input::BATCH_NORM_INPUT;
use crate::kernels::batch_sums::BATCH_SUMS;
use crate::kernels::{Kernel, Spec};
use crate::plan::lower::activation::code;
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{Lowering, PlanError, Stored};
use crate::plan::{Grid, MAX_GROUPS, Operand};

/// Pixels that a thread adds before sums of runs are added.
const SPAN: u32 = 256;

/// See [`crate::graph::Training::BatchMoments`].
pub(super) fn moments(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let (source, x) = whole(cx, node, 0)?;
    let runs = x.pixels().div_ceil(SPAN);
    let params =
        BatchMomentsParams { images: x.images, pixels: x.pixels(), groups: x.groups, span: SPAN, runs };
    let partials = partials(cx, node, &x);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &BATCH_MOMENTS,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, partials],
            grid: threads(x.images * x.groups * runs),
        },
    );
    merge(cx, node, &x, (partials, true));
    Ok(())
}

/// See [`crate::graph::Training::BatchNormSums`].
pub(super) fn sums(cx: &mut Lowering, node: &Node, op: BatchNorm) -> Result<(), PlanError> {
    let (source, x) = whole(cx, node, 0)?;
    let mut operands = vec![source];
    for input in 1..5 {
        operands.push(whole(cx, node, input)?.0);
    }
    let partials = partials(cx, node, &x);
    operands.push(partials);
    let (code, a, b) = code(op.activation);
    let runs = x.pixels().div_ceil(SPAN);
    let params = BatchSumsParams {
        images: x.images,
        pixels: x.pixels(),
        groups: x.groups,
        span: SPAN,
        runs,
        epsilon: op.epsilon,
        a,
        b,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &BATCH_SUMS,
            spec: spec(code),
            params: params.words(),
            operands,
            grid: threads(x.images * x.groups * runs),
        },
    );
    merge(cx, node, &x, (partials, false));
    Ok(())
}

/// See [`crate::graph::Training::BatchNorm`].
pub(super) fn batch_norm(cx: &mut Lowering, node: &Node, op: BatchNorm) -> Result<(), PlanError> {
    pixelwise(cx, node, op, &BATCH_NORM)
}

/// See [`crate::graph::Training::BatchNormInput`].
pub(super) fn input(cx: &mut Lowering, node: &Node, op: BatchNorm) -> Result<(), PlanError> {
    pixelwise(cx, node, op, &BATCH_NORM_INPUT)
}

/// A kernel that treats every pixel of input 0 by itself.
fn pixelwise(
    cx: &mut Lowering,
    node: &Node,
    op: BatchNorm,
    kernel: &'static Kernel,
) -> Result<(), PlanError> {
    let (_, x) = whole(cx, node, 0)?;
    let mut operands = Vec::new();
    for input in 0..node.inputs.len() {
        operands.push(whole(cx, node, input)?.0);
    }
    operands.push(cx.slot(node.outputs[0]));
    let (code, a, b) = code(op.activation);
    let threads = pixels::threads(cx.class, &x);
    let params = BatchNormParams {
        images: x.images,
        channels: x.channels,
        pixels: x.pixels(),
        groups: x.groups,
        threads,
        epsilon: op.epsilon,
        a,
        b,
    };
    let grid = pixels::grid(&x, threads);
    cx.dispatch(node, Dispatch { kernel, spec: spec(code), params: params.words(), operands, grid });
    Ok(())
}

/// A buffer for two vectors of every run of pixels of every channel group.
fn partials(cx: &mut Lowering, node: &Node, x: &Stored) -> Operand {
    let runs = x.pixels().div_ceil(SPAN);
    cx.scratch(node.outputs[0], 8 * (x.images * x.groups * runs) as usize)
}

fn merge(cx: &mut Lowering, node: &Node, x: &Stored, (partials, moments): (Operand, bool)) {
    let params = BatchMergeParams {
        images: x.images,
        channels: x.channels,
        pixels: x.pixels(),
        groups: x.groups,
        span: SPAN,
        runs: x.pixels().div_ceil(SPAN),
    };
    let operands = vec![partials, cx.slot(node.outputs[0])];
    cx.dispatch(
        node,
        Dispatch {
            kernel: &BATCH_MERGE,
            spec: batch_merge::spec(moments),
            params: params.words(),
            operands,
            grid: threads(x.groups),
        },
    );
}

/// So many threads.
fn threads(count: u32) -> Grid {
    let groups = count.div_ceil(WORKGROUP);
    let z = groups.div_ceil(MAX_GROUPS).max(1);
    Grid::Fixed([groups.div_ceil(z), 1, z])
}
