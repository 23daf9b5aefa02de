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

/// Tensors `x, y` of equal channel layout.
pub static POOL: Kernel = Kernel {
    name: "pool",
    source: include_str!("../../shaders/pool.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PoolParams::NAMES,
    variants,
};

/// The sides of squares over which a maximum is unrolled.
const SIDES: [u32; 2] = [2, 3];

/// The specialisation of [`POOL`] for the mean, or else the maximum, of a window of `kernel` rows and columns whose taps lie
/// `dilations` apart.
pub fn spec(average: bool, kernel: [u32; 2], dilations: [u32; 2]) -> Spec {
    let square = kernel[0] == kernel[1] && dilations == [1, 1] && !average;
    let side = if square && SIDES.contains(&kernel[0]) { kernel[0] } else { 0 };
    Spec(vec![("average", u32::from(average)), ("side", side)])
}

fn variants() -> Vec<Spec> {
    let maximum = [1].into_iter().chain(SIDES).map(|side| spec(false, [side; 2], [1, 1]));
    maximum.chain([spec(true, [1, 1], [1, 1])]).collect()
}
