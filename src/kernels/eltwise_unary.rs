//! Pointwise functions of one value.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`ELTWISE_UNARY`].
    UnaryParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// The first parameter of the activation: a slope, a lower bound.
        a: f32,
        /// The second one: an upper bound, a factor.
        b: f32,
    }
}

/// Tensors `x, y` of equal layout; `activation` is the code of `shaders/shared/activation.wgsl`.
pub static ELTWISE_UNARY: Kernel = Kernel {
    name: "eltwise_unary",
    source: include_str!("../../shaders/eltwise_unary.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: UnaryParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    (0..=21).map(|code| Spec(vec![("activation", code)])).collect()
}
