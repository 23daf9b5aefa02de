//! Normalisation of every channel by itself.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`NORM_PIXELS`].
    NormPixelsParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Adjacent pixels that share statistics.
        run: u32,
        /// How many such lines a channel has.
        lines: u32,
        /// Coefficients from one channel group to the next, in pairs of scale and shift.
        step_group: u32,
        /// The same from one pixel of a line to the next.
        step_pixel: u32,
        /// Added to the variance.
        epsilon: f32,
    }
}

/// Tensors `x, coefficients, y` of equal channel layout; the coefficients are pairs of a vec4 of scales and one of
/// shifts. One workgroup for each line of each live channel group of an image.
pub static NORM_PIXELS: Kernel = Kernel {
    name: "norm_pixels",
    source: include_str!("../../shaders/norm_pixels.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: NormPixelsParams::NAMES,
    variants: || vec![Spec::default()],
};
