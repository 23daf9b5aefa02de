//! Normalisation by statistics that are known.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`NORM_APPLY`].
    NormApplyParams {
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
        /// Statistics from one image to the next.
        step_image: u32,
        /// Statistics from one line to the next.
        step_line: u32,
        /// Coefficients from one image to the next, in pairs of scale and shift.
        pair_image: u32,
        /// The same from one channel group to the next.
        pair_group: u32,
        /// The same from one pixel of a line to the next.
        pair_pixel: u32,
    }
}

/// Tensors `x, statistics, coefficients, owners, y`: the statistics of [`super::norm_statistics`], pairs of a vec4 of
/// scales and one of shifts, and with `blocks` the block of every stored channel (otherwise any buffer).
pub static NORM_APPLY: Kernel = Kernel {
    name: "norm_apply",
    source: include_str!("../../shaders/norm_apply.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: NormApplyParams::NAMES,
    variants: || (0..=1).map(|blocks| Spec(vec![("blocks", blocks)])).collect(),
};
