//! Softmax and its logarithm: over the channels, or along an axis of pixels or the images.

use super::step::{Dispatch, WORKGROUP};
use super::{Lowering, PlanError};
use crate::graph::Node;
use crate::kernels::softmax::{SOFTMAX, SoftmaxParams, spec};
use crate::kernels::softmax_line::{SOFTMAX_LINE, SoftmaxLineParams};
use crate::plan::{Grid, fold};

/// Lowers a softmax along `axis`, or its logarithm.
pub(super) fn lower(cx: &mut Lowering, node: &Node, axis: usize, logarithm: bool) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (x, _) = cx.operand(node, 0, &y.segments)?;
    let out = cx.slot(node.outputs[0]);
    let (record, images, pixels, groups) = (y.record.0, y.images, y.pixels(), y.groups);
    let (kernel, params, grid) = if axis == y.axis {
        let params = SoftmaxParams { record, images, pixels, groups };
        let threads = u64::from(images) * u64::from(pixels);
        let [x, z] = fold(threads.div_ceil(u64::from(WORKGROUP)));
        (&SOFTMAX, params.words(), Grid::Fixed([x, 1, z]))
    } else {
        let shape = &cx.shapes[node.outputs[0].0];
        let length = shape[axis] as u32;
        let later = shape.iter().enumerate().skip(axis + 1).filter(|&(at, _)| at != y.axis);
        let step = later.map(|(_, &size)| size).product::<usize>() as u32;
        let along =
            SoftmaxLineParams { record, images, pixels, groups, length, ..SoftmaxLineParams::default() };
        let params = if axis == 0 {
            SoftmaxLineParams { images: 1, lines: pixels, step: groups * pixels, inner: pixels, ..along }
        } else {
            SoftmaxLineParams { lines: pixels / length, step, inner: step, outer: length * step, ..along }
        };
        let per_group = params.images * params.lines;
        (&SOFTMAX_LINE, params.words(), Grid::Elements { record: y.record, per_group, workgroup: WORKGROUP })
    };
    cx.dispatch(node, Dispatch { kernel, spec: spec(logarithm), params, operands: vec![x, out], grid });
    Ok(())
}
