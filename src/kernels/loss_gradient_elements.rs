//! The gradients of losses that add over elements.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_GRADIENT_ELEMENTS`].
    LossGradientElementsParams {
        /// Stored groups of four elements, of all images.
        count: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Channels, which are one run and all live.
        channels: u32,
        /// The factor of a binary cross-entropy where the label is 1.
        positive_weight: f32,
    }
}

/// Tensors `output, labels, scale, y`: all but `scale`, one number, of one layout. One thread per stored vector.
pub static LOSS_GRADIENT_ELEMENTS: Kernel = Kernel {
    name: "loss_gradient_elements",
    source: include_str!("../../shaders/loss_gradient_elements.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossGradientElementsParams::NAMES,
    variants,
};

/// Absolute differences.
pub const ABSOLUTE: u32 = 0;
/// Squares of differences.
pub const SQUARE: u32 = 1;
/// Binary cross-entropies of logits.
pub const BINARY: u32 = 2;

/// Binary cross-entropies of probabilities.
pub const PROBABILITY: u32 = 3;

/// The specialisation for a measure.
pub fn spec(measure: u32) -> Spec {
    Spec(vec![("measure", measure)])
}

fn variants() -> Vec<Spec> {
    [ABSOLUTE, SQUARE, BINARY, PROBABILITY].map(spec).to_vec()
}
