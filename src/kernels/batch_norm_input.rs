//! The gradient of what a batch normalisation is given.

use super::batch_norm::{BatchNormParams, variants};
use super::{Access, Kernel};

/// Tensors `x, moments, scale, shift, sums, dy, dx`; `activation` is the code of `shaders/shared/activation.wgsl`.
pub static BATCH_NORM_INPUT: Kernel = Kernel {
    name: "batch_norm_input",
    source: include_str!("../../shaders/batch_norm_input.wgsl"),
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
    ],
    params: BatchNormParams::NAMES,
    variants,
};
