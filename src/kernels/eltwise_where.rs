//! A choice between two values, with broadcasting.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`ELTWISE_WHERE`].
    WhereParams {
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
        /// Distance of the images of `c` in vec4s, 0 where they are broadcast.
        c_image: u32,
        /// Distance of its channel groups.
        c_group: u32,
        /// Distances along its pixel axes, outermost first.
        c_outer: u32,
        /// The second.
        c_plane: u32,
        /// The third.
        c_row: u32,
        /// The last.
        c_column: u32,
        /// 1 where its single channel stands for all, else 0.
        c_splat: u32,
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

/// Tensors `c, a, b, y`, `y` being `a` where `c` is not 0; `axes` is how many pixel axes the operands tell apart, 2 or 4.
pub static ELTWISE_WHERE: Kernel = Kernel {
    name: "eltwise_where",
    source: include_str!("../../shaders/eltwise_where.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: WhereParams::NAMES,
    variants,
};

/// The specialisation for operands that tell `axes` pixel axes apart.
pub fn spec(axes: u32) -> Spec {
    Spec(vec![("axes", axes)])
}

fn variants() -> Vec<Spec> {
    vec![spec(2), spec(4)]
}
