//! Mean over all pixels.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GLOBAL_AVERAGE`].
    GlobalAverageParams {
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

/// Tensors `x, y` of equal channel layout; one workgroup for each live channel group of each image.
pub static GLOBAL_AVERAGE: Kernel = Kernel {
    name: "global_average",
    source: include_str!("../../shaders/global_average.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: GlobalAverageParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
