//! Products of every pair of channels, summed over pixels: what least-squares recovery is fitted to.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GRAM`].
    GramParams {
        /// Stored channel groups of one image.
        groups: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Pixels that are summed in `f32`.
        span: u32,
        /// Runs of `span` pixels in a channel.
        partials: u32,
    }
}

/// Pixels summed in `f32` before the host goes on in `f64`.
pub const SPAN: u32 = 256;

/// Tensors `x` (stored), `y`: `[image][partial][row group][column group][4 rows][4 columns]`, row groups not before
/// column groups. Workgroups: pairs of groups by 64, partials, images.
pub static GRAM: Kernel = Kernel {
    name: "gram",
    source: include_str!("../../shaders/gram.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: GramParams::NAMES,
    variants: || vec![Spec::default()],
};
