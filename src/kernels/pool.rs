//! Maximum and mean over a window.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`POOL`].
    PoolParams {
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
        /// Rows of the window.
        kernel_height: u32,
        /// Columns of the window.
        kernel_width: u32,
        /// Rows from one window to the next.
        stride_y: u32,
        /// Columns from one window to the next.
        stride_x: u32,
        /// Rows from one tap to the next.
        dilation_y: u32,
        /// Columns from one tap to the next.
        dilation_x: u32,
        /// Rows of padding above.
        pad_top: u32,
        /// Columns of padding to the left.
        pad_left: u32,
        /// Rows above the input that a mean counts.
        counted_top: u32,
        /// Columns left of the input that a mean counts.
        counted_left: u32,
        /// Rows in all that a mean counts.
        counted_height: u32,
        /// Columns in all that a mean counts.
        counted_width: u32,
        /// What a maximum starts from: minus infinity.
        lowest: f32,
    }
}

/// Tensors `x, y` of equal channel layout; `average` is 1 for the mean, 0 for the maximum.
pub static POOL: Kernel = Kernel {
    name: "pool",
    source: include_str!("../../shaders/pool.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PoolParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    (0..=1).map(|average| Spec(vec![("average", average)])).collect()
}
