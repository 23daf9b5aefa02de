//! Moments of batches, in two steps.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`BATCH_MOMENTS`].
    BatchMomentsParams {
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channel groups of one image.
        groups: u32,
        /// Pixels of a run.
        span: u32,
        /// Runs of an image.
        runs: u32,
    }
}

params! {
    /// Parameters of [`super::batch_merge::BATCH_MERGE`].
    BatchMergeParams {
        /// Images.
        images: u32,
        /// Channels.
        channels: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channel groups of one image.
        groups: u32,
        /// Pixels of a run.
        span: u32,
        /// Runs of an image.
        runs: u32,
    }
}

/// Tensors `x, partials`: two vectors for each `[image][group][run]`, mean and sum of squares around it. One thread for
/// each.
pub static BATCH_MOMENTS: Kernel = Kernel {
    name: "batch_moments",
    source: include_str!("../../shaders/batch_moments.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: BatchMomentsParams::NAMES,
    variants: || vec![Spec::default()],
};
