//! How much rounding constants can matter: for each element a magnitude `M` such that, when constants on the way to
//! it are rounded `d` times to f32, it changes by at most `((1 + 2^-24)^d - 1) M`.
//!
//! For sums of products `M` is the sum of absolute values. An activation with slope at most `L` and `|f(x)| <=
//! |f(0)| + L |x|` has `M = |f(0)| + L M(x)`.

use crate::graph::{Activation, Binary, Epilogue, Gemm, Graph, Op, Shapes};
use crate::reference::{Array, activate, execute};

pub(super) fn magnitudes(graph: &Graph, shapes: &Shapes, inputs: &[Array]) -> Vec<Option<Array>> {
    let constants = graph.values.iter().map(|value| value.constant.as_deref().map(Array::from));
    let mut known: Vec<Option<Array>> = constants.map(|value| value.map(|array| array.abs())).collect();
    for (id, input) in graph.inputs.iter().zip(inputs) {
        known[id.0] = Some(input.abs());
    }
    for node in &graph.nodes {
        let inputs: Vec<&Array> = node.inputs.iter().map(|id| known[id.0].as_ref().unwrap()).collect();
        let mut result = magnitude(&node.op, &inputs);
        result.shape = shapes[node.outputs[0].0].clone();
        known[node.outputs[0].0] = Some(result);
    }
    known
}

fn magnitude(op: &Op, inputs: &[&Array]) -> Array {
    match op {
        Op::Activation(activation) => {
            let (offset, slope) = (activate(*activation, 0.0).abs(), slope(*activation));
            inputs[0].map(|x| offset + slope * x)
        }
        Op::Binary(Binary::Pow | Binary::Equal | Binary::PRelu) => {
            panic!("{} has no such magnitude", op.name())
        }
        Op::Binary(Binary::Sub | Binary::Min | Binary::Max) => {
            execute(&Op::Binary(Binary::Add), inputs).unwrap()
        }
        Op::BatchNorm { .. } => {
            let mean = inputs[3].map(|mean| -mean);
            execute(op, &[inputs[0], inputs[1], inputs[2], &mean, inputs[4]]).unwrap()
        }
        Op::Gemm(gemm) => {
            let gemm = Gemm { alpha: gemm.alpha.abs(), beta: gemm.beta.abs(), ..*gemm };
            execute(&Op::Gemm(gemm), inputs).unwrap()
        }
        Op::Conv(conv) => {
            assert_eq!(conv.epilogue, Epilogue::Plain, "magnitudes are of imported graphs");
            execute(op, inputs).unwrap()
        }
        Op::Softmax { .. } => {
            let whole: f64 = inputs[0].data.iter().sum();
            inputs[0].map(|_| 1.0 + 2.0 * whole)
        }
        Op::Concat { .. }
        | Op::Binary(Binary::Add | Binary::Mul | Binary::Div)
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Identity
        | Op::Pad(_)
        | Op::LogSoftmax { .. }
        | Op::Where
        | Op::GlobalMaxPool
        | Op::Reduce(_)
        | Op::ArgMax(_)
        | Op::Norm(_)
        | Op::MatMul
        | Op::ConvTranspose(_)
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => execute(op, inputs).unwrap(),
    }
}

fn slope(activation: Activation) -> f64 {
    match activation {
        Activation::None
        | Activation::Relu
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Clip { .. } => 1.0,
        Activation::LeakyRelu { alpha } => f64::from(alpha).abs().max(1.0),
        Activation::HardSwish => 1.5,
        Activation::Silu | Activation::Mish => 1.1,
        Activation::Elu { alpha } => f64::from(alpha).abs().max(1.0),
        Activation::Selu { alpha, gamma } => f64::from(gamma).abs() * f64::from(alpha).abs().max(1.0),
        Activation::HardSigmoid { alpha, .. } => f64::from(alpha).abs(),
        Activation::Gelu { .. } | Activation::Erf => 1.2,
        Activation::Softplus | Activation::Abs | Activation::Neg => 1.0,
        Activation::Exp | Activation::Log | Activation::Sqrt | Activation::Reciprocal => {
            panic!("{} has no greatest slope", activation.name())
        }
    }
}
