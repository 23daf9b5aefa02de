//! The index of the largest channel of an enlarged map, as segmentation networks end: both are one step.

use super::Lowering;
use super::resize::Fours;
use super::step::{Dispatch, WORKGROUP};
use crate::graph::{ArgMax, Node};
use crate::kernels::resize_arg_max::{RESIZE_ARG_MAX, ResizeArgMaxParams, spec};
use crate::plan::{Grid, Stored};
use crate::tensor::Dtype;

/// Lets the step of `node` enlarge what it reads, where a step of [`super::resize`] does that for it alone, so that it is not
/// stored: by 2, 4 or 8, along the channels. Tells whether it does. It does not where all values are kept or every node has steps
/// of its own, nor in 16 bits, where the enlarged map would be rounded.
pub(super) fn join(cx: &mut Lowering, node: &Node, op: ArgMax) -> bool {
    let (value, output) = (node.inputs[0], node.outputs[0]);
    let (x, y) = (cx.stored(value), cx.stored(output));
    let enlarged = cx.slot(value);
    let Some(by_rows) = by_rows(&x, &y) else { return false };
    let own = op.axis == 1 && x.axis == 1 && cx.is_read_once(enlarged);
    if !own || !cx.merge || cx.keep_all || cx.dtype == Dtype::F16 {
        return false;
    }
    let Some(at) = cx.steps.iter().rposition(|step| step.operands.last() == Some(&enlarged)) else {
        return false;
    };
    let Some(fours) = Fours::of(cx, &cx.steps[at]) else { return false };
    let first = cx.steps.remove(at);
    cx.merged.insert(value, [first.node, node.name.clone()]);
    let [rows, columns] = [x.height / 4, x.width / 4];
    let params = ResizeArgMaxParams {
        record: y.record.0,
        in_record: x.record.0,
        images: x.images,
        groups: x.groups,
        rows,
        columns,
        in_pixels: fours.enlarged.in_pixels,
        in_width: fours.enlarged.in_width,
    };
    let steps = [fours.rows.steps, fours.columns.steps];
    let spec = spec(fours.enlarged.linear, steps, [op.last, by_rows]);
    let per_group = x.images * if by_rows { columns } else { rows * columns };
    let grid = Grid::Elements { record: y.record, per_group, workgroup: WORKGROUP };
    let (source, out) = (fours.source, cx.slot(output));
    let operands = vec![source, cx.pack(fours.table()), out];
    cx.dispatch(node, Dispatch { kernel: &RESIZE_ARG_MAX, spec, params: params.words(), operands, grid });
    true
}

/// Whether indices of the channels of `x`, stored as `y`, have a channel for every row, or one of all; `None` where neither is so.
fn by_rows(x: &Stored, y: &Stored) -> Option<bool> {
    let [segment] = &y.segments[..] else { return None };
    if segment.unit.is_some() || y.axis != 1 || y.images != x.images || !y.is_ordered() {
        return None;
    }
    match [y.channels, y.height, y.width] {
        [1, height, width] if [height, width] == [x.height, x.width] => Some(false),
        [channels, 1, width] if [channels, width] == [x.height, x.width] => Some(true),
        _ => None,
    }
}
