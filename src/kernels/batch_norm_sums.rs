//! The gradients of scale and shift of a batch normalisation, in parts.

use super::batch_norm::{BatchNormParams, variants};
use super::{Access, Kernel};

/// Tensors `x, moments, scale, shift, dy, partials`, the last of which has two vec4s for every thread; `activation` is the
/// code of `shaders/shared/activation.wgsl`.
pub static BATCH_NORM_SUMS: Kernel = Kernel {
    name: "batch_norm_sums",
    source: include_str!("../../shaders/batch_norm_sums.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: BatchNormParams::NAMES,
    variants,
};
