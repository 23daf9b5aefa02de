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
        /// Rows of the output.
        height: u32,
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

/// The sides and strides of windows over which a maximum is unrolled.
const SQUARES: [[u32; 2]; 3] = [[2, 2], [3, 1], [3, 2]];

/// The window of a pool: rows and columns each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps.
    pub kernel: [u32; 2],
    /// From one window to the next.
    pub strides: [u32; 2],
    /// From one tap to the next.
    pub dilations: [u32; 2],
}

impl Window {
    /// Its side and stride, where its maximum is unrolled.
    fn square(self) -> Option<[u32; 2]> {
        let is = |[side, stride]: &[u32; 2]| self.kernel == [*side; 2] && self.strides == [*stride; 2];
        SQUARES.into_iter().filter(|_| self.dilations == [1, 1]).find(is)
    }
}

/// The specialisation of [`POOL`] for the mean, or else the maximum, of `window`.
pub fn spec(average: bool, window: Window) -> Spec {
    let [side, stride] = window.square().filter(|_| !average).unwrap_or_default();
    Spec(vec![("average", u32::from(average)), ("side", side), ("stride", stride)])
}

/// The threads of one channel group of an image of `height` by `width` outputs.
pub fn threads(average: bool, window: Window, [height, width]: [u32; 2]) -> u32 {
    match window.square() {
        Some(_) if !average => height.div_ceil(2) * width.div_ceil(2),
        _ => height * width,
    }
}

fn variants() -> Vec<Spec> {
    let window =
        |[side, stride]: [u32; 2]| Window { kernel: [side; 2], strides: [stride; 2], dilations: [1, 1] };
    let maximum = [[1, 1]].into_iter().chain(SQUARES).map(|square| spec(false, window(square)));
    maximum.chain([spec(true, window([1, 1]))]).collect()
}
