//! Mean, sum, maximum or norm over all pixels.

use super::conv_broadcast::SUBGROUPS;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GLOBAL_POOL`].
    GlobalPoolParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel of the input.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
    }
}

/// Tensors `x, y` of equal channel layout; one workgroup for each live channel group of each image. `reduction` is 0
/// for the mean, 1 for the sum, 2 for the maximum, 3 for the root of the sum of squares.
pub static GLOBAL_POOL: Kernel = Kernel {
    name: "global_pool",
    source: include_str!("../../shaders/global_pool.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: GlobalPoolParams::NAMES,
    variants,
};

/// The specialisation for a reduction, with the number of threads of a subgroup where all subgroups have as many, or 0.
pub fn spec(reduction: u32, subgroup: u32) -> Spec {
    let workgroup = if subgroup == 0 { 64 } else { subgroup };
    Spec(vec![("reduction", reduction), ("subgroup", subgroup), ("workgroup", workgroup)])
}

fn variants() -> Vec<Spec> {
    let each = |subgroup| (0..=3).map(move |reduction| spec(reduction, subgroup));
    [0].into_iter().chain(SUBGROUPS).flat_map(each).collect()
}
