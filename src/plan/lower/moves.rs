//! Operators that move elements: what every index along every output axis reads.

use super::gather::{Gather, Moved, Placed, Reading, along};
use super::{Lowering, PlanError, part, regroup, unsupported};
use crate::graph::{DepthOrder, Extent, Mismatch, Move, Node, PadMode};
use crate::plan::Operand;

/// Lowers a move.
pub(super) fn lower(cx: &mut Lowering, node: &Node, op: &Move) -> Result<(), PlanError> {
    if let Move::Gather { axis, indices, shape } = op
        && shape.len() > 1
    {
        return lower_table(cx, node, *axis, indices);
    }
    let (x, y) = (&cx.shapes[node.inputs[0].0], &cx.shapes[node.outputs[0].0]);
    let moved = moved(op, x, y).map_err(|mismatch| unsupported(node, mismatch.to_string()))?;
    lower_moved(cx, node, &moved)
}

/// Lowers a change of rank whose output axis `i` is input axis `sources[i]`, or new.
fn lower_axes(cx: &mut Lowering, node: &Node, sources: &[Option<usize>]) -> Result<(), PlanError> {
    let moved = Moved::axes(sources, &cx.shapes[node.outputs[0].0]);
    lower_moved(cx, node, &moved)
}

/// Lowers the dropping of `axes` of size 1.
pub(super) fn lower_squeeze(cx: &mut Lowering, node: &Node, axes: &[usize]) -> Result<(), PlanError> {
    let rank = cx.shapes[node.inputs[0].0].len();
    let sources: Vec<Option<usize>> = (0..rank).filter(|axis| !axes.contains(axis)).map(Some).collect();
    lower_axes(cx, node, &sources)
}

/// Lowers the insertion of `axes` of size 1.
pub(super) fn lower_unsqueeze(cx: &mut Lowering, node: &Node, axes: &[usize]) -> Result<(), PlanError> {
    let rank = cx.shapes[node.outputs[0].0].len();
    let mut next = 0..;
    let sources: Vec<Option<usize>> =
        (0..rank).map(|axis| if axes.contains(&axis) { None } else { next.next() }).collect();
    lower_axes(cx, node, &sources)
}

/// Lowers what moves the elements of input 0 as `moved` says.
pub(super) fn lower_moved(cx: &mut Lowering, node: &Node, moved: &Moved) -> Result<(), PlanError> {
    let [from, to] = [node.inputs[0], node.outputs[0]];
    let (x, y) = (cx.stored(from), cx.stored(to));
    let place = |value: usize, stored| Placed { shape: &cx.shapes[value], stored };
    let gather = Gather::new(node, moved, place(from.0, &x), place(to.0, &y))?;
    let source = if cx.graph.constant(from).is_some() {
        cx.packed(node, 0, &x)?
    } else if gather.is_identity() {
        cx.alias(to, from);
        return Ok(());
    } else if let Some(group) = gather.first_group()
        && !cx.graph.inputs.contains(&from)
        && part::covers(&x.segments, &y.segments, group)
    {
        let (slot, whole) = (cx.slot_index(to), cx.slot_index(from));
        if cx.view(slot, (whole, &x), group) {
            return Ok(());
        }
        cx.slot(from)
    } else {
        cx.slot(from)
    };
    let out = cx.slot(to);
    gather.add(cx, node, source, out);
    Ok(())
}

/// Lowers a gather of several dimensions of `indices`: all in one dimension first, which is then cut into several.
fn lower_table(cx: &mut Lowering, node: &Node, axis: usize, indices: &[i64]) -> Result<(), PlanError> {
    let [from, to] = [node.inputs[0], node.outputs[0]];
    let shape = &cx.shapes[from.0];
    let mut flat = shape.clone();
    flat[axis] = indices.len();
    let (x, y) = (cx.stored(from), cx.stored(to));
    let middle = if x.axis == axis {
        let channels = flat[axis] as u32;
        cx.stored_as(&flat, axis, vec![crate::kernels::live::StoredSegment::run(0, 0, channels, None)])
    } else {
        cx.stored_as(&flat, x.axis, x.segments.clone())
    };
    let op = Move::Gather { axis, indices: indices.to_vec(), shape: vec![indices.len()] };
    let moved = moved(&op, shape, &flat).map_err(|mismatch| unsupported(node, mismatch.to_string()))?;
    let (here, there) = (Placed { shape, stored: &x }, Placed { shape: &flat, stored: &middle });
    let gather = Gather::new(node, &moved, here, there)?;
    let constant = cx.graph.constant(from).is_some();
    let source = if constant { cx.packed(node, 0, &x)? } else { cx.slot(from) };
    let slot = Operand::Slot(cx.extra_slot(to, &middle));
    gather.add(cx, node, source, slot);
    let out = cx.slot(to);
    regroup(cx, node, [(slot, &middle), (out, &y)]);
    Ok(())
}

/// What each index along each axis of `y` reads of `x`.
pub(super) fn moved(op: &Move, x: &[usize], y: &[usize]) -> Result<Moved, Mismatch> {
    let own =
        || -> Vec<Vec<Reading>> { y.iter().enumerate().map(|(axis, &size)| along(axis, size)).collect() };
    let copied = |axes| Moved { axes, base: Vec::new(), fill: 0.0 };
    Ok(match op {
        Move::Transpose { perm } => Moved::axes(&perm.iter().copied().map(Some).collect::<Vec<_>>(), y),
        Move::Slice(slices) => {
            let mut axes = own();
            for slice in slices {
                let steps = slice.steps(x[slice.axis])?;
                let read = |k| Some(vec![(slice.axis, steps.at(k))]);
                axes[slice.axis] = (0..steps.count).map(read).collect();
            }
            copied(axes)
        }
        Move::Expand { .. } => Moved::stretched(x, y),
        Move::Tile { .. } => {
            let repeated = |(axis, (&from, &to)): (usize, (&usize, &usize))| {
                (0..to).map(|at| Some(vec![(axis, at % from)])).collect()
            };
            copied(x.iter().zip(y).enumerate().map(repeated).collect())
        }
        Move::Gather { axis, indices, shape } => gathered((*axis, indices, shape.is_empty()), x, y),
        Move::Pad { amounts, mode } => {
            let padded = |(axis, ([before, _], &size)): (usize, (&[i64; 2], &usize))| {
                (0..size).map(|at| Some(vec![(axis, padded(*mode, at as i64 - before, x[axis])?)])).collect()
            };
            let axes = Extent::pairs(amounts)?.iter().zip(y).enumerate().map(padded).collect();
            let fill = match mode {
                PadMode::Constant(value) => *value,
                PadMode::Reflect | PadMode::Edge => 0.0,
            };
            Moved { axes, base: Vec::new(), fill }
        }
        Move::DepthToSpace { block, order } => copied(spread(*block, *order, y)),
        Move::SpaceToDepth { block } => {
            let (block, channels) = (*block, x[1]);
            let depth = |depth: usize| {
                let (cell, channel) = (depth / channels, depth % channels);
                Some(vec![(1, channel), (2, cell / block), (3, cell % block)])
            };
            let side = |axis: usize| (0..y[axis]).map(|at| Some(vec![(axis, at * block)])).collect();
            copied(vec![along(0, y[0]), (0..y[1]).map(depth).collect(), side(2), side(3)])
        }
    })
}

/// A gather of one dimension of indices, or of one index, which drops its axis.
fn gathered((axis, indices, drops): (usize, &[i64], bool), x: &[usize], y: &[usize]) -> Moved {
    let size = x[axis] as i64;
    let chosen = |&index: &i64| (if index < 0 { index + size } else { index }) as usize;
    if drops {
        let sources: Vec<Option<usize>> = (0..x.len()).filter(|&from| from != axis).map(Some).collect();
        let base = indices.iter().map(|index| (axis, chosen(index))).collect();
        return Moved { base, ..Moved::axes(&sources, y) };
    }
    let mut axes: Vec<Vec<Reading>> = y.iter().enumerate().map(|(axis, &size)| along(axis, size)).collect();
    axes[axis] = indices.iter().map(|index| Some(vec![(axis, chosen(index))])).collect();
    Moved { axes, base: Vec::new(), fill: 0.0 }
}

/// The index that a padded axis shows `at` behind the start of its `size` elements.
fn padded(mode: PadMode, at: i64, size: usize) -> Option<usize> {
    let last = size as i64 - 1;
    let inside = (0..=last).contains(&at);
    match mode {
        PadMode::Constant(_) => inside.then_some(at as usize),
        PadMode::Edge => Some(at.clamp(0, last) as usize),
        PadMode::Reflect => Some((last - (last - at.abs()).abs()) as usize),
    }
}

/// Depth to space: rows and columns choose a channel of a block as well.
fn spread(block: usize, order: DepthOrder, y: &[usize]) -> Vec<Vec<Reading>> {
    let ([row, column], channel) = match order {
        DepthOrder::Dcr => ([block * y[1], y[1]], 1),
        DepthOrder::Crd => ([block, 1], block * block),
    };
    let side = |axis: usize, step: usize| {
        (0..y[axis]).map(|at| Some(vec![(axis, at / block), (1, at % block * step)])).collect()
    };
    let channels = (0..y[1]).map(|c| Some(vec![(1, c * channel)])).collect();
    vec![along(0, y[0]), channels, side(2, row), side(3, column)]
}
