//! Operators over the two spatial axes: convolutions, pools, resizes, pads.

use super::Epilogue;
use crate::graph::Extent;

/// Explicit zero padding or margins of the two spatial axes: `[top, left, bottom, right]`, as ONNX orders `pads`.
pub type Margins = [usize; 4];

/// A 2-D convolution (ONNX `Conv`): inputs `x [N, C, H, W]`, `weight [O, C/groups, KH, KW]`, optional `bias [O]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// `[height, width]` of the kernel.
    pub kernel: [usize; 2],
    /// Steps `[vertical, horizontal]`.
    pub strides: [usize; 2],
    /// Zero padding; `auto_pad` is resolved at import or by shape inference.
    pub pads: Padding,
    /// Spacing of the taps.
    pub dilations: [usize; 2],
    /// Number of channel groups.
    pub groups: usize,
    /// Whether its terms are summed one by one: where groups were pruned down to one it must give what the grouped
    /// convolution gave, to the bit. Says nothing about the result, always `false` in an imported graph.
    pub direct: bool,
    /// `[input, output]` channels of the convolution that it was pruned from, where it has fewer: they decide in place of
    /// its own how terms are summed, so that it gives what that one gave, to the bit. Says nothing about the result,
    /// always `None` in an imported graph.
    pub whole: Option<[usize; 2]>,
    /// What follows the sum in the same kernel; always the default in an imported graph.
    pub epilogue: Epilogue,
}

/// How a window operator pads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Explicit amounts.
    Explicit(Margins),
    /// ONNX `SAME_UPPER`: output is `ceil(input / stride)`, the odd pixel goes to the end.
    SameUpper,
    /// ONNX `SAME_LOWER`: as above, the odd pixel goes to the beginning.
    SameLower,
}

/// A pooling window (ONNX `MaxPool`, `AveragePool`).
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// `[height, width]` of the window.
    pub kernel: [usize; 2],
    /// Steps `[vertical, horizontal]`.
    pub strides: [usize; 2],
    /// Padding.
    pub pads: Padding,
    /// Spacing of the taps.
    pub dilations: [usize; 2],
    /// Rounds the output size up instead of down.
    pub ceil_mode: bool,
    /// Averages count padded positions; ignored by `MaxPool`.
    pub count_include_pad: bool,
}

/// How an output coordinate becomes an input coordinate (ONNX `coordinate_transformation_mode`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coordinates {
    /// `(x + 0.5) / scale - 0.5`.
    HalfPixel,
    /// As half pixel, around the image centre when the scaled size is not whole (opset 19).
    HalfPixelSymmetric,
    /// As half pixel, 0 where the output has one pixel.
    PytorchHalfPixel,
    /// `x (in - 1) / (out - 1)`.
    AlignCorners,
    /// `x / scale`.
    Asymmetric,
    /// `(x + phase) / scale - 0.5`: some rows and columns of a half pixel resize. Only training graphs have it.
    Phase(f32),
    /// ONNX `tf_crop_and_resize`: the corners of the output are those of a part of the input.
    Crop {
        /// Where the part begins, `[vertical, horizontal]`: 0 is the first pixel, 1 the last.
        start: [f32; 2],
        /// Where it ends.
        end: [f32; 2],
        /// What output pixels are that come from outside of the input.
        outside: f32,
    },
}

/// How an input coordinate between pixels is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Interpolation {
    /// The nearest pixel, by the given rounding.
    Nearest(Rounding),
    /// Bilinear.
    Linear,
    /// More than two pixels along each axis.
    Filter(Filter),
}

/// A filter over input pixels (ONNX modes `cubic`, and `linear` with `antialias`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filter {
    /// `cubic_coeff_a` of the cubic filter; `None` for the triangle of a linear one.
    pub cubic: Option<f32>,
    /// Stretches the filter over all input pixels of an output pixel where the output is smaller.
    pub antialias: bool,
    /// Leaves pixels outside of the input out of the weighted mean, instead of repeating the border.
    pub exclude_outside: bool,
}

/// ONNX `nearest_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, halves down.
    PreferFloor,
    /// To the nearest, halves up.
    PreferCeil,
    /// Down.
    Floor,
    /// Up.
    Ceil,
}

/// The output size of a resize, of the two spatial axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Factors `[vertical, horizontal]`; the output is `floor(in scale)`.
    Scales([f32; 2]),
    /// Pixels `[height, width]`.
    Sizes([usize; 2]),
    /// Pixels `[height, width]` that depend on the sizes of a run.
    Computed(Box<[Extent; 2]>),
    /// One factor for all axes that have a size here; the output is `round(in scale)`.
    Fit {
        /// Pixels `[height, width]`; an axis without keeps its size.
        sizes: [Option<usize>; 2],
        /// Takes the factor by which the output covers the sizes (ONNX `not_smaller`) instead of the one by which it
        /// fits in (`not_larger`).
        cover: bool,
    },
}

/// A spatial resize (ONNX `Resize`).
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    /// The output size.
    pub target: Target,
    /// The coordinate rule.
    pub coordinates: Coordinates,
    /// The reading rule.
    pub interpolation: Interpolation,
}

/// How a pad fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// With one value.
    Constant(f32),
    /// Mirrored without repeating the border.
    Reflect,
    /// With the border.
    Edge,
}

/// ONNX `Pad` of the two spatial axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pad {
    /// Amounts.
    pub margins: Margins,
    /// What fills them.
    pub mode: PadMode,
}

/// A 2-D transposed convolution (ONNX `ConvTranspose`).
#[derive(Clone, Debug, PartialEq)]
pub struct ConvTranspose {
    /// `[height, width]` of the kernel.
    pub kernel: [usize; 2],
    /// Steps `[vertical, horizontal]` between the outputs of neighbouring inputs.
    pub strides: [usize; 2],
    /// What is cut off the full output; `auto_pad` pads so that the output is `input stride`.
    pub pads: Padding,
    /// Rows and columns added at the end of the output.
    pub output_padding: [usize; 2],
    /// Spacing of the taps.
    pub dilations: [usize; 2],
    /// Number of channel groups.
    pub groups: usize,
    /// What follows the sum in the same kernel; always the default in an imported graph.
    pub epilogue: Epilogue,
}

impl Conv2d {
    /// A kernel of `[height, width]` with stride 1, no padding, no dilation, one group.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            strides: [1, 1],
            pads: Padding::Explicit([0; 4]),
            dilations: [1, 1],
            groups: 1,
            direct: false,
            whole: None,
            epilogue: Epilogue::Plain,
        }
    }
}

impl ConvTranspose {
    /// A kernel of `[height, width]` with stride 1, nothing cut off or added, no dilation, one group.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            strides: [1, 1],
            pads: Padding::Explicit([0; 4]),
            output_padding: [0, 0],
            dilations: [1, 1],
            groups: 1,
            epilogue: Epilogue::Plain,
        }
    }
}

impl Pool {
    /// A window of `[height, width]` with stride 1, no padding, no dilation.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            strides: [1, 1],
            pads: Padding::Explicit([0; 4]),
            dilations: [1, 1],
            ceil_mode: false,
            count_include_pad: false,
        }
    }
}
