//! Reductions of the live channels.

use super::params::params;
use super::reduce::variants;
use super::{Access, Kernel};

params! {
    /// Parameters of [`REDUCE_CHANNELS`].
    ReduceChannelsParams {
        /// The live record of the output.
        record: u32,
        /// Images of the output.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Stored channel groups of the output.
        groups: u32,
        /// The live record of the input.
        in_record: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Elements of one channel that are reduced to one.
        count: u32,
    }
}

/// Tensors `x, map, y`; `map` has distances in vec4s as whole floats: those of the output's images, of its stored
/// channels, of its pixels, and of what is reduced of one channel. `reduction` is as for [`super::reduce::REDUCE`];
/// the mean is over the channels that live.
pub static REDUCE_CHANNELS: Kernel = Kernel {
    name: "reduce_channels",
    source: include_str!("../../shaders/reduce_channels.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ReduceChannelsParams::NAMES,
    variants,
};
