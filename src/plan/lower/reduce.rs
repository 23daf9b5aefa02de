//! Reductions along any axes: of the channels that live, or of images and pixels for every channel by itself.

use super::gather::{Form, relayout};
use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, pool, resize_arg_max, unsupported};
use crate::graph::{ArgMax, Node, Reduce, Reduction};
use crate::kernels::live::StoredSegment;
use crate::kernels::reduce::{self, REDUCE, ReduceParams};
use crate::kernels::reduce_channels::{REDUCE_CHANNELS, ReduceChannelsParams};
use crate::plan::Operand;

/// The code of a reduction in the kernels.
fn code(reduction: Reduction) -> u32 {
    match reduction {
        Reduction::Mean => 0,
        Reduction::Sum => 1,
        Reduction::Max => 2,
        Reduction::L2 => 3,
    }
}

/// Lowers a sum, mean, maximum or norm.
pub(super) fn lower(cx: &mut Lowering, node: &Node, op: &Reduce) -> Result<(), PlanError> {
    reduce_axes(cx, node, &op.axes, (op.keep_dims, code(op.reduction)))
}

/// Lowers the index of a maximum, and with it an enlargement that it alone reads.
pub(super) fn lower_arg_max(cx: &mut Lowering, node: &Node, op: ArgMax) -> Result<(), PlanError> {
    let computed = cx.graph.constant(node.inputs[0]).is_none();
    if computed && resize_arg_max::join(cx, node, op) {
        return Ok(());
    }
    reduce_axes(cx, node, &[op.axis], (op.keep_dims, if op.last { 5 } else { 4 }))
}

fn reduce_axes(
    cx: &mut Lowering,
    node: &Node,
    axes: &[usize],
    (keep_dims, code): (bool, u32),
) -> Result<(), PlanError> {
    let (value, output) = (node.inputs[0], node.outputs[0]);
    if cx.graph.constant(value).is_some() {
        let name = &cx.graph.value(value).name;
        return Err(unsupported(node, format!("{name} must be computed, it is a constant")));
    }
    let y = cx.stored(output);
    let (source, x) = input(cx, node, axes, (keep_dims, &y))?;
    let walk = Walk { shape: &cx.shapes[value.0], x: &x, axes, keep_dims };
    if axes.contains(&x.axis) {
        channels(cx, node, (&walk, source, &y), code);
        return Ok(());
    }
    if walk.is_global(&y) && code < 4 {
        pool::global(cx, node, (source, &x), code);
    } else {
        pixels(cx, node, (&walk, source, &y), code);
    }
    Ok(())
}

/// The input with its channels in the dimension that becomes that of the channels of `y`, cut alike, or in one that is reduced:
/// as it is stored where that is so, else a copy.
fn input(
    cx: &mut Lowering,
    node: &Node,
    axes: &[usize],
    (keep_dims, y): (bool, &Stored),
) -> Result<(Operand, Stored), PlanError> {
    let value = node.inputs[0];
    let own = cx.stored(value);
    let shape = cx.shapes[value.0].as_slice();
    let target = |axis| Walk { shape, x: &own, axes, keep_dims }.target(axis);
    if axes.contains(&own.axis) || (target(own.axis) == y.axis && own.segments == y.segments) {
        return Ok((cx.slot(value), own));
    }
    let rank = shape.len();
    match (0..rank).find(|axis| !axes.contains(axis) && target(*axis) == y.axis) {
        Some(axis) => relayout(cx, node, value, &Form { rank, axis, segments: &y.segments }),
        None => {
            let channels = shape.get(y.axis).copied().unwrap_or(1) as u32;
            let segments = [StoredSegment::run(0, 0, channels, None)];
            relayout(cx, node, value, &Form { rank, axis: y.axis, segments: &segments })
        }
    }
}

/// How the elements of an input go together.
struct Walk<'a> {
    shape: &'a [usize],
    x: &'a Stored,
    axes: &'a [usize],
    keep_dims: bool,
}

impl Walk<'_> {
    /// The output axis that an input axis becomes.
    fn target(&self, axis: usize) -> usize {
        axis - if self.keep_dims { 0 } else { self.axes.iter().filter(|&&gone| gone < axis).count() }
    }

    /// The distance in vec4s of neighbours along an input axis that does not hold the channels.
    fn stride(&self, axis: usize) -> usize {
        let x = self.x;
        if axis == 0 {
            return x.groups as usize * x.pixels() as usize;
        }
        let later = self.shape.iter().enumerate().skip(axis + 1);
        later.filter(|&(at, _)| at != x.axis).map(|(_, &size)| size).product()
    }

    /// The distances of all elements along the input axes that `chosen` takes, in row-major order.
    fn offsets(&self, chosen: impl Fn(usize) -> bool) -> Vec<f32> {
        let mut offsets = vec![0];
        for axis in (0..self.shape.len()).filter(|&axis| axis != self.x.axis && chosen(axis)) {
            let stride = self.stride(axis);
            let along = |&from: &usize| (0..self.shape[axis]).map(move |i| from + i * stride);
            offsets = offsets.iter().flat_map(along).collect();
        }
        offsets.into_iter().map(|offset| offset as f32).collect()
    }

    /// Where each image, channel and pixel of the output begins in the input, along the axes that stay.
    fn starts(&self, y: &Stored) -> [Vec<f32>; 3] {
        let kept = |axis: usize| (!self.axes.contains(&axis)).then(|| self.target(axis));
        let channels = self.offsets(|axis| kept(axis) == Some(y.axis));
        let images = self.offsets(|axis| y.axis != 0 && kept(axis) == Some(0));
        let pixels = self.offsets(|axis| kept(axis).is_some_and(|target| target > 0 && target != y.axis));
        [images, channels, pixels]
    }

    fn reduced(&self) -> Vec<f32> {
        self.offsets(|axis| self.axes.contains(&axis))
    }

    /// Whether all pixels of every image are reduced, and nothing else.
    fn is_global(&self, y: &Stored) -> bool {
        self.reduced().len() == self.x.pixels() as usize && y.images == self.x.images && y.pixels() == 1
    }
}

fn pixels(cx: &mut Lowering, node: &Node, (walk, source, y): (&Walk, Operand, &Stored), code: u32) {
    let [mut map, _, pixels] = walk.starts(y);
    let reduced = walk.reduced();
    let params = ReduceParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        groups: y.groups,
        in_pixels: walk.x.pixels(),
        count: reduced.len() as u32,
    };
    map.extend(pixels);
    map.extend(reduced);
    let map = cx.pack(map);
    let out = cx.slot(node.outputs[0]);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &REDUCE,
            spec: reduce::spec(code),
            params: params.words(),
            operands: vec![source, map, out],
            grid: y.elements(),
        },
    );
}

fn channels(cx: &mut Lowering, node: &Node, (walk, source, y): (&Walk, Operand, &Stored), code: u32) {
    let [mut map, channels, pixels] = walk.starts(y);
    let reduced = walk.reduced();
    let params = ReduceChannelsParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        groups: y.groups,
        in_record: walk.x.record.0,
        in_pixels: walk.x.pixels(),
        count: reduced.len() as u32,
    };
    let mut stored = vec![0.0; y.groups as usize * 4];
    for (lane, start) in y.places().into_iter().zip(channels) {
        stored[lane as usize] = start;
    }
    map.extend(stored);
    map.extend(pixels);
    map.extend(reduced);
    let map = cx.pack(map);
    let out = cx.slot(node.outputs[0]);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &REDUCE_CHANNELS,
            spec: reduce::spec(code),
            params: params.words(),
            operands: vec![source, map, out],
            grid: y.elements(),
        },
    );
}
