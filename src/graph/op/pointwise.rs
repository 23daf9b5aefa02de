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
        }
    }
}

impl Epilogue {
    /// Whether the node's last input is a residual.
    pub fn has_residual(self) -> bool {
        matches!(self, Self::AddThenActivation(_) | Self::ActivationThenAdd(_))
    }
}
