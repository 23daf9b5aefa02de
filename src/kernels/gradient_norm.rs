//! Sums of squares of gradients.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GRADIENT_NORM`].
    GradientNormParams {
        /// Numbers of the gradient.
        numbers: u32,
        /// Numbers that a workgroup adds.
        span: u32,
        /// Where this gradient's sums begin.
        base: u32,
    }
}

/// Numbers that a workgroup adds.
pub const SPAN: u32 = 4096;

/// Tensors `gradient` (row-major), `sums`: one for every [`SPAN`] numbers, not a number where one of them is not finite.
pub static GRADIENT_NORM: Kernel = Kernel {
    name: "gradient_norm",
    source: include_str!("../../shaders/gradient_norm.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: GradientNormParams::NAMES,
    variants: || vec![Spec::default()],
};
