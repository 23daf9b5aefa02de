//! Gradients of weights and biases: sums over images and pixels, in parts that a second step adds where there are several.

use super::products::Products;
use super::sum::{Sum, TERMS};
use crate::graph::{Conv2d, Node};
use crate::kernels::Spec;
use crate::kernels::channel_sum::{CHANNEL_SUM, ChannelSumParams};
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, Operand, fold};

/// See [`crate::graph::Training::ConvWeight`].
pub(super) fn weight(cx: &mut Lowering, node: &Node, conv: &Conv2d) -> Result<(), PlanError> {
    let (x, dy) = (computed(cx, node, 0)?, computed(cx, node, 1)?);
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
    let sum = Sum { size: stored.groups, partials: spans, spread: None };
    let partial = sum.place(cx, node);
    let [x, z] = fold(u64::from(stored.groups * spans).div_ceil(u64::from(WORKGROUP)));
    let dispatch = Dispatch {
        kernel: &CHANNEL_SUM,
        spec: Spec::default(),
        params: params.words(),
        operands: vec![dy, partial],
        grid: Grid::Fixed([x, 1, z]),
    };
    cx.dispatch(node, dispatch);
    sum.add(cx, node, partial);
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
