//! Softmax along an axis of pixels or along the images.

use super::params::params;
use super::softmax::variants;
use super::{Access, Kernel};

params! {
    /// Parameters of [`SOFTMAX_LINE`].
    SoftmaxLineParams {
        /// The live record.
        record: u32,
        /// Images in which lines begin: 1 where they run along the images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Lines of one channel of an image.
        lines: u32,
        /// Elements of a line.
        length: u32,
        /// Distance of its elements in vec4s.
        step: u32,
        /// Lines that begin at adjacent pixels.
        inner: u32,
        /// Distance in vec4s from a run of such lines to the next.
        outer: u32,
    }
}

/// Tensors `x, y` of equal layout; one thread for each line of four channels. `logarithm` is 1 for that of the softmax.
pub static SOFTMAX_LINE: Kernel = Kernel {
    name: "softmax_line",
    source: include_str!("../../shaders/softmax_line.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: SoftmaxLineParams::NAMES,
    variants,
};
