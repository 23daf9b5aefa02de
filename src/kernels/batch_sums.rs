//! Sums of gradients of batch normalisations.

use super::batch_norm::{BatchSumsParams, variants};
use super::{Access, Kernel};

/// Tensors `x, moments, scale, shift, dy, partials`: two vectors for each `[image][group][run]`. One thread for each.
pub static BATCH_SUMS: Kernel = Kernel {
    name: "batch_sums",
    source: include_str!("../../shaders/batch_sums.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: BatchSumsParams::NAMES,
    variants,
};
