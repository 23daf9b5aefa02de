//! Which function lowers which operator. A new operator is a compile error here until it has one.

use super::{Lowering, PlanError};
use super::{
    activation, affine, binary, concat, conv, conv_transpose, mat_mul, moves, norm, pad, pool, reduce,
    reshape, resize, softmax, training,
};
use crate::graph::{Node, Op, ValueId};

/// Shaders divide indices as floats, which gives the integer quotient below this.
pub(super) const MAX_QUOTIENT: u32 = 1 << 21;

/// That shaders can tell the rows and channel groups of `value` apart.
///
/// # Errors
/// [`PlanError::TooFine`].
pub fn check_indices(cx: &mut Lowering, value: ValueId) -> Result<(), PlanError> {
    let stored = cx.stored(value);
    let rows = stored.images.saturating_mul(stored.height);
    for (what, found) in [("rows in all images", rows), ("channel groups", stored.groups)] {
        if found >= MAX_QUOTIENT {
            let value = cx.graph.value(value).name.clone();
            return Err(PlanError::TooFine { value, what, limit: MAX_QUOTIENT, found });
        }
    }
    Ok(())
}

/// Adds the steps of `node` to the plan.
///
/// # Errors
/// [`PlanError::Unsupported`] where the node has attributes or operands that no kernel runs.
pub fn lower(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    check_indices(cx, node.outputs[0])?;
    match &node.op {
        Op::Conv(conv) => conv::lower(cx, node, conv),
        Op::ConvTranspose(conv) => conv_transpose::lower(cx, node, conv),
        Op::BatchNorm { epsilon } => affine::lower(cx, node, *epsilon),
        Op::Activation(activation) => activation::lower(cx, node, *activation),
        Op::Binary(binary) => binary::lower(cx, node, *binary),
        Op::Concat { axis } => concat::lower(cx, node, *axis),
        Op::MaxPool(pool) => pool::lower(cx, node, pool, false),
        Op::AveragePool(pool) => pool::lower(cx, node, pool, true),
        Op::GlobalAveragePool => pool::lower_global(cx, node, 0),
        Op::GlobalMaxPool => pool::lower_global(cx, node, 2),
        Op::Resize(resize) => resize::lower(cx, node, resize),
        Op::Flatten { .. } | Op::Reshape { .. } => reshape::lower(cx, node),
        Op::Gemm(gemm) => conv::lower_gemm(cx, node, gemm),
        Op::Softmax { axis } => softmax::lower(cx, node, *axis, false),
        Op::LogSoftmax { axis } => softmax::lower(cx, node, *axis, true),
        Op::Reduce(op) => reduce::lower(cx, node, op),
        Op::ArgMax(op) => reduce::lower_arg_max(cx, node, *op),
        Op::Identity => concat::lower_identity(cx, node),
        Op::Pad(pad) => pad::lower(cx, node, pad),
        Op::Squeeze { axes } => moves::lower_squeeze(cx, node, axes),
        Op::Unsqueeze { axes } => moves::lower_unsqueeze(cx, node, axes),
        Op::Where => binary::lower_where(cx, node),
        Op::Norm(norm) => norm::lower(cx, node, norm),
        Op::MatMul => mat_mul::lower(cx, node),
        Op::Move(op) => moves::lower(cx, node, op),
        Op::Training(op) => training::lower(cx, node, op),
    }
}
