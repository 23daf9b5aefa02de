//! Spatial padding.

use super::step::Dispatch;
use super::{Lowering, PlanError, unsupported};
use crate::graph::{Node, Pad, PadMode};
use crate::kernels::Spec;
use crate::kernels::pad::{PAD, PadParams};

/// Lowers a padding.
pub(super) fn lower(cx: &mut Lowering, node: &Node, pad: &Pad) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    let [top, left, bottom, right] = pad.margins.map(|margin| margin as u32);
    let (mode, fill) = match pad.mode {
        PadMode::Constant(value) => (0, value),
        PadMode::Reflect => (1, 0.0),
        PadMode::Edge => (2, 0.0),
    };
    if mode == 1 && (top.max(bottom) >= x.height || left.max(right) >= x.width) {
        let reason = format!(
            "margins {:?} of a reflection must be smaller than the input of {}x{}",
            pad.margins, x.height, x.width
        );
        return Err(unsupported(node, reason));
    }
    let out = cx.slot(node.outputs[0]);
    let params = PadParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        width: y.width,
        groups: y.groups,
        in_height: x.height,
        in_width: x.width,
        top,
        left,
        fill,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &PAD,
            spec: Spec(vec![("mode", mode)]),
            params: params.words(),
            operands: vec![source, out],
            grid: y.elements(),
        },
    );
    Ok(())
}
