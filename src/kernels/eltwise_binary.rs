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
        /// Columns of the output.
        width: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Distance of the images of `a` in vec4s, 0 where they are broadcast.
        a_image: u32,
        /// Distance of its channel groups.
        a_group: u32,
        /// Distance of its rows.
        a_row: u32,
        /// Distance of its columns.
        a_column: u32,
        /// 1 where its single channel stands for all, else 0.
        a_splat: u32,
        /// Distance of the images of `b` in vec4s, 0 where they are broadcast.
        b_image: u32,
        /// Distance of its channel groups.
        b_group: u32,
        /// Distance of its rows.
        b_row: u32,
        /// Distance of its columns.
        b_column: u32,
        /// 1 where its single channel stands for all, else 0.
        b_splat: u32,
    }
}

/// Tensors `a, b, y`; `operation` is 0 to add, 1 to subtract, 2 to multiply.
pub static ELTWISE_BINARY: Kernel = Kernel {
    name: "eltwise_binary",
    source: include_str!("../../shaders/eltwise_binary.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: BinaryParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    (0..=2).map(|operation| Spec(vec![("operation", operation)])).collect()
}
