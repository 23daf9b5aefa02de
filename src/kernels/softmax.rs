//! Softmax over the channels.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`SOFTMAX`].
    SoftmaxParams {
        /// The live record.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
    }
}

/// Tensors `x, y` of equal layout; one thread per pixel.
pub static SOFTMAX: Kernel = Kernel {
    name: "softmax",
    source: include_str!("../../shaders/softmax.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: SoftmaxParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
