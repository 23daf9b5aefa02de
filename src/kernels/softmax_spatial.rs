//! Softmax along a spatial axis.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`SOFTMAX_SPATIAL`].
    SoftmaxSpatialParams {
        /// The live record.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Lines of one channel: pixels over `length`.
        lines: u32,
        /// Pixels of a line.
        length: u32,
        /// Pixels from one of a line to the next.
        step: u32,
        /// Stored channel groups of one image.
        groups: u32,
    }
}

/// Tensors `x, y` of equal layout; one thread for each line of four channels.
pub static SOFTMAX_SPATIAL: Kernel = Kernel {
    name: "softmax_spatial",
    source: include_str!("../../shaders/softmax_spatial.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: SoftmaxSpatialParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
