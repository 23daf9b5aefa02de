//! How the operands of a pointwise operator are read under numpy broadcasting: distances along the stored axes of the
//! output, 0 where an operand repeats.

use super::gather::{Form, relayout};
use super::{Lowering, PlanError, Stored, stored_extents, unsupported};
use crate::graph::Node;
use crate::kernels::live::StoredSegment;
use crate::plan::Operand;

/// Distances in vec4s between neighbours along each axis of an operand, 0 along broadcast axes. The pixel axes are
/// those of [`Axes`].
pub(super) struct View {
    pub(super) operand: Operand,
    pub(super) image: u32,
    pub(super) group: u32,
    pub(super) outer: u32,
    pub(super) plane: u32,
    pub(super) row: u32,
    pub(super) column: u32,
    /// 1 where one channel stands for all, else 0.
    pub(super) splat: u32,
}

/// The pixel axes of the output that operands tell apart: the last two, or all four.
pub(super) struct Axes {
    pub(super) planes: u32,
    pub(super) rows: u32,
    pub(super) width: u32,
    /// 2 or 4.
    pub(super) count: u32,
}

/// Adjacent axes along which every operand has all pixels of the output or repeats.
struct Run {
    extent: usize,
    whole: Vec<bool>,
}

/// The views of the `N` operands of `node`, whose output is stored as `y`.
pub(super) fn broadcast<const N: usize>(
    cx: &mut Lowering,
    node: &Node,
    y: &Stored,
) -> Result<([View; N], Axes), PlanError> {
    let shapes = (0..N).map(|input| aligned(cx, node, input)).collect::<Result<Vec<_>, _>>()?;
    let runs = runs(&cx.shapes[node.outputs[0].0], &shapes, y.axis);
    if runs.len() > 4 {
        let reason = format!("expected at most 4 runs of axes that repeat together, found {}", runs.len());
        return Err(unsupported(node, reason));
    }
    let extent = |from_end: usize| runs.iter().nth_back(from_end).map_or(1, |run| run.extent as u32);
    let count = if runs.len() > 2 { 4 } else { 2 };
    let axes = Axes { planes: extent(2), rows: extent(1), width: extent(0), count };
    let mut views = Vec::with_capacity(N);
    for (input, shape) in shapes.iter().enumerate() {
        let target = target(cx, node, input, (shape, y));
        let mut strides = [0; 4];
        let mut stride = 1;
        for (run, distance) in runs.iter().zip(strides[4 - runs.len()..].iter_mut()).rev() {
            if run.whole[input] {
                *distance = stride;
                stride *= run.extent as u32;
            }
        }
        let splat = target.channels == 1;
        let [outer, plane, row, column] = strides;
        views.push(View {
            operand: operand(cx, node, input, &target)?,
            image: if target.images == 1 { 0 } else { target.groups * target.pixels() },
            group: if splat { 0 } else { target.pixels() },
            outer,
            plane,
            row,
            column,
            splat: u32::from(splat),
        });
    }
    let views = views.try_into().unwrap_or_else(|_| unreachable!("there is a view for each operand"));
    Ok((views, axes))
}

/// The shape of an operand with ones in front up to the rank of the output.
fn aligned(cx: &Lowering, node: &Node, input: usize) -> Result<Vec<usize>, PlanError> {
    let value = node.inputs[input];
    let shape = &cx.shapes[value.0];
    let out = &cx.shapes[node.outputs[0].0];
    let mut aligned = vec![1; out.len().saturating_sub(shape.len())];
    aligned.extend(shape);
    let fits =
        aligned.len() == out.len() && aligned.iter().zip(out).all(|(&own, &all)| own == 1 || own == all);
    if fits {
        return Ok(aligned);
    }
    let name = &cx.graph.value(value).name;
    let reason = format!("input {input} ({name}) of shape {shape:?} cannot be broadcast to {out:?}");
    Err(unsupported(node, reason))
}

fn runs(out: &[usize], shapes: &[Vec<usize>], axis: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for at in (1..out.len()).filter(|&at| at != axis && out[at] > 1) {
        let whole: Vec<bool> = shapes.iter().map(|shape| shape[at] != 1).collect();
        match runs.last_mut() {
            Some(run) if run.whole == whole => run.extent *= out[at],
            _ => runs.push(Run { extent: out[at], whole }),
        }
    }
    runs
}

/// The stored form in which an operand of an aligned shape is read: that of the output along what it does not repeat.
fn target(cx: &mut Lowering, node: &Node, input: usize, (shape, y): (&[usize], &Stored)) -> Stored {
    let [images, channels, height, width] = stored_extents(shape, y.axis);
    let segments =
        if channels == y.channels && channels > 1 { y.segments.clone() } else { single(cx, node, input) };
    let groups = segments.iter().map(|s| s.channels.div_ceil(4)).sum();
    let inner = shape.iter().skip(y.axis + 1).product::<usize>() as u32;
    Stored { images, axis: y.axis, channels, groups, height, width, inner, record: y.record, segments }
}

/// The channel layout of an operand of one channel: its own where it is computed.
fn single(cx: &mut Lowering, node: &Node, input: usize) -> Vec<StoredSegment> {
    let value = node.inputs[input];
    let own = cx.graph.constant(value).is_none().then(|| cx.stored(value).segments);
    own.filter(|own| own.iter().map(|s| s.channels).sum::<u32>() == 1)
        .unwrap_or_else(|| vec![StoredSegment::run(0, 0, 1, None)])
}

/// An operand in the form `target`: packed where it is constant, copied where it is stored otherwise.
fn operand(cx: &mut Lowering, node: &Node, input: usize, target: &Stored) -> Result<Operand, PlanError> {
    let value = node.inputs[input];
    let name = &cx.graph.value(value).name;
    if let Some(constant) = cx.graph.constant(value) {
        let values =
            constant.f32s().map_err(|e| unsupported(node, format!("input {input} ({name}): {e}")))?;
        return Ok(cx.pack(target.pack(values)));
    }
    let rank = cx.shapes[node.outputs[0].0].len();
    let form = Form { rank, axis: target.axis, segments: &target.segments };
    Ok(relayout(cx, node, value, &form)?.0)
}
