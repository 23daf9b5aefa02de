//! Softmax: over the channels, or along a spatial axis.

use super::step::{Dispatch, WORKGROUP};
use super::{Lowering, PlanError, unsupported};
use crate::graph::Node;
use crate::kernels::Spec;
use crate::kernels::softmax::{SOFTMAX, SoftmaxParams};
use crate::kernels::softmax_spatial::{SOFTMAX_SPATIAL, SoftmaxSpatialParams};
use crate::plan::{Grid, fold};
use crate::tensor::count;

/// Lowers a softmax along `axis`.
pub(super) fn lower(cx: &mut Lowering, node: &Node, axis: usize) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (x, _) = cx.operand(node, 0, &y.segments)?;
    let out = cx.slot(node.outputs[0]);
    let shape = &cx.shapes[node.outputs[0].0];
    let (record, images, pixels, groups) = (y.record.0, y.images, y.pixels(), y.groups);
    let (kernel, params, grid) = if axis == 1 || shape.len() == 1 {
        let params = SoftmaxParams { record, images, pixels, groups };
        let threads = u64::from(images) * u64::from(pixels);
        let [x, z] = fold(threads.div_ceil(u64::from(WORKGROUP)));
        (&SOFTMAX, params.words(), Grid::Fixed([x, 1, z]))
    } else if axis > 1 && axis < shape.len() {
        let length = shape[axis] as u32;
        let lines = pixels / length.max(1);
        let step = count(&shape[axis + 1..]) as u32;
        let params = SoftmaxSpatialParams { record, images, pixels, lines, length, step, groups };
        let grid = Grid::Elements { record: y.record, per_group: images * lines, workgroup: WORKGROUP };
        (&SOFTMAX_SPATIAL, params.words(), grid)
    } else {
        return Err(unsupported(
            node,
            format!("expected an axis of channels or pixels (1 or more), found {axis} of shape {shape:?}"),
        ));
    };
    let spec = Spec::default();
    cx.dispatch(node, Dispatch { kernel, spec, params, operands: vec![x, out], grid });
    Ok(())
}
