//! The index of the largest channel of a nearest or bilinear enlargement that is not stored.

use super::params::params;
use super::resize_unpack::patterns;
use super::{Access, Kernel, Spec, resize_unpack};

params! {
    /// Parameters of [`RESIZE_ARG_MAX`].
    ResizeArgMaxParams {
        /// The live record of the output.
        record: u32,
        /// The live record of the input.
        in_record: u32,
        /// Images.
        images: u32,
        /// Stored channel groups of one image of the input.
        groups: u32,
        /// Rows of the enlargement, in fours.
        rows: u32,
        /// Columns of the enlargement, in fours.
        columns: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Columns of the input.
        in_width: u32,
    }
}

/// Tensors `x`, `axes` (as for [`resize_unpack::RESIZE_UNPACK`]) and `y`, indices as whole floats. Sums and choices are those of
/// [`super::resize::RESIZE`] and [`super::reduce_channels::REDUCE_CHANNELS`], to the bit.
pub static RESIZE_ARG_MAX: Kernel = Kernel {
    name: "resize_arg_max",
    source: include_str!("../../shaders/resize_arg_max.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ResizeArgMaxParams::NAMES,
    variants,
};

/// The specialisation of [`RESIZE_ARG_MAX`] for the [`resize_unpack::Quads::steps`] of rows and columns. Of equal channels the
/// `last` counts, or the first; `y` has a channel for every row where it is stored `by_rows`, or one.
pub fn spec(linear: bool, steps: [u32; 2], [last, by_rows]: [bool; 2]) -> Spec {
    let mut spec = resize_unpack::spec(linear, steps);
    spec.0.extend([("last", u32::from(last)), ("by_rows", u32::from(by_rows))]);
    spec
}

/// Every way to enlarge with one way to choose and store, and every way to choose and store with one to enlarge.
fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    for linear in [false, true] {
        let patterns = patterns(linear);
        let each = patterns.iter().flat_map(|&rows| patterns.iter().map(move |&columns| [rows, columns]));
        all.extend(each.map(|steps| spec(linear, steps, [false; 2])));
    }
    let ends = [[true, false], [false, true], [true, true]];
    all.extend(ends.map(|end| spec(true, [patterns(true)[1]; 2], end)));
    all
}
