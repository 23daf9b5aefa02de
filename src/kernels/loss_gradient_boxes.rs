//! The gradients of how far a detector's boxes are from labelled ones.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_GRADIENT_BOXES`].
    LossGradientBoxesParams {
        /// Images.
        images: u32,
        /// Cells.
        pixels: u32,
        /// Cells of a row.
        width: u32,
        /// Stored channel groups of the boxes: logits of a side, 1 where a side is one number.
        bins: u32,
        /// Pixels of the input from cell to cell.
        cell: f32,
        /// Width of the anchor in pixels.
        anchor_width: f32,
        /// Height of the anchor in pixels.
        anchor_height: f32,
    }
}

/// Tensors `boxes, labels, scale, y`: `labels` has two channel groups, the four sides and the weight; `scale` is one
/// number. One thread per cell.
pub static LOSS_GRADIENT_BOXES: Kernel = Kernel {
    name: "loss_gradient_boxes",
    source: include_str!("../../shaders/loss_gradient_boxes.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossGradientBoxesParams::NAMES,
    variants,
};

/// The specialisation for an encoding (0 anchors, 1 exponents, 2 distributions, 3 pixels), and for CIoU or squared IoU.
pub fn spec(encoding: u32, complete: bool) -> Spec {
    Spec(vec![("encoding", encoding), ("complete", u32::from(complete))])
}

fn variants() -> Vec<Spec> {
    (0..4).flat_map(|encoding| [false, true].map(|complete| spec(encoding, complete))).collect()
}
