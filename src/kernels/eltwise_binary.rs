//! Pointwise functions of two values, with broadcasting.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`ELTWISE_BINARY`].
    BinaryParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// The extent of the last pixel axis that operands tell apart.
        width: u32,
        /// That of the one before it.
        rows: u32,
        /// That of the one before those.
        planes: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Distance of the images of `a` in vec4s, 0 where they are broadcast.
        a_image: u32,
        /// Distance of its channel groups.
        a_group: u32,
        /// Distances along its pixel axes, outermost first.
        a_outer: u32,
        /// The second.
        a_plane: u32,
        /// The third.
        a_row: u32,
        /// The last.
        a_column: u32,
        /// 1 where its single channel stands for all, else 0.
        a_splat: u32,
        /// Distance of the images of `b` in vec4s, 0 where they are broadcast.
        b_image: u32,
        /// Distance of its channel groups.
        b_group: u32,
        /// Distances along its pixel axes, outermost first.
        b_outer: u32,
        /// The second.
        b_plane: u32,
        /// The third.
        b_row: u32,
        /// The last.
        b_column: u32,
        /// 1 where its single channel stands for all, else 0.
        b_splat: u32,
    }
}

/// Tensors `a, b, y`; `operation` is 0 to add, 1 to subtract, 2 to multiply, 3 to divide, 4 for powers, 5 for the
/// lesser, 6 for the greater, 7 for equality, 8 for a slope `b` of negative `a`; `axes` is how many pixel axes the
/// operands tell apart, 2 or 4.
pub static ELTWISE_BINARY: Kernel = Kernel {
    name: "eltwise_binary",
    source: include_str!("../../shaders/eltwise_binary.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: BinaryParams::NAMES,
    variants,
};

/// The specialisation for an operation.
pub fn spec(operation: u32, axes: u32) -> Spec {
    Spec(vec![("operation", operation), ("axes", axes)])
}

fn variants() -> Vec<Spec> {
    (0..=8).flat_map(|operation| [spec(operation, 2), spec(operation, 4)]).collect()
}
