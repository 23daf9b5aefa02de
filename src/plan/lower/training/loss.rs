//! Gradients of losses.

use crate::graph::{BoxCode, BoxLoss, LossKind, Node};
use crate::kernels::loss_gradient_boxes::{self as boxes, LossGradientBoxesParams};
use crate::kernels::loss_gradient_elements::{self as elements, LossGradientElementsParams};
use crate::kernels::loss_gradient_pixels::{self as pixels, LossGradientPixelsParams};
use crate::kernels::{Kernel, Spec};
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, fold};

/// See [`crate::graph::Training::Loss`].
pub(super) fn lower(cx: &mut Lowering, node: &Node, kind: LossKind) -> Result<(), PlanError> {
    let y = whole(cx, node)?;
    let (output, _) = cx.operand(node, 0, &y.segments)?;
    let own = cx.plain(node.inputs[1]).segments;
    let (labels, _) = cx.operand(node, 1, &own)?;
    let one = cx.plain(node.inputs[2]).segments;
    let (scale, _) = cx.operand(node, 2, &one)?;
    let (kernel, spec, params) = chosen(kind, &y);
    let threads =
        if *kernel == elements::LOSS_GRADIENT_ELEMENTS { y.groups } else { 1 } * y.images * y.pixels();
    let [x, z] = fold(u64::from(threads.div_ceil(WORKGROUP)));
    let operands = vec![output, labels, scale, cx.slot(node.outputs[0])];
    cx.dispatch(node, Dispatch { kernel, spec, params, operands, grid: Grid::Fixed([x, 1, z]) });
    Ok(())
}

/// The kernel for a gradient that is stored as `y`, with its specialisation and parameters.
fn chosen(kind: LossKind, y: &Stored) -> (&'static Kernel, Spec, Vec<u32>) {
    let (images, channels, groups, pixels) = (y.images, y.channels, y.groups, y.pixels());
    let by_element = |measure, positive_weight| {
        let count = images * groups * pixels;
        let params = LossGradientElementsParams { count, pixels, groups, channels, positive_weight };
        (&elements::LOSS_GRADIENT_ELEMENTS, elements::spec(measure), params.words())
    };
    let by_pixel = |measure, shortest| {
        let params = LossGradientPixelsParams { images, pixels, groups, channels, shortest };
        (&pixels::LOSS_GRADIENT_PIXELS, pixels::spec(measure), params.words())
    };
    match kind {
        LossKind::Absolute => by_element(elements::ABSOLUTE, 0.0),
        LossKind::Square => by_element(elements::SQUARE, 0.0),
        LossKind::BinaryCrossEntropy { positive_weight } => by_element(elements::BINARY, positive_weight),
        LossKind::ProbabilityCrossEntropy => by_element(elements::PROBABILITY, 0.0),
        LossKind::CrossEntropy => by_pixel(pixels::CLASS, 0.0),
        LossKind::Cosine { shortest } => by_pixel(pixels::ANGLE, shortest),
        LossKind::Divergence => by_pixel(pixels::DIVERGENCE, 0.0),
        LossKind::Boxes(BoxLoss { code, complete, cell, width }) => {
            let (encoding, [anchor_width, anchor_height]) = match code {
                BoxCode::Anchors { anchor } => (0, anchor),
                BoxCode::Exponential => (1, [0.0; 2]),
                BoxCode::Distribution { .. } => (2, [0.0; 2]),
                BoxCode::Pixels => (3, [0.0; 2]),
            };
            let (bins, width) = (groups, width as u32);
            let params =
                LossGradientBoxesParams { images, pixels, width, bins, cell, anchor_width, anchor_height };
            (&boxes::LOSS_GRADIENT_BOXES, boxes::spec(encoding, complete), params.words())
        }
    }
}

/// The stored form of the output, whose channels must be one run that nothing prunes.
fn whole(cx: &mut Lowering, node: &Node) -> Result<Stored, PlanError> {
    let found = cx.stored(node.outputs[0]);
    if found == cx.plain(node.outputs[0]) {
        return Ok(found);
    }
    Err(unsupported(node, format!("expected channels that are not cut, found {:?}", found.segments)))
}
