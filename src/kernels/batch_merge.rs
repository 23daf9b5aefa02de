//! The second step of sums over images and pixels.

use super::batch_moments::BatchParams;
use super::{Access, Kernel, Spec};

/// Tensors `partials, y`, the last of which has two images of one pixel. `moments` is 1 for what
/// [`super::batch_moments`] left, 0 for what [`super::batch_norm_sums`] did; `shared` is 1 where a workgroup has a channel
/// group, 0 where a thread does.
pub static BATCH_MERGE: Kernel = Kernel {
    name: "batch_merge",
    source: include_str!("../../shaders/batch_merge.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: BatchParams::NAMES,
    variants: || [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().map(|(m, shared)| spec(m, shared)).collect(),
};

/// The specialisation of [`BATCH_MERGE`].
pub fn spec(moments: u32, shared: u32) -> Spec {
    Spec(vec![("moments", moments), ("shared", shared)])
}
