//! Pooling: windows, and the mean over a whole image.

use super::step::Dispatch;
use super::{DeviceClass, Lowering, PlanError, Stored};
use crate::graph::{Node, Pool};
use crate::kernels::conv_broadcast::SUBGROUPS;
use crate::kernels::global_pool::{self, GLOBAL_POOL, GlobalPoolParams};
use crate::kernels::pool::{self, POOL, PoolParams, Window};
use crate::plan::{Grid, Operand};

/// Lowers a maximum or, with `average`, a mean over a window.
pub(super) fn lower(cx: &mut Lowering, node: &Node, op: &Pool, average: bool) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    let out = cx.slot(node.outputs[0]);
    let sides = |sides: [usize; 2]| sides.map(|side| side as u32);
    let window =
        Window { kernel: sides(op.kernel), strides: sides(op.strides), dilations: sides(op.dilations) };
    let margins = op.window().margins([x.height as usize, x.width as usize]);
    let [top, left, bottom, right] = margins.map(|margin| margin as u32);
    let counted = |margin: u32| if op.count_include_pad { margin } else { 0 };
    let params = PoolParams {
        record: y.record.0,
        images: y.images,
        height: y.height,
        width: y.width,
        groups: y.groups,
        in_height: x.height,
        in_width: x.width,
        kernel_height: op.kernel[0] as u32,
        kernel_width: op.kernel[1] as u32,
        stride_y: op.strides[0] as u32,
        stride_x: op.strides[1] as u32,
        dilation_y: op.dilations[0] as u32,
        dilation_x: op.dilations[1] as u32,
        pad_top: top,
        pad_left: left,
        counted_top: counted(top),
        counted_left: counted(left),
        counted_height: counted(top) + x.height + counted(bottom),
        counted_width: counted(left) + x.width + counted(right),
        lowest: f32::NEG_INFINITY,
    };
    let spec = pool::spec(average, window);
    let workgroup = spec.workgroup();
    let per_group = y.images * pool::threads(average, window, [y.height, y.width]);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &POOL,
            spec,
            params: params.words(),
            operands: vec![source, out],
            grid: Grid::Elements { record: y.record, per_group, workgroup },
        },
    );
    Ok(())
}

/// Lowers a reduction of all pixels, by its code in [`GLOBAL_POOL`].
pub(super) fn lower_global(cx: &mut Lowering, node: &Node, reduction: u32) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    global(cx, node, (source, &x), reduction);
    Ok(())
}

/// Adds the step that reduces all pixels of `x` to the output, which has as many images and the same channel layout.
pub(super) fn global(cx: &mut Lowering, node: &Node, (source, x): (Operand, &Stored), reduction: u32) {
    let y = cx.stored(node.outputs[0]);
    let out = cx.slot(node.outputs[0]);
    let subgroup = match cx.class {
        DeviceClass::Broadcast { subgroup } if SUBGROUPS.contains(&subgroup) => subgroup,
        _ => 0,
    };
    let params =
        GlobalPoolParams { record: y.record.0, images: y.images, pixels: x.pixels(), groups: y.groups };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &GLOBAL_POOL,
            spec: global_pool::spec(reduction, subgroup),
            params: params.words(),
            operands: vec![source, out],
            grid: Grid::Elements { record: y.record, per_group: y.images, workgroup: 1 },
        },
    );
}
