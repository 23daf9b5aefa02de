//! Sums of every channel over images and pixels, in parts.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`CHANNEL_SUM`].
    ChannelSumParams {
        /// Channels of an image.
        channels: u32,
        /// Pixels of one channel of an image.
        pixels: u32,
        /// Pixels of one channel of all images.
        all_pixels: u32,
        /// Pixels that a thread adds.
        span: u32,
        /// Runs of that many pixels.
        spans: u32,
    }
}

/// Tensors `dy, y`: for each run of pixels its sums of all channels. A thread for each run of each channel group.
pub static CHANNEL_SUM: Kernel = Kernel {
    name: "channel_sum",
    source: include_str!("../../shaders/channel_sum.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: ChannelSumParams::NAMES,
    variants: || vec![Spec::default()],
};
