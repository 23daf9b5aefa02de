//! Gradients, batch statistics and losses.

mod activation;
mod approx;
mod boxes;
mod conv;
mod loss;
mod norm;
mod spatial;

pub use activation::activate_gradient;

use super::Array;
use crate::graph::Training;

/// Computes an operator of a training graph whose inputs were checked and whose output has `shape`.
pub(super) fn compute(op: &Training, inputs: &[&Array], shape: Vec<usize>) -> Array {
    match op {
        Training::ConvWeight(conv) => conv::weight(conv, inputs[0], inputs[1], shape),
        Training::GemmWeight => conv::gemm_weight(inputs[0], inputs[1], shape),
        Training::ChannelSum => conv::channel_sum(inputs[0]),
        Training::Activation { of, from_output } => {
            activation::gradient(*of, *from_output, inputs[0], inputs[1])
        }
        Training::MaxPool(pool) => spatial::max_pool(pool, inputs[0], inputs[1]),
        Training::AveragePool { pool, .. } => spatial::average_pool(pool, inputs[0], shape),
        Training::Resize { resize, .. } => spatial::resize(resize, inputs[0], shape),
        Training::Move { of, .. } => spatial::moved(of, inputs[0], shape),
        Training::BatchMoments => norm::moments(inputs[0]),
        Training::BatchNorm(op) => norm::batch_norm(*op, inputs),
        Training::BatchNormSums(op) => norm::sums(*op, inputs),
        Training::BatchNormInput(op) => norm::input(*op, inputs),
        Training::Loss(kind) => loss::gradient(*kind, inputs[0], inputs[1], inputs[2].data[0]),
    }
}

/// What a GPU may differ by from `expected`, see [`super::bound`].
pub(super) fn error(op: &Training, inputs: &[&Array], expected: &Array) -> Array {
    match op {
        Training::ConvWeight(_) | Training::GemmWeight | Training::ChannelSum => {
            conv::error(op, inputs, expected)
        }
        Training::MaxPool(_)
        | Training::AveragePool { .. }
        | Training::Resize { .. }
        | Training::Move { .. } => spatial::error(op, inputs, expected),
        Training::Activation { of, from_output } => {
            activation::error(*of, *from_output, inputs[0], inputs[1])
        }
        Training::BatchMoments
        | Training::BatchNorm(_)
        | Training::BatchNormSums(_)
        | Training::BatchNormInput(_) => norm::error(op, inputs, expected),
        Training::Loss(kind) => loss::error(*kind, inputs, expected),
    }
}
