//! Which function lowers which operator. A new operator is a compile error here until it has one.

use super::{Lowering, PlanError, unsupported};
use crate::graph::{Node, Op};

/// Adds the steps of `node` to the plan.
///
/// # Errors
/// [`PlanError::Unsupported`] where the node has attributes or operands that no kernel runs.
pub fn lower(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let missing = || Err(unsupported(node, "no kernel runs this operator".to_owned()));
    match &node.op {
        Op::Conv(_) => missing(),
        Op::BatchNorm { .. } => missing(),
        Op::Activation(_) => missing(),
        Op::Binary(_) => missing(),
        Op::Concat { .. } => missing(),
        Op::MaxPool(_) => missing(),
        Op::AveragePool(_) => missing(),
        Op::GlobalAveragePool => missing(),
        Op::Resize(_) => missing(),
        Op::Flatten { .. } => missing(),
        Op::Reshape { .. } => missing(),
        Op::Gemm(_) => missing(),
        Op::Softmax { .. } => missing(),
        Op::Identity => {
            cx.alias(node.outputs[0], node.inputs[0]);
            Ok(())
        }
        Op::Pad(_) => missing(),
    }
}
