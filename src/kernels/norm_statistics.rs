//! Mean and inverse deviation of elements of several channels.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`NORM_STATISTICS`].
    NormStatisticsParams {
        /// The live record of the input; with blocks that of the blocks, each a channel group of its own.
        record: u32,
        /// Images with statistics of their own.
        images: u32,
        /// Pixels of one channel of one image.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Adjacent pixels of a set of elements that share statistics.
        run: u32,
        /// Sets of one image, or of one block of one image.
        lines: u32,
        /// Images that a set goes through.
        depth: u32,
        /// Channels of a block.
        block: u32,
        /// Blocks of one image.
        blocks: u32,
        /// Added to the variance.
        epsilon: f32,
    }
}

/// Tensors `x, members, statistics`: the stored channels of every block (any buffer where there are no blocks), and a
/// pair of mean and inverse deviation for every set. `blocks` is 1 where a set has the channels of one block, 0 where
/// it has all live ones; `reduce` is 1 where a workgroup computes a set, 0 where a thread does.
pub static NORM_STATISTICS: Kernel = Kernel {
    name: "norm_statistics",
    source: include_str!("../../shaders/norm_statistics.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: NormStatisticsParams::NAMES,
    variants: || [(0, 0), (0, 1), (1, 1)].into_iter().map(|(blocks, reduce)| spec(blocks, reduce)).collect(),
};

/// The specialisation of [`NORM_STATISTICS`].
pub fn spec(blocks: u32, reduce: u32) -> Spec {
    Spec(vec![("blocks", blocks), ("reduce", reduce)])
}
