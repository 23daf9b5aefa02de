//! Concatenation, one copy per operand, and copies of single values.

use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::{Node, Op};
use crate::kernels::Spec;
use crate::kernels::concat::{CONCAT, ConcatParams};
use crate::kernels::live::StoredSegment;
use crate::tensor::count;

/// Where an operand goes in the output.
#[derive(Clone, Copy, Default)]
struct Place {
    image: u32,
    group: u32,
    pixel: u32,
}

/// Lowers a concatenation along `axis`.
pub(super) fn lower(cx: &mut Lowering, node: &Node, axis: usize) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let rank = cx.shapes[node.outputs[0].0].len();
    let mut place = Place::default();
    let mut channel = 0;
    for (input, &value) in node.inputs.iter().enumerate() {
        let channels = cx.stored(value).channels;
        if axis == 1 || rank == 1 {
            let segments = own_segments(node, &y, channel, channels)?;
            place.group = y.place(channel).0;
            channel += channels;
            copy(cx, node, input, &segments, place)?;
        } else {
            copy(cx, node, input, &y.segments, place)?;
            let shape = &cx.shapes[value.0];
            let extent = shape[axis] as u32;
            match axis {
                0 => place.image += extent,
                _ => place.pixel += extent * count(&shape[axis + 1..]) as u32,
            }
        }
    }
    Ok(())
}

/// Lowers an operator that only copies: shares the buffer where it is computed, packs it where it is constant.
pub(super) fn lower_identity(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    if cx.graph.constant(node.inputs[0]).is_some() {
        return copy(cx, node, 0, &y.segments, Place::default());
    }
    cx.operand(node, 0, &y.segments)?;
    cx.alias(node.outputs[0], node.inputs[0]);
    Ok(())
}

/// The segments of `y` from channel `first` on that hold `channels` channels, as an operand of its own stores them.
fn own_segments(node: &Node, y: &Stored, first: u32, channels: u32) -> Result<Vec<StoredSegment>, PlanError> {
    let mut start = 0;
    let mut own: Vec<StoredSegment> = Vec::new();
    let mut first_group = 0;
    for segment in &y.segments {
        if start >= first && start + segment.channels <= first + channels {
            own.push(StoredSegment { first_group, ..segment.clone() });
            first_group += segment.channels.div_ceil(4);
        }
        start += segment.channels;
    }
    let covered: u32 = own.iter().map(|s| s.channels).sum();
    if covered != channels {
        let reason = format!(
            "channels {first}..{} of the output must start and end with a segment, its segments are {:?}",
            first + channels,
            y.segments
        );
        return Err(unsupported(node, reason));
    }
    Ok(own)
}

fn copy(
    cx: &mut Lowering,
    node: &Node,
    input: usize,
    segments: &[StoredSegment],
    place: Place,
) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, input, segments)?;
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
    Ok(())
}

/// How many pixels of the operand, and of the output, one step of the axes outside the joined one covers.
fn runs(cx: &Lowering, node: &Node, input: usize) -> [u32; 2] {
    [node.inputs[input], node.outputs[0]].map(|value| {
        let shape = &cx.shapes[value.0];
        let axis = match node.op {
            Op::Concat { axis } => axis.max(2),
            _ => 2,
        };
        shape.get(axis..).map_or(1, count) as u32
    })
}
