//! Gradients of losses.

use crate::graph::{LossKind, Node};
use crate::plan::lower::{Lowering, PlanError, unsupported};

/// See [`crate::graph::Training`].
pub(super) fn lower(_cx: &mut Lowering, node: &Node, _kind: LossKind) -> Result<(), PlanError> {
    Err(unsupported(node, "no kernel".to_owned()))
}
