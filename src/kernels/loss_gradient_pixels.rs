//! The gradients of losses over the channels of a pixel.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_GRADIENT_PIXELS`].
    LossGradientPixelsParams {
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Channels, which are one run and all live.
        channels: u32,
        /// Vectors shorter than this are taken as this long, where angles are measured.
        shortest: f32,
    }
}

/// Tensors `output, labels, scale, y`: `scale` is one number, `labels` has one channel of classes, or the layout of the
/// output. One thread per pixel.
pub static LOSS_GRADIENT_PIXELS: Kernel = Kernel {
    name: "loss_gradient_pixels",
    source: include_str!("../../shaders/loss_gradient_pixels.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossGradientPixelsParams::NAMES,
    variants,
};

/// Cross-entropy against a class.
pub const CLASS: u32 = 0;
/// One minus the cosine.
pub const ANGLE: u32 = 1;
/// The divergence of the softmax.
pub const DIVERGENCE: u32 = 2;

/// The specialisation for a measure.
pub fn spec(measure: u32) -> Spec {
    Spec(vec![("measure", measure)])
}

fn variants() -> Vec<Spec> {
    [CLASS, ANGLE, DIVERGENCE].map(spec).to_vec()
}
