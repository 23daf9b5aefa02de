//! Nearest and bilinear resize.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`RESIZE`].
    ResizeParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Output rows of one thread.
        rows: u32,
        /// How many times `rows` it takes to cover the output.
        blocks: u32,
        /// Columns of the output.
        width: u32,
        /// Rows of the output.
        height: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Columns of the input.
        in_width: u32,
        /// What outputs are that come from outside of the input.
        outside: f32,
    }
}

/// Tensors `x, axes, y`; `axes` has a vec4 `(first, second, weight of first, weight of second)` for every output row,
/// then for every output column; `first` is negative where it comes from outside of the input. `linear` is 0 to copy the first of each.
pub static RESIZE: Kernel = Kernel {
    name: "resize",
    source: include_str!("../../shaders/resize.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ResizeParams::NAMES,
    variants,
};

/// The specialisation of [`RESIZE`].
pub fn spec(linear: u32) -> Spec {
    Spec(vec![("linear", linear)])
}

fn variants() -> Vec<Spec> {
    (0..=1).map(spec).collect()
}
