//! Operators that only training graphs have: gradients, batch statistics, losses. No file holds them.

use super::{Activation, Conv2d, Move, Pool, Resize};

/// An operator of a training graph. `dy` stands for the gradient of what the differentiated operator computed.
#[derive(Clone, Debug, PartialEq)]
pub enum Training {
    /// The gradient of a convolution's weight: inputs `x [N, C, H, W], dy [N, O, OH, OW]`, output `[O, C/groups, KH, KW]`.
    /// With `x` and `dy` exchanged, that of a transposed convolution. The epilogue is plain.
    ConvWeight(Conv2d),
    /// The gradient of a matrix product's constant: inputs `x [M, K], dy [M, N]`, output `[N, K]`.
    GemmWeight,
    /// The gradient of a bias: input `dy [N, C, …]`, output `[C]`, the sum over all other dimensions.
    ChannelSum,
    /// The gradient of a pointwise function: inputs `dy, v` of one shape, which is also that of the output.
    Activation {
        /// The function.
        of: Activation,
        /// Whether `v` is what it computed, else what it was given.
        from_output: bool,
    },
    /// The gradient of a maximum pool: inputs `x, dy`, output of the shape of `x`. The first of equal elements has it all.
    MaxPool(Pool),
    /// The gradient of an average pool: input `dy`.
    AveragePool {
        /// The pool.
        pool: Pool,
        /// Rows and columns of the pool's input.
        size: [usize; 2],
    },
    /// The gradient of a resize: input `dy`.
    Resize {
        /// The resize.
        resize: Resize,
        /// Rows and columns of the resize's input.
        size: [usize; 2],
    },
    /// The gradient of a move: input `dy`. Elements that the move repeats have the sum.
    Move {
        /// The move.
        of: Move,
        /// The shape of the move's input.
        shape: Vec<usize>,
    },
    /// Mean and (biased) variance of every channel over images and pixels: input `x [N, C, …]`, output `[2, C]`.
    BatchMoments,
    /// Batch normalisation by moments: inputs `x, moments [2, C], scale [C], shift [C]`, and what is added before the
    /// activation, of the shape of `x`, if anything is.
    BatchNorm(BatchNorm),
    /// The gradients of shift (row 0) and scale (row 1) of a [`Training::BatchNorm`] without addend: inputs `x, moments, scale, shift, dy`,
    /// output `[2, C]`.
    BatchNormSums(BatchNorm),
    /// The gradient of `x` of such a [`Training::BatchNorm`] whose moments are those of `x`: inputs `x, moments, scale, shift,
    /// sums, dy`, where `sums` is what [`Training::BatchNormSums`] gives.
    BatchNormInput(BatchNorm),
    /// The gradient of a loss: inputs `output [N, C, …], labels, scale [1]`, output of the shape of `output`, `scale` times
    /// the derivative of the sum over all that is labelled. Labels have the shape of `output`, but one channel for
    /// [`LossKind::CrossEntropy`] and five for [`LossKind::Boxes`]. Elements that are [`LossKind::UNLABELLED`] have no loss,
    /// and classes below 0 have none; where a loss looks at the channels of a pixel together, it looks at those that are
    /// labelled.
    Loss(LossKind),
}

/// `activation((x - mean) / sqrt(variance + epsilon) scale + shift)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
    /// What follows.
    pub activation: Activation,
}

/// What a loss adds over the pixels of all images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossKind {
    /// Softmax cross-entropy of the channels against a class.
    CrossEntropy,
    /// `|output - label|` of every element.
    Absolute,
    /// `(output - label)²` of every element.
    Square,
    /// `1 - cos` of the angle between output and label, vectors along the channels, labels having unit length.
    Cosine {
        /// Shorter outputs count as being this long.
        shortest: f32,
    },
    /// Binary cross-entropy of a logit against a label from 0 to 1, element by element.
    BinaryCrossEntropy {
        /// The factor of the loss where the label is 1.
        positive_weight: f32,
    },
    /// Binary cross-entropy of a probability against a label from 0 to 1, element by element. Neither the probability nor
    /// 1 less it counts as less than [`LossKind::LEAST_PROBABILITY`].
    ProbabilityCrossEntropy,
    /// How far boxes are from labelled ones, cell by cell. Boxes have 4 channels, or as many logits for each side one after
    /// another, a map of cells in its other dimensions; labels have 5: left, top, right, bottom, and the factor of the
    /// loss, which alone may be [`LossKind::UNLABELLED`].
    Boxes(BoxLoss),
    /// Kullback-Leibler divergence of the softmax over the channels from that of the labels, which are logits. One
    /// channel is the logit of yes, that of no being 0.
    Divergence,
}

/// The loss of boxes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxLoss {
    /// What numbers mean.
    pub code: BoxCode,
    /// Whether it is `1 - CIoU`, else `1 - IoU²`.
    pub complete: bool,
    /// Pixels of the input from cell to cell.
    pub cell: f32,
    /// Cells of a row.
    pub width: usize,
}

/// How numbers become boxes, cells having a column and a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BoxCode {
    /// Centre `2 sigmoid(x) - 0.5` cells from the cell's corner, size `(2 sigmoid(w))²` anchors.
    Anchors {
        /// Width and height of the anchor in pixels.
        anchor: [f32; 2],
    },
    /// Centre `x` cells from the cell's corner, size `exp(w)` cells, `w` counting as 16 at most.
    Exponential,
    /// The distances of left, top, right and bottom from the cell's middle in cells are means of a softmax.
    Distribution {
        /// Logits of a side.
        bins: usize,
    },
    /// Centre and size in pixels.
    Pixels,
}

impl LossKind {
    /// Half the distance of floats below 1.
    pub const LEAST_PROBABILITY: f32 = 1.0 / (1 << 24) as f32;

    /// A label at or below which there is none.
    pub const UNLABELLED: f32 = -1e30;

    /// Channels of the labels for outputs of so many.
    pub fn label_channels(self, channels: usize) -> usize {
        match self {
            Self::CrossEntropy => 1,
            Self::Boxes(_) => 5,
            Self::Absolute
            | Self::Square
            | Self::Cosine { .. }
            | Self::BinaryCrossEntropy { .. }
            | Self::ProbabilityCrossEntropy
            | Self::Divergence => channels,
        }
    }
}

impl Training {
    /// Its name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConvWeight(_) => "ConvWeightGradient",
            Self::GemmWeight => "GemmWeightGradient",
            Self::ChannelSum => "ChannelSum",
            Self::Activation { .. } => "ActivationGradient",
            Self::MaxPool(_) => "MaxPoolGradient",
            Self::AveragePool { .. } => "AveragePoolGradient",
            Self::Resize { .. } => "ResizeGradient",
            Self::Move { .. } => "MoveGradient",
            Self::BatchMoments => "BatchMoments",
            Self::BatchNorm(_) => "BatchNorm",
            Self::BatchNormSums(_) => "BatchNormSums",
            Self::BatchNormInput(_) => "BatchNormInputGradient",
            Self::Loss(_) => "LossGradient",
        }
    }

    /// The least and the greatest number of inputs.
    pub fn arity(&self) -> (usize, usize) {
        match self {
            Self::ChannelSum
            | Self::AveragePool { .. }
            | Self::Resize { .. }
            | Self::Move { .. }
            | Self::BatchMoments => (1, 1),
            Self::ConvWeight(_) | Self::GemmWeight | Self::Activation { .. } | Self::MaxPool(_) => (2, 2),
            Self::Loss(_) => (3, 3),
            Self::BatchNorm(_) => (4, 5),
            Self::BatchNormSums(_) => (5, 5),
            Self::BatchNormInput(_) => (6, 6),
        }
    }
}
