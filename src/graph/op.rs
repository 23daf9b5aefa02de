//! The operators and their attributes, normalised: whatever ONNX gives as an attribute or as a constant input
//! (Clip bounds, Resize scales, Pad amounts, Reshape targets) is a field here.

/// A pointwise function of one value, in the order ONNX names them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// `x`.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `alpha x`.
    LeakyRelu {
        /// The slope of the negative side.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `min(max(x, min), max)`; a missing bound is infinite.
    Clip {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// `x max(0, min(1, x/6 + 1/2))`.
    HardSwish,
    /// `x sigmoid(x)`.
    Silu,
}

/// A pointwise function of two values with ONNX (numpy) broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a b`.
    Mul,
}

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

/// What a fused convolution does with its sum before it is stored. With a residual, the last input of the node is
/// the residual value, of the output's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Epilogue {
    /// `act(sum + bias)`; with `Activation::None` a plain convolution.
    #[default]
    Plain,
    /// `act(sum + bias)`.
    Activation(Activation),
    /// `act(sum + bias + residual)`.
    AddThenActivation(Activation),
    /// `act(sum + bias) + residual`.
    ActivationThenAdd(Activation),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// How an input coordinate between pixels is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel, by the given rounding.
    Nearest(Rounding),
    /// Bilinear.
    Linear,
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Factors `[vertical, horizontal]`; the output is `floor(in scale)`.
    Scales([f32; 2]),
    /// Pixels `[height, width]`.
    Sizes([usize; 2]),
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

/// ONNX `Gemm`: `alpha A' B' + beta C` with `A [M, K]`, constant `B` and optional constant `C`. In an optimised graph
/// `alpha` and `beta` are 1, `A` is not transposed where it is computed, and a constant `B` is `[N, K]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gemm {
    /// Factor of the product.
    pub alpha: f32,
    /// Factor of `C`.
    pub beta: f32,
    /// Whether `A` is transposed.
    pub trans_a: bool,
    /// Whether `B` is `[N, K]` instead of `[K, N]`.
    pub trans_b: bool,
    /// What follows the sum in the same kernel, without a residual; always the default in an imported graph.
    pub epilogue: Epilogue,
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

/// One operator. Matched exhaustively everywhere: a new variant is a compile error in each place it concerns.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// 2-D convolution; inputs `x, weight[, bias][, residual]`.
    Conv(Conv2d),
    /// Inference batch normalisation; inputs `x, scale, shift, mean, variance`, each `[C]`.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
    },
    /// Pointwise function of one value.
    Activation(Activation),
    /// Pointwise function of two values.
    Binary(Binary),
    /// Joins values along an axis (non-negative).
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Maximum over a window; padding never wins.
    MaxPool(Pool),
    /// Mean over a window.
    AveragePool(Pool),
    /// Mean over all spatial positions, kept as 1x1.
    GlobalAveragePool,
    /// Spatial resize.
    Resize(Resize),
    /// `[N, …]` to two dimensions, cut at `axis`.
    Flatten {
        /// The first axis of the second dimension.
        axis: usize,
    },
    /// ONNX `Reshape` with a constant target: 0 copies the input's dimension, -1 is inferred.
    Reshape {
        /// The target.
        shape: Vec<i64>,
        /// Takes a 0 literally.
        allow_zero: bool,
    },
    /// Matrix product with a constant; inputs `a, b[, c]`.
    Gemm(Gemm),
    /// Softmax along one axis (non-negative; opset 13 meaning).
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// Copies its input.
    Identity,
    /// Spatial padding.
    Pad(Pad),
}

impl Op {
    /// The ONNX operator type, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::Activation(activation) => activation.name(),
            Self::Binary(Binary::Add) => "Add",
            Self::Binary(Binary::Sub) => "Sub",
            Self::Binary(Binary::Mul) => "Mul",
            Self::Concat { .. } => "Concat",
            Self::MaxPool(_) => "MaxPool",
            Self::AveragePool(_) => "AveragePool",
            Self::GlobalAveragePool => "GlobalAveragePool",
            Self::Resize(_) => "Resize",
            Self::Flatten { .. } => "Flatten",
            Self::Reshape { .. } => "Reshape",
            Self::Gemm(_) => "Gemm",
            Self::Softmax { .. } => "Softmax",
            Self::Identity => "Identity",
            Self::Pad(_) => "Pad",
        }
    }
}

impl Activation {
    /// The ONNX operator type; SiLU is exported as `Sigmoid` and `Mul`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "Identity",
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Clip { .. } => "Clip",
            Self::HardSwish => "HardSwish",
            Self::Silu => "Silu",
        }
    }
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

impl Default for Gemm {
    /// `A B + C`.
    fn default() -> Self {
        Self { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false, epilogue: Epilogue::Plain }
    }
}

impl Epilogue {
    /// Whether the node's last input is a residual.
    pub fn has_residual(self) -> bool {
        matches!(self, Self::AddThenActivation(_) | Self::ActivationThenAdd(_))
    }
}
