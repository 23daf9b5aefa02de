//! Pointwise functions, and what a fused convolution does with its sum.

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
    /// `x` where positive, else `alpha (exp(x) - 1)`.
    Elu {
        /// The negative of what it tends to.
        alpha: f32,
    },
    /// `gamma x` where positive, else `gamma alpha (exp(x) - 1)`.
    Selu {
        /// As for `Elu`.
        alpha: f32,
        /// The factor of both sides.
        gamma: f32,
    },
    /// `max(0, min(1, alpha x + beta))`.
    HardSigmoid {
        /// The slope.
        alpha: f32,
        /// What it is at 0.
        beta: f32,
    },
    /// `x tanh(log(1 + exp(x)))`.
    Mish,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x` times the probability that a normal variable is below `x`.
    Gelu {
        /// By the approximation with a hyperbolic tangent.
        tanh: bool,
    },
    /// The error function.
    Erf,
    /// `exp(x)`.
    Exp,
    /// The natural logarithm; not a number where `x` is negative.
    Log,
    /// The square root; not a number where `x` is negative.
    Sqrt,
    /// `|x|`.
    Abs,
    /// `-x`.
    Neg,
    /// `1 / x`.
    Reciprocal,
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
    /// `a / b`.
    Div,
    /// `a` to the power of `b`; not a number where `a` is negative and `b` not whole.
    Pow,
    /// The lesser; not a number where one is not.
    Min,
    /// The greater; not a number where one is not.
    Max,
    /// 1 where they are equal, else 0.
    Equal,
    /// `b a` where `a` is negative, else `a`; the result has the shape of `a`.
    PRelu,
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
            Self::Elu { .. } => "Elu",
            Self::Selu { .. } => "Selu",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::Mish => "Mish",
            Self::Softplus => "Softplus",
            Self::Gelu { .. } => "Gelu",
            Self::Erf => "Erf",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Abs => "Abs",
            Self::Neg => "Neg",
            Self::Reciprocal => "Reciprocal",
        }
    }

    /// Whether convolutions and matrix products can apply it to their sums.
    pub fn ends_sums(&self) -> bool {
        match self {
            Self::None
            | Self::Relu
            | Self::LeakyRelu { .. }
            | Self::Sigmoid
            | Self::Tanh
            | Self::Clip { .. }
            | Self::HardSwish
            | Self::Silu
            | Self::Elu { .. }
            | Self::HardSigmoid { .. }
            | Self::Mish
            | Self::Gelu { tanh: false } => true,
            Self::Selu { .. }
            | Self::Softplus
            | Self::Gelu { tanh: true }
            | Self::Erf
            | Self::Exp
            | Self::Log
            | Self::Sqrt
            | Self::Abs
            | Self::Neg
            | Self::Reciprocal => false,
        }
    }

    /// Whether the derivative of a function follows from what it computed.
    pub fn tells_from_output(self) -> bool {
        match self {
            Self::None | Self::Relu | Self::Sigmoid | Self::Tanh | Self::Clip { .. } => true,
            Self::LeakyRelu { alpha } | Self::Elu { alpha } => alpha > 0.0,
            Self::HardSwish
            | Self::Silu
            | Self::Selu { .. }
            | Self::HardSigmoid { .. }
            | Self::Mish
            | Self::Softplus
            | Self::Gelu { .. }
            | Self::Erf
            | Self::Exp
            | Self::Log
            | Self::Sqrt
            | Self::Abs
            | Self::Neg
            | Self::Reciprocal => false,
        }
    }
}

impl Binary {
    /// The ONNX operator type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Pow => "Pow",
            Self::Min => "Min",
            Self::Max => "Max",
            Self::Equal => "Equal",
            Self::PRelu => "PRelu",
        }
    }
}

impl Epilogue {
    /// Whether the node's last input is a residual.
    pub fn has_residual(self) -> bool {
        matches!(self, Self::AddThenActivation(_) | Self::ActivationThenAdd(_))
    }
}
