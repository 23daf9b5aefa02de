//! Copies one operand of a concatenation to its place.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`CONCAT`].
    ConcatParams {
        /// The live record of the operand.
        record: u32,
        /// Images of the operand.
        images: u32,
        /// Pixels of one channel of the operand.
        pixels: u32,
        /// Stored channel groups of the operand.
        groups: u32,
        /// Pixels of one channel of the output.
        out_pixels: u32,
        /// Stored channel groups of the output.
        out_groups: u32,
        /// The first image that it writes.
        image_offset: u32,
        /// The channel group that its group 0 becomes.
        group_offset: u32,
        /// The first pixel that it writes.
        pixel_offset: u32,
        /// Adjacent pixels of the operand that stay adjacent.
        run: u32,
        /// Pixels from one such run to the next in the output.
        out_run: u32,
    }
}

/// Tensors `x, y`; the steps of one concatenation write disjoint parts of `y`.
pub static CONCAT: Kernel = Kernel {
    name: "concat",
    source: include_str!("../../shaders/concat.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: ConcatParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
