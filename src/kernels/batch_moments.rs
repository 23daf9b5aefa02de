//! Mean and variance of channels over images and pixels, in parts.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`BATCH_MOMENTS`] and [`super::batch_merge::BATCH_MERGE`].
    BatchParams {
        /// Images.
        images: u32,
        /// Channels, all of which are stored in order.
        channels: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channel groups of one image.
        groups: u32,
        /// Threads that share the pixels of one channel group of one image.
        threads: u32,
    }
}

/// Tensors `x, partials`, the last of which has two vec4s for every thread.
pub static BATCH_MOMENTS: Kernel = Kernel {
    name: "batch_moments",
    source: include_str!("../../shaders/batch_moments.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: BatchParams::NAMES,
    variants: || vec![Spec::default()],
};
