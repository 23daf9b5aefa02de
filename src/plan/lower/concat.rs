//! Concatenation, one copy per operand, and copies of single values.

use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::{Node, Op};
use crate::kernels::Spec;
use crate::kernels::concat::{CONCAT, ConcatParams};
use crate::kernels::live::StoredSegment;
use crate::plan::Operand;

/// Where an operand goes in the output.
#[derive(Clone, Copy, Default)]
struct Place {
    image: u32,
    group: u32,
    pixel: u32,
}

/// Lowers a concatenation along `axis`. Operands that can lie in the output are written there by what computes them.
pub(super) fn lower(cx: &mut Lowering, node: &Node, axis: usize) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let mut place = Place::default();
    let mut channel = 0;
    let mut operands = Vec::with_capacity(node.inputs.len());
    for (input, &value) in node.inputs.iter().enumerate() {
        let shape = &cx.shapes[value.0];
        let extent = shape[axis] as u32;
        if axis == y.axis {
            let segments = own_segments(node, &y, channel, extent)?;
            place.group = first_group(&y, channel);
            channel += extent;
            operands.push((cx.operand(node, input, &segments)?, place));
        } else {
            let inner: usize = shape
                .iter()
                .enumerate()
                .filter(|&(at, _)| at > axis && at != y.axis)
                .map(|(_, &size)| size)
                .product();
            operands.push((cx.operand(node, input, &y.segments)?, place));
            match axis {
                0 => place.image += extent,
                _ => place.pixel += extent * inner as u32,
            }
        }
    }
    let slot = cx.slot_index(node.outputs[0]);
    let joined = if axis == y.axis {
        let places: Vec<_> = operands.iter().map(|((source, _), place)| (*source, place.group)).collect();
        cx.join((slot, &y), &places)
    } else {
        vec![false; operands.len()]
    };
    for (input, (operand, place)) in operands.into_iter().enumerate().filter(|(input, _)| !joined[*input]) {
        copy(cx, node, (input, operand), place);
    }
    Ok(())
}

/// Lowers an operator that only copies: shares the buffer where it is computed, packs it where it is constant.
pub(super) fn lower_identity(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    if cx.graph.constant(node.inputs[0]).is_some() {
        let operand = cx.operand(node, 0, &y.segments)?;
        copy(cx, node, (0, operand), Place::default());
        return Ok(());
    }
    cx.operand(node, 0, &y.segments)?;
    cx.alias(node.outputs[0], node.inputs[0]);
    Ok(())
}

/// The segments of `y` from channel `first` on that hold `channels` channels, as an operand of its own stores them. A part
/// of a segment of no unit is one where it begins and ends with a channel group.
fn own_segments(node: &Node, y: &Stored, first: u32, channels: u32) -> Result<Vec<StoredSegment>, PlanError> {
    let range = first..first + channels;
    let mut own: Vec<StoredSegment> = Vec::new();
    let mut first_group = 0;
    for segment in &y.segments {
        let inside = |channel: &u32| range.contains(channel);
        let logical: Vec<u32> = segment.logical.iter().copied().filter(inside).map(|c| c - first).collect();
        let start = segment.logical.iter().position(|channel| range.contains(channel)).unwrap_or(0);
        let end = start + logical.len();
        let in_a_row = segment.logical[start..end].iter().all(inside);
        let by_groups = start.is_multiple_of(4) && (end.is_multiple_of(4) || end == segment.logical.len());
        let whole = logical.len() == segment.logical.len();
        if !logical.is_empty() && (whole || (segment.unit.is_none() && in_a_row && by_groups)) {
            let channels = logical.len() as u32;
            own.push(StoredSegment { first_group, channels, logical, unit: segment.unit });
            first_group += channels.div_ceil(4);
        }
    }
    let covered: u32 = own.iter().map(|s| s.channels).sum();
    if covered != channels {
        let reason = format!(
            "channels {first}..{} of the output must start and end with a segment or a channel group, its segments are {:?}",
            first + channels,
            y.segments
        );
        return Err(unsupported(node, reason));
    }
    Ok(own)
}

/// The group that holds `channel`.
fn first_group(y: &Stored, channel: u32) -> u32 {
    let place =
        |s: &StoredSegment| Some(s.first_group + s.logical.iter().position(|c| *c == channel)? as u32 / 4);
    y.segments.iter().find_map(place).unwrap_or(0)
}

/// Adds the step that copies operand number `input` to its place in the output.
fn copy(cx: &mut Lowering, node: &Node, (input, (source, x)): (usize, (Operand, Stored)), place: Place) {
    let y = cx.stored(node.outputs[0]);
    let out = cx.slot(node.outputs[0]);
    let [run, out_run] = runs(cx, node, input);
    let params = ConcatParams {
        record: x.record.0,
        images: x.images,
        pixels: x.pixels(),
        groups: x.groups,
        out_pixels: y.pixels(),
        out_groups: y.groups,
        image_offset: place.image,
        group_offset: place.group,
        pixel_offset: place.pixel,
        run,
        out_run,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &CONCAT,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, out],
            grid: x.elements(),
        },
    );
}

/// How many pixels of the operand, and of the output, one step of the axes outside the joined one covers.
fn runs(cx: &Lowering, node: &Node, input: usize) -> [u32; 2] {
    let channels = cx.axis(node.outputs[0]);
    [node.inputs[input], node.outputs[0]].map(|value| {
        let shape = &cx.shapes[value.0];
        let axis = match node.op {
            Op::Concat { axis } if axis != channels => axis.max(1),
            _ => 1,
        };
        let inner = shape.iter().enumerate().filter(|&(at, _)| at >= axis && at != channels);
        inner.map(|(_, &size)| size).product::<usize>() as u32
    })
}
