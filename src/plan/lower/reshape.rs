//! Reshape and flatten: a shared buffer where the stored bytes are the same, else a gather.

use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::Node;
use crate::kernels::Spec;
use crate::kernels::reshape::{RESHAPE, ReshapeParams};
use crate::plan::Operand;
use crate::tensor::count;

/// Lowers a reinterpretation of the same row-major elements.
pub(super) fn lower(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let [from, to] = [node.inputs[0], node.outputs[0]];
    let (x, y) = (cx.stored(from), cx.stored(to));
    if count(&cx.shapes[from.0]) != count(&cx.shapes[to.0]) {
        let reason = format!("{:?} has not as many elements as {:?}", cx.shapes[from.0], cx.shapes[to.0]);
        return Err(unsupported(node, reason));
    }
    let same =
        x.images == y.images && x.segments == y.segments && x.pixels() == y.pixels() && x.inner == y.inner;
    if same && cx.graph.constant(from).is_none() {
        cx.alias(to, from);
        return Ok(());
    }
    check_segments(node, &x, &y)?;
    let source =
        if cx.graph.constant(from).is_some() { cx.operand(node, 0, &x.segments)?.0 } else { cx.slot(from) };
    let out = cx.slot(to);
    regroup(cx, node, [(source, &x), (out, &y)]);
    Ok(())
}

/// Adds the step that copies one stored form of row-major elements to another.
pub(in crate::plan) fn regroup(
    cx: &mut Lowering,
    node: &Node,
    [(source, x), (out, y)]: [(Operand, &Stored); 2],
) {
    let mut map = vec![0.0; y.groups as usize * 4];
    for (channel, lane) in y.places().into_iter().enumerate() {
        map[lane as usize] = channel as f32;
    }
    map.extend(x.places().into_iter().map(|lane| lane as f32));
    let map = cx.pack(map);
    let params = ReshapeParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        inner: y.inner,
        channels: y.channels,
        groups: y.groups,
        in_pixels: x.pixels(),
        in_inner: x.inner,
        in_channels: x.channels,
        in_groups: x.groups,
        in_map: y.groups * 4,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &RESHAPE,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, map, out],
            grid: y.elements(),
        },
    );
}

/// That the gather reads what lives: only whole channels, or for every channel of the output channels of the input
/// that live with it, once or as often as the pixels before them repeat.
fn check_segments(node: &Node, x: &Stored, y: &Stored) -> Result<(), PlanError> {
    let (there, here) = (x.coordinates(), y.coordinates());
    if there.iter().all(Option::is_none) {
        return Ok(());
    }
    let outer = |stored: &Stored| stored.images * (stored.pixels() / stored.inner.max(1));
    let repeats = outer(x).checked_div(outer(y)).unwrap_or(0);
    let lives = |channel: usize| {
        let (inner, in_inner) = (y.inner as usize, x.inner.max(1) as usize);
        let mut lines = channel * inner / in_inner..((channel + 1) * inner).div_ceil(in_inner);
        lines.all(|line| there[line % there.len()].is_none_or(|source| Some(source) == here[channel]))
    };
    if repeats * outer(y) == outer(x) && (0..here.len()).all(lives) {
        return Ok(());
    }
    Err(unsupported(
        node,
        format!(
            "prunable channels must keep their order, {:?} of {} pixels become {:?} of {} pixels",
            x.segments,
            x.pixels(),
            y.segments,
            y.pixels()
        ),
    ))
}
