//! Batch normalisation that no convolution could take in.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`AFFINE`].
    AffineParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
    }
}

/// Tensors `x, coefficients, y`; the coefficients are a vec4 of scales and one of shifts per stored channel group.
pub static AFFINE: Kernel = Kernel {
    name: "affine",
    source: include_str!("../../shaders/affine.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: AffineParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
