//! Reductions of images and pixels, every channel by itself.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`REDUCE`].
    ReduceParams {
        /// The live record of the output.
        record: u32,
        /// Images of the output.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Elements that are reduced to one.
        count: u32,
    }
}

/// Tensors `x, map, y`, of equal channel layout but for the map: distances in vec4s as whole floats, those of the
/// output's images, of its pixels, and of what is reduced. `reduction` is 0 for the mean, 1 for the sum, 2 for the
/// maximum, 3 for the root of the sum of squares, 4 for the first index of the maximum, 5 for the last.
pub static REDUCE: Kernel = Kernel {
    name: "reduce",
    source: include_str!("../../shaders/reduce.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ReduceParams::NAMES,
    variants,
};

/// The specialisation for a reduction.
pub fn spec(reduction: u32) -> Spec {
    Spec(vec![("reduction", reduction)])
}

pub(super) fn variants() -> Vec<Spec> {
    (0..=5).map(spec).collect()
}
