//! Which element of every window is its maximum.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`POOL_WINNER`].
    PoolWinnerParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Windows of one channel.
        pixels: u32,
        /// Windows of one row.
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
    }
}

/// Taps of a window must be fewer: a winner has 16 bits, and all of them set stand for none.
pub const MAX_TAPS: usize = 0xffff;

/// Tensors `x, winners` of equal channel layout. A winner is two words: the taps of the four lanes, 16 bits each.
pub static POOL_WINNER: Kernel = Kernel {
    name: "pool_winner",
    source: include_str!("../../shaders/pool_winner.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PoolWinnerParams::NAMES,
    variants: || vec![Spec::default()],
};
