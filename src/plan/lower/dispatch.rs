//! Which function lowers which operator. A new operator is a compile error here until it has one.

use super::{Lowering, PlanError, unsupported};
use super::{activation, affine, binary, concat, conv, pad, pool, reshape, resize, softmax};
use crate::graph::{Node, Op};

/// Shaders divide indices by multiplying floats, which is exact for quotients below this.
const MAX_QUOTIENT: u32 = 1 << 21;

/// Adds the steps of `node` to the plan.
///
/// # Errors
/// [`PlanError::Unsupported`] where the node has attributes or operands that no kernel runs.
pub fn lower(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let output = cx.stored(node.outputs[0]);
    for (what, found) in [
        ("rows in all images", output.images.saturating_mul(output.height)),
        ("channel groups", output.groups),
    ] {
        if found >= MAX_QUOTIENT {
            return Err(unsupported(
                node,
                format!("expected fewer than {MAX_QUOTIENT} {what}, found {found}"),
            ));
        }
    }
    match &node.op {
        Op::Conv(conv) => conv::lower(cx, node, conv),
        Op::BatchNorm { epsilon } => affine::lower(cx, node, *epsilon),
        Op::Activation(activation) => activation::lower(cx, node, *activation),
        Op::Binary(binary) => binary::lower(cx, node, *binary),
        Op::Concat { axis } => concat::lower(cx, node, *axis),
        Op::MaxPool(pool) => pool::lower(cx, node, pool, false),
        Op::AveragePool(pool) => pool::lower(cx, node, pool, true),
        Op::GlobalAveragePool => pool::lower_global(cx, node),
        Op::Resize(resize) => resize::lower(cx, node, resize),
        Op::Flatten { .. } | Op::Reshape { .. } => reshape::lower(cx, node),
        Op::Gemm(gemm) => conv::lower_gemm(cx, node, gemm),
        Op::Softmax { axis } => softmax::lower(cx, node, *axis),
        Op::Identity => concat::lower_identity(cx, node),
        Op::Pad(pad) => pad::lower(cx, node, pad),
    }
}
