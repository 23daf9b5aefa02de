//! Gradients of what batch normalisations read.

use super::batch_norm::{BatchNormParams, variants};
use super::{Access, Kernel};

/// Tensors `x, moments, scale, shift, sums [2, C], dy, dx`.
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
