//! Gradients of pools, resizes and moves.

use crate::graph::{Move, Node, Pool, Resize};
use crate::plan::lower::{Lowering, PlanError, unsupported};

/// See [`crate::graph::Training`].
pub(super) fn max_pool(_cx: &mut Lowering, node: &Node, _pool: &Pool) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn average_pool(_cx: &mut Lowering, node: &Node, _pool: &Pool) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn resize(_cx: &mut Lowering, node: &Node, _resize: &Resize) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}

/// See [`crate::graph::Training`].
pub(super) fn moved(_cx: &mut Lowering, node: &Node, _of: &Move) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}
