//! Unpacking: from the stored layout to the caller's row-major one.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`UNPACK`].
    UnpackParams {
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

/// Tensors `x` (stored) and `y` (row-major, live channels only).
pub static UNPACK: Kernel = Kernel {
    name: "unpack",
    source: include_str!("../../shaders/unpack.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: UnpackParams::NAMES,
    variants: || vec![Spec::default()],
};
