//! Packing: from the caller's row-major layout to the stored one.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PACK`] and of [`super::unpack::UNPACK`].
    PackParams {
        /// The live record of the value.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Threads along the pixels of one channel: `pixels / PER_THREAD`, rounded up.
        stride: u32,
        /// Where the row-major elements begin in their buffer: a multiple of 4.
        base: u32,
    }
}

/// Pixels that a thread moves: one alone is less work than finding out which.
const PER_THREAD: u32 = 8;

/// The specialisation of packing and unpacking `pixels` of a channel: four at once where that comes out even.
pub fn spec(pixels: u32) -> Spec {
    Spec(vec![("per_thread", PER_THREAD), ("quads", u32::from(pixels.is_multiple_of(4)))])
}

/// All specialisations.
pub(super) fn variants() -> Vec<Spec> {
    [1, 4].map(spec).to_vec()
}

impl PackParams {
    /// The parameters of a value of `images` images of `pixels` pixels and `groups` stored channel groups.
    pub fn new(record: u32, images: u32, pixels: u32, groups: u32) -> Self {
        Self { record, images, pixels, groups, stride: pixels.div_ceil(PER_THREAD), base: 0 }
    }

    /// Threads for each live channel group.
    pub fn threads(&self) -> u32 {
        self.images * self.stride
    }
}

/// Tensors `x` (row-major, live channels only) and `y` (stored).
pub static PACK: Kernel = Kernel {
    name: "pack",
    source: include_str!("../../shaders/pack.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PackParams::NAMES,
    variants,
};
