//! Gradients of weights and biases.

use crate::graph::{Conv2d, Node};
use crate::plan::lower::{Lowering, PlanError, unsupported};

/// See [`crate::graph::Training`].
pub(super) fn weight(_cx: &mut Lowering, node: &Node, _conv: &Conv2d) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn gemm_weight(_cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn channel_sum(_cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}
