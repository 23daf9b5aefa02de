//! Reshape and flatten: a shared buffer where the stored bytes are the same, else a gather.

use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::Node;
use crate::kernels::Spec;
use crate::kernels::live::StoredSegment;
use crate::kernels::reshape::{RESHAPE, ReshapeParams};
use crate::tensor::count;

/// Lowers a reinterpretation of the same row-major elements.
pub(super) fn lower(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let [from, to] = [node.inputs[0], node.outputs[0]];
    let (x, y) = (cx.stored(from), cx.stored(to));
    if count(&cx.shapes[from.0]) != count(&cx.shapes[to.0]) {
        let reason = format!("{:?} has not as many elements as {:?}", cx.shapes[from.0], cx.shapes[to.0]);
        return Err(unsupported(node, reason));
    }
    let same = x.images == y.images && x.segments == y.segments && x.pixels() == y.pixels();
    if same && cx.graph.constant(from).is_none() {
        cx.alias(to, from);
        return Ok(());
    }
    check_segments(node, &x, &y)?;
    let (source, _) = cx.operand(node, 0, &x.segments)?;
    let mut map = vec![0.0; y.groups as usize * 4];
    for channel in 0..y.channels {
        let (group, lane) = y.place(channel);
        map[(group * 4 + lane) as usize] = channel as f32;
    }
    map.extend((0..x.channels).map(|channel| {
        let (group, lane) = x.place(channel);
        (group * 4 + lane) as f32
    }));
    let map = cx.pack(map);
    let out = cx.slot(to);
    let params = ReshapeParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        channels: y.channels,
        groups: y.groups,
        in_pixels: x.pixels(),
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
    Ok(())
}

/// The gather reads what lives only where both sides are whole, or where the live prefix of every segment covers the
/// same run of an image's elements on both.
fn check_segments(node: &Node, x: &Stored, y: &Stored) -> Result<(), PlanError> {
    let whole = |s: &StoredSegment| s.unit.is_none();
    if x.segments.iter().all(whole) && y.segments.iter().all(whole) {
        return Ok(());
    }
    let run = |s: &StoredSegment, pixels: u32| {
        (s.unit.map(|(unit, block)| (unit, block * pixels)), s.channels * pixels)
    };
    let runs =
        |stored: &Stored| -> Vec<_> { stored.segments.iter().map(|s| run(s, stored.pixels())).collect() };
    if x.images == y.images && runs(x) == runs(y) {
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
