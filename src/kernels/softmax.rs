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

/// Tensors `x, y` of equal layout; one thread per pixel. `logarithm` is 1 for that of the softmax.
pub static SOFTMAX: Kernel = Kernel {
    name: "softmax",
    source: include_str!("../../shaders/softmax.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: SoftmaxParams::NAMES,
    variants,
};

/// The specialisation for a softmax or its logarithm.
pub fn spec(logarithm: bool) -> Spec {
    Spec(vec![("logarithm", u32::from(logarithm))])
}

pub(super) fn variants() -> Vec<Spec> {
    [false, true].map(spec).to_vec()
}
