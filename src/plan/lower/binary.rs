//! Pointwise functions of two values: how each operand is read under numpy broadcasting.

use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, stored_extents, unsupported};
use crate::graph::{Binary, Node};
use crate::kernels::Spec;
use crate::kernels::eltwise_binary::{BinaryParams, ELTWISE_BINARY};
use crate::kernels::live::StoredSegment;
use crate::plan::Operand;
use crate::tensor::count;

/// Distances in vec4s between neighbours along each axis of an operand, 0 along broadcast axes.
struct View {
    operand: Operand,
    image: u32,
    group: u32,
    row: u32,
    column: u32,
    splat: bool,
}

/// Lowers a sum, difference or product.
pub(super) fn lower(cx: &mut Lowering, node: &Node, binary: Binary) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let a = view(cx, node, 0, &y)?;
    let b = view(cx, node, 1, &y)?;
    let out = cx.slot(node.outputs[0]);
    let operation = match binary {
        Binary::Add => 0,
        Binary::Sub => 1,
        Binary::Mul => 2,
    };
    let params = BinaryParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        width: y.width,
        groups: y.groups,
        a_image: a.image,
        a_group: a.group,
        a_row: a.row,
        a_column: a.column,
        a_splat: u32::from(a.splat),
        b_image: b.image,
        b_group: b.group,
        b_row: b.row,
        b_column: b.column,
        b_splat: u32::from(b.splat),
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &ELTWISE_BINARY,
            spec: Spec(vec![("operation", operation)]),
            params: params.words(),
            operands: vec![a.operand, b.operand, out],
            grid: y.elements(),
        },
    );
    Ok(())
}

fn view(cx: &mut Lowering, node: &Node, input: usize, y: &Stored) -> Result<View, PlanError> {
    let [images, channels, height, width] = broadcast_axes(cx, node, input)?;
    let splat = channels == 1;
    let segments = if splat { single_segment(cx, node, input) } else { y.segments.clone() };
    let groups: u32 = segments.iter().map(|s| s.channels.div_ceil(4)).sum();
    let operand = if cx.graph.constant(node.inputs[input]).is_some() {
        let axis = y.axis;
        let inner = height * width;
        let stored =
            Stored { inner, images, axis, channels, groups, height, width, record: y.record, segments };
        let values = cx.constant(node, input)?.f32s().map_err(|e| unsupported(node, e.to_string()))?;
        cx.pack(stored.pack(values))
    } else {
        cx.operand(node, input, &segments)?.0
    };
    let pixels = height * width;
    Ok(View {
        operand,
        image: if images == 1 { 0 } else { groups * pixels },
        group: if splat { 0 } else { pixels },
        row: if height == 1 { 0 } else { width },
        column: u32::from(width > 1),
        splat,
    })
}

/// The channel layout of an operand of one channel: its own where it is computed.
fn single_segment(cx: &mut Lowering, node: &Node, input: usize) -> Vec<StoredSegment> {
    let value = node.inputs[input];
    match cx.graph.constant(value) {
        Some(_) => vec![StoredSegment::run(0, 0, 1, None)],
        None => cx.stored(value).segments,
    }
}

/// The extents of an operand along the four stored axes of the output, 1 along broadcast ones.
fn broadcast_axes(cx: &Lowering, node: &Node, input: usize) -> Result<[u32; 4], PlanError> {
    let value = node.inputs[input];
    let shape = &cx.shapes[value.0];
    let out = &cx.shapes[node.outputs[0].0];
    let refuse = |why: &str| {
        let name = &cx.graph.value(value).name;
        Err(unsupported(node, format!("input {input} ({name}) of shape {shape:?} {why} {out:?}")))
    };
    if shape.len() > out.len() {
        return refuse("cannot be broadcast to");
    }
    let mut aligned = vec![1; out.len() - shape.len()];
    aligned.extend(shape);
    if aligned.iter().zip(out).any(|(&found, &expected)| found != 1 && found != expected) {
        return refuse("cannot be broadcast to");
    }
    let axis = cx.axis(node.outputs[0]);
    let rest = |shape: &[usize]| -> Vec<usize> {
        shape.iter().enumerate().filter(|&(at, _)| at > 0 && at != axis).map(|(_, &size)| size).collect()
    };
    let (own, whole) = (rest(&aligned), rest(out));
    let joined = own.len().saturating_sub(1);
    if count(&own[..joined]) != 1 && own[..joined] != whole[..joined] {
        return refuse("is broadcast along only some of the middle axes of");
    }
    let axes = stored_extents(&aligned, axis);
    let computed = cx.graph.constant(value).is_none();
    if computed && count(shape) > 1 && stored_extents(shape, cx.axis(value)) != axes {
        return refuse("has to be reshaped to the rank of");
    }
    Ok(axes)
}
