//! Operators along axes: products, reductions, normalisations, moves.

use super::{Epilogue, PadMode};
use crate::graph::Extent;

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

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// ONNX `ReduceMean`.
    Mean,
    /// ONNX `ReduceSum`.
    Sum,
    /// ONNX `ReduceMax`.
    Max,
    /// ONNX `ReduceL2`: the root of the sum of squares.
    L2,
}

/// A reduction (ONNX `ReduceMean`, `ReduceSum`, `ReduceMax`, `ReduceL2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// What is computed.
    pub reduction: Reduction,
    /// The axes that go, ascending; an import lists them all where the file lists none.
    pub axes: Vec<usize>,
    /// Keeps the axes, of size 1.
    pub keep_dims: bool,
}

/// ONNX `ArgMax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgMax {
    /// The axis that goes.
    pub axis: usize,
    /// Keeps the axis, of size 1.
    pub keep_dims: bool,
    /// Of equal elements takes the last instead of the first.
    pub last: bool,
}

/// Which elements share a mean and a variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Every channel of every image (ONNX `InstanceNormalization`); scale and shift `[C]`.
    Instance,
    /// Every so many-th part of the channels of an image (ONNX `GroupNormalization`); scale and shift `[C]`.
    Group {
        /// The number of parts.
        groups: usize,
    },
    /// All axes from this one on (ONNX `LayerNormalization`); scale and shift have the shape of those axes.
    Layer {
        /// The first axis.
        axis: usize,
    },
}

/// `(x - mean) / sqrt(variance + epsilon) scale + shift`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// What mean and variance are taken over.
    pub statistics: Statistics,
    /// Added to the variance.
    pub epsilon: f32,
}

/// One axis of a slice, as ONNX defines it: `start` and `end` count from the end where negative and are clamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceAxis {
    /// The axis.
    pub axis: usize,
    /// The first index.
    pub start: Extent,
    /// Where it stops, exclusive.
    pub end: Extent,
    /// The step, not 0; backwards where negative.
    pub step: i64,
}

/// In which order [`Move::DepthToSpace`] takes channels apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepthOrder {
    /// Block row, block column, channel.
    Dcr,
    /// Channel, block row, block column.
    Crd,
}

/// Operators whose every output element is one input element, or a filling.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// ONNX `Transpose`: axis `i` of the output is axis `perm[i]` of the input.
    Transpose {
        /// The input axis of every output axis.
        perm: Vec<usize>,
    },
    /// ONNX `Slice`; each axis at most once.
    Slice(Vec<SliceAxis>),
    /// ONNX `Expand`: numpy broadcasting with a shape.
    Expand {
        /// The shape.
        shape: Vec<Extent>,
    },
    /// ONNX `Tile`.
    Tile {
        /// How often each axis repeats.
        repeats: Vec<usize>,
    },
    /// ONNX `Gather` with constant indices.
    Gather {
        /// The axis of the input.
        axis: usize,
        /// The entries; negative ones count from the end.
        indices: Vec<i64>,
        /// The dimensions that take the place of the axis; empty for a scalar index, which drops it.
        shape: Vec<usize>,
    },
    /// ONNX `Pad` of any axes: amounts before and after each axis, negative ones crop.
    Pad {
        /// `[before, after]` for every axis.
        amounts: Vec<[Extent; 2]>,
        /// What fills them.
        mode: PadMode,
    },
    /// ONNX `DepthToSpace`.
    DepthToSpace {
        /// The side of a block.
        block: usize,
        /// The order of its channels.
        order: DepthOrder,
    },
    /// ONNX `SpaceToDepth`.
    SpaceToDepth {
        /// The side of a block.
        block: usize,
    },
}

impl Move {
    /// A pad by numbers.
    pub fn pad(amounts: &[[i64; 2]], mode: PadMode) -> Self {
        Self::Pad { amounts: amounts.iter().map(|pair| pair.map(Extent::Fixed)).collect(), mode }
    }

    /// The ONNX operator type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transpose { .. } => "Transpose",
            Self::Slice(_) => "Slice",
            Self::Expand { .. } => "Expand",
            Self::Tile { .. } => "Tile",
            Self::Gather { .. } => "Gather",
            Self::Pad { .. } => "Pad",
            Self::DepthToSpace { .. } => "DepthToSpace",
            Self::SpaceToDepth { .. } => "SpaceToDepth",
        }
    }
}

impl Default for Gemm {
    /// `A B + C`.
    fn default() -> Self {
        Self { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false, epilogue: Epilogue::Plain }
    }
}
