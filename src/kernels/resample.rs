//! Resize by a filter.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`RESAMPLE`].
    ResampleParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
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
        /// Input rows of every output row.
        taps_y: u32,
        /// Input columns of every output column.
        taps_x: u32,
        /// What outputs are that come from outside of the input.
        outside: f32,
    }
}

/// Tensors `x, axes, y`; `axes` has `(coordinate, weight)` for every tap of every output row, then of every output
/// column; coordinates are negative where an output comes from outside of the input.
pub static RESAMPLE: Kernel = Kernel {
    name: "resample",
    source: include_str!("../../shaders/resample.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ResampleParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
