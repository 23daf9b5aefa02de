//! The gradient of a maximum over windows of stride 2.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`POOL_GRADIENT_BLOCK`].
    PoolGradientBlockParams {
        /// The live record of the gradient.
        record: u32,
        /// Images.
        images: u32,
        /// Columns of the pool's input.
        width: u32,
        /// Rows of the pool's input.
        height: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Windows of one column.
        windows_y: u32,
        /// Windows of one row.
        windows_x: u32,
        /// Blocks of 2 by 2 pixels of one column, of which the first begins with the padding.
        blocks_y: u32,
        /// Those of one row.
        blocks_x: u32,
        /// Rows of padding above.
        pad_top: u32,
        /// Columns of padding to the left.
        pad_left: u32,
    }
}

/// Tensors `winners, dy, dx`, the first of which is what [`super::pool_winner`] found. A thread has one block.
pub static POOL_GRADIENT_BLOCK: Kernel = Kernel {
    name: "pool_gradient_block",
    source: include_str!("../../shaders/pool_gradient_block.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: PoolGradientBlockParams::NAMES,
    variants: || KERNELS.map(spec).to_vec(),
};

/// The rows and columns of windows for which there is a variant.
pub const KERNELS: [u32; 2] = [2, 3];

/// The specialisation for windows of so many rows and columns.
pub fn spec(kernel: u32) -> Spec {
    Spec(vec![("kernel", kernel)])
}
