//! Batch normalisation by the batch's own moments and its gradients.

use crate::graph::{BatchNorm, Node};
use crate::plan::lower::{Lowering, PlanError, unsupported};

/// See [`crate::graph::Training`].
pub(super) fn moments(_cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn batch_norm(_cx: &mut Lowering, node: &Node, _op: BatchNorm) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn sums(_cx: &mut Lowering, node: &Node, _op: BatchNorm) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn input(_cx: &mut Lowering, node: &Node, _op: BatchNorm) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}
