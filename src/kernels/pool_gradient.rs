//! The gradient of a maximum over windows.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`POOL_GRADIENT`].
    PoolGradientParams {
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
        /// Windows of one channel.
        windows: u32,
        /// Windows of one row.
        windows_x: u32,
        /// Columns of the window.
        kernel_width: u32,
        /// Windows between two that cover the same row.
        shift_y: u32,
        /// Windows between two that cover the same column.
        shift_x: u32,
        /// Rows of taps between those by which they do.
        step_y: u32,
        /// Columns of taps between those by which they do.
        step_x: u32,
    }
}

/// Tensors `winners, dy, axes, dx`: what [`super::pool_winner`] found, and for every row and then every column of the
/// gradient `(last window that covers it, its tap, windows that cover it, 0)`.
pub static POOL_GRADIENT: Kernel = Kernel {
    name: "pool_gradient",
    source: include_str!("../../shaders/pool_gradient.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: PoolGradientParams::NAMES,
    variants: || vec![Spec::default()],
};
