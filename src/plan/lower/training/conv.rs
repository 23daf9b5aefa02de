//! Gradients of weights and biases: sums over images and pixels, in parts that a second step adds where there are several.

use super::products::Products;
use crate::graph::{Conv2d, Node};
use crate::kernels::Spec;
use crate::kernels::channel_sum::{CHANNEL_SUM, ChannelSumParams};
use crate::kernels::partial_sums::{PARTIAL_SUMS, PartialSumsParams};
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, Operand, fold};

/// Terms of a sum in `f32` from which on it is computed in parts.
pub(super) const TERMS: u32 = 1024;

/// See [`crate::graph::Training::ConvWeight`].
pub(super) fn weight(cx: &mut Lowering, node: &Node, conv: &Conv2d) -> Result<(), PlanError> {
    let (x, dy) = (computed(cx, node, 0)?, computed(cx, node, 1)?);
    let groups = conv.groups as u32;
    let whole = [&x.1, &dy.1].iter().all(|stored| stored.channels / groups % 4 == 0);
    if groups > 1 && !whole {
        return Err(unsupported(node, format!("no kernel for {groups} groups of parts of 4 channels")));
    }
    Products::convolution(conv, x, dy).lower(cx, node);
    Ok(())
}

/// See [`crate::graph::Training::GemmWeight`].
pub(super) fn gemm_weight(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let (x, dy) = (computed(cx, node, 0)?, computed(cx, node, 1)?);
    Products::rows(x, dy).lower(cx, node);
    Ok(())
}

/// See [`crate::graph::Training::ChannelSum`].
pub(super) fn channel_sum(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    /// Pixels below which a thread of its own does not pay.
    const LEAST: u32 = 64;
    /// Threads that fill a device.
    const THREADS: u32 = 4096;
    let (dy, stored) = computed(cx, node, 0)?;
    let all_pixels = stored.images * stored.pixels();
    let span = all_pixels.div_ceil(THREADS.div_ceil(stored.groups)).clamp(LEAST, TERMS);
    let spans = all_pixels.div_ceil(span);
    let params =
        ChannelSumParams { channels: stored.channels, pixels: stored.pixels(), all_pixels, span, spans };
    let partial = partial_sums(cx, node, [stored.groups, spans]);
    let [x, z] = fold(u64::from(stored.groups * spans).div_ceil(u64::from(WORKGROUP)));
    let dispatch = Dispatch {
        kernel: &CHANNEL_SUM,
        spec: Spec::default(),
        params: params.words(),
        operands: vec![dy, partial],
        grid: Grid::Fixed([x, 1, z]),
    };
    cx.dispatch(node, dispatch);
    add_partials(cx, node, partial, [stored.groups, spans]);
    Ok(())
}

/// Input `input` of `node` where all its channels are in dimension 1, in one segment.
fn computed(cx: &mut Lowering, node: &Node, input: usize) -> Result<(Operand, Stored), PlanError> {
    let value = node.inputs[input];
    let stored = cx.stored(value);
    if cx.graph.constant(value).is_some() || stored.axis != 1 || stored.segments.len() != 1 {
        let name = &cx.graph.value(value).name;
        return Err(unsupported(
            node,
            format!("input {input} ({name}) must be computed, all channels in a row"),
        ));
    }
    Ok((cx.slot(value), stored))
}

/// Where `partials` sums of `size` texels go: the output of `node` where there is one.
pub(super) fn partial_sums(cx: &mut Lowering, node: &Node, [size, partials]: [u32; 2]) -> Operand {
    if partials == 1 {
        return cx.slot(node.outputs[0]);
    }
    cx.scratch(node.outputs[0], size as usize * partials as usize * 4)
}

/// Adds what [`partial_sums`] has into the output of `node`.
pub(super) fn add_partials(cx: &mut Lowering, node: &Node, from: Operand, [size, partials]: [u32; 2]) {
    if partials == 1 {
        return;
    }
    let [x, z] = fold(u64::from(size.div_ceil(WORKGROUP)));
    let operands = vec![from, cx.slot(node.outputs[0])];
    let dispatch = Dispatch {
        kernel: &PARTIAL_SUMS,
        spec: Spec::default(),
        params: PartialSumsParams { size, partials }.words(),
        operands,
        grid: Grid::Fixed([x, 1, z]),
    };
    cx.dispatch(node, dispatch);
}
