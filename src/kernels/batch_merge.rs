//! Sums of runs of pixels, added up.

use super::batch_moments::BatchMergeParams;
use super::{Access, Kernel, Spec};

/// Tensors `partials, y [2, C]`. One thread for each channel group.
pub static BATCH_MERGE: Kernel = Kernel {
    name: "batch_merge",
    source: include_str!("../../shaders/batch_merge.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: BatchMergeParams::NAMES,
    variants: || vec![spec(false), spec(true)],
};

/// The specialisation of [`BATCH_MERGE`] for sums or for moments.
pub fn spec(moments: bool) -> Spec {
    Spec(vec![("moments", u32::from(moments))])
}
