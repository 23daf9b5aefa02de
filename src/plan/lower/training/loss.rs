//! Gradients of losses.

use crate::graph::{LossKind, Node};
use crate::kernels::Kernel;
use crate::kernels::loss_gradient_elements::{self as elements, LossGradientElementsParams};
use crate::kernels::loss_gradient_pixels::{self as pixels, LossGradientPixelsParams};
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
    let (kernel, measure, number): (&'static Kernel, u32, f32) = match kind {
        LossKind::Absolute => (&elements::LOSS_GRADIENT_ELEMENTS, elements::ABSOLUTE, 0.0),
        LossKind::Square => (&elements::LOSS_GRADIENT_ELEMENTS, elements::SQUARE, 0.0),
        LossKind::BinaryCrossEntropy { positive_weight } => {
            (&elements::LOSS_GRADIENT_ELEMENTS, elements::BINARY, positive_weight)
        }
        LossKind::CrossEntropy => (&pixels::LOSS_GRADIENT_PIXELS, pixels::CLASS, 0.0),
        LossKind::Cosine { shortest } => (&pixels::LOSS_GRADIENT_PIXELS, pixels::ANGLE, shortest),
        LossKind::Divergence => (&pixels::LOSS_GRADIENT_PIXELS, pixels::DIVERGENCE, 0.0),
    };
    let (images, channels, groups) = (y.images, y.channels, y.groups);
    let (params, spec, threads) = if *kernel == elements::LOSS_GRADIENT_ELEMENTS {
        let (count, pixels) = ((y.floats() / 4) as u32, y.pixels());
        let params = LossGradientElementsParams { count, pixels, groups, channels, positive_weight: number };
        (params.words(), elements::spec(measure), count)
    } else {
        let threads = images * y.pixels();
        let pixels = y.pixels();
        let params = LossGradientPixelsParams { images, pixels, groups, channels, shortest: number };
        (params.words(), pixels::spec(measure), threads)
    };
    let [x, z] = fold(u64::from(threads.div_ceil(WORKGROUP)));
    let operands = vec![output, labels, scale, cx.slot(node.outputs[0])];
    cx.dispatch(node, Dispatch { kernel, spec, params, operands, grid: Grid::Fixed([x, 1, z]) });
    Ok(())
}

/// The stored form of the output, whose channels must be one run that nothing prunes.
fn whole(cx: &mut Lowering, node: &Node) -> Result<Stored, PlanError> {
    let found = cx.stored(node.outputs[0]);
    if found == cx.plain(node.outputs[0]) {
        return Ok(found);
    }
    Err(unsupported(node, format!("expected channels that are not cut, found {:?}", found.segments)))
}
