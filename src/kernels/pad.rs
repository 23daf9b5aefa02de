//! Spatial padding.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PAD`].
    PadParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Columns of the output.
        width: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Rows of the input.
        in_height: u32,
        /// Columns of the input.
        in_width: u32,
        /// Rows added above.
        top: u32,
        /// Columns added to the left.
        left: u32,
        /// What constant padding fills with.
        fill: f32,
    }
}

/// Tensors `x, y` of equal channel layout; `mode` is 0 for constant, 1 for reflected, 2 for border padding.
pub static PAD: Kernel = Kernel {
    name: "pad",
    source: include_str!("../../shaders/pad.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PadParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    (0..=2).map(|mode| Spec(vec![("mode", mode)])).collect()
}
