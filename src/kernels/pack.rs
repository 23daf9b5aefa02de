//! Packing: from the caller's row-major layout to the stored one.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PACK`].
    PackParams {
        /// The live record of the value.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
    }
}

/// Tensors `x` (row-major, live channels only) and `y` (stored).
pub static PACK: Kernel = Kernel {
    name: "pack",
    source: include_str!("../../shaders/pack.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PackParams::NAMES,
    variants: || vec![Spec::default()],
};
