//! The operators and their attributes, normalised: whatever ONNX gives as an attribute or as a constant input
//! (Clip bounds, Resize scales, Pad amounts, Reshape targets) is a field here.

mod axes;
mod pointwise;
mod training;
mod window;

pub use axes::{ArgMax, DepthOrder, Gemm, Move, Norm, Reduce, Reduction, SliceAxis, Statistics};
pub use pointwise::{Activation, Binary, Epilogue};
pub use training::{BatchNorm, BoxCode, BoxLoss, LossKind, Training};
pub use window::{
    Conv2d, ConvTranspose, Coordinates, Filter, Interpolation, Margins, Pad, PadMode, Padding, Pool, Resize,
    Rounding, Target,
};

use crate::graph::Extent;

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
    /// ONNX `Reshape`: 0 copies the input's dimension, -1 is inferred.
    Reshape {
        /// The target.
        shape: Vec<Extent>,
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
    /// Logarithm of a softmax along one axis (non-negative; opset 13 meaning).
    LogSoftmax {
        /// The axis.
        axis: usize,
    },
    /// `condition ≠ 0 ? a : b` with ONNX (numpy) broadcasting; inputs `condition, a, b`.
    Where,
    /// Maximum over all spatial positions, kept as 1x1.
    GlobalMaxPool,
    /// A sum, mean, maximum or norm over some axes.
    Reduce(Reduce),
    /// The index of the largest element along an axis, as a float.
    ArgMax(ArgMax),
    /// Normalisation by statistics of the input itself; inputs `x, scale, shift`.
    Norm(Norm),
    /// Matrix product over the last two axes with ONNX (numpy) broadcasting of the others; inputs `a, b`.
    MatMul,
    /// 2-D transposed convolution; inputs `x, weight [C, O/groups, KH, KW][, bias]`.
    ConvTranspose(ConvTranspose),
    /// Elements moved or repeated, none computed.
    Move(Move),
    /// Drops axes of size 1 (ascending).
    Squeeze {
        /// The axes of the input.
        axes: Vec<usize>,
    },
    /// Inserts axes of size 1 (ascending).
    Unsqueeze {
        /// The axes of the output.
        axes: Vec<usize>,
    },
    /// What only training graphs have.
    Training(Training),
}

impl Op {
    /// The ONNX operator type, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::Activation(activation) => activation.name(),
            Self::Binary(binary) => binary.name(),
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
            Self::LogSoftmax { .. } => "LogSoftmax",
            Self::Where => "Where",
            Self::GlobalMaxPool => "GlobalMaxPool",
            Self::Reduce(reduce) => match reduce.reduction {
                Reduction::Mean => "ReduceMean",
                Reduction::Sum => "ReduceSum",
                Reduction::Max => "ReduceMax",
                Reduction::L2 => "ReduceL2",
            },
            Self::ArgMax(_) => "ArgMax",
            Self::Norm(norm) => match norm.statistics {
                Statistics::Instance => "InstanceNormalization",
                Statistics::Group { .. } => "GroupNormalization",
                Statistics::Layer { .. } => "LayerNormalization",
            },
            Self::MatMul => "MatMul",
            Self::ConvTranspose(_) => "ConvTranspose",
            Self::Move(kind) => kind.name(),
            Self::Squeeze { .. } => "Squeeze",
            Self::Unsqueeze { .. } => "Unsqueeze",
            Self::Training(op) => op.name(),
        }
    }
}
