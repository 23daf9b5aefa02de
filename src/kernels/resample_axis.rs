//! Weighted sums along one axis of images.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`RESAMPLE_AXIS`].
    ResampleAxisParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Outputs along the axis.
        length: u32,
        /// Inputs along the axis.
        in_length: u32,
        /// Taps of one output, at most.
        taps: u32,
        /// Lines across the axis.
        lines: u32,
        /// Threads that share an output of all lines.
        blocks: u32,
    }
}

/// Lines of one thread: so many sums share what is known of a tap.
pub const LINES: u32 = 4;

/// The specialisation for sums along rows of pixels (`axis` 1) or across them (0).
pub fn spec(axis: usize) -> Spec {
    Spec(vec![("axis", axis as u32), ("lines", LINES)])
}

/// Tensors `x, taps, y`; `taps` has `(input, weight)` for every tap of every output along the axis, a negative input
/// behind the last one where an output has fewer than others.
pub static RESAMPLE_AXIS: Kernel = Kernel {
    name: "resample_axis",
    source: include_str!("../../shaders/resample_axis.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ResampleAxisParams::NAMES,
    variants: || [0, 1].map(spec).to_vec(),
};
