//! Operators of training graphs.

mod activation;
mod adjoint;
mod conv;
mod cut;
mod loss;
mod moves;
mod norm;
mod pixels;
mod products;
mod spatial;
mod sum;

use super::{Lowering, PlanError};
use crate::graph::{Node, Training};

/// Lowers an operator of a training graph.
pub(super) fn lower(cx: &mut Lowering, node: &Node, op: &Training) -> Result<(), PlanError> {
    match op {
        Training::ConvWeight(conv) => conv::weight(cx, node, conv),
        Training::GemmWeight => conv::gemm_weight(cx, node),
        Training::ChannelSum => conv::channel_sum(cx, node),
        Training::Activation { of, from_output } => activation::lower(cx, node, *of, *from_output),
        Training::MaxPool(pool) => spatial::max_pool(cx, node, pool),
        Training::AveragePool { pool, .. } => spatial::average_pool(cx, node, pool),
        Training::Resize { resize, .. } => spatial::resize(cx, node, resize),
        Training::Move { of, .. } => moves::moved(cx, node, of),
        Training::BatchMoments => norm::moments(cx, node),
        Training::BatchNorm(op) => norm::batch_norm(cx, node, *op),
        Training::BatchNormSums(op) => norm::sums(cx, node, *op),
        Training::BatchNormInput(op) => norm::input(cx, node, *op),
        Training::Loss(kind) => loss::lower(cx, node, *kind),
    }
}
