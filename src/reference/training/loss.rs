//! Gradients of losses.

use crate::graph::LossKind;
use crate::reference::Array;

/// See [`crate::graph::Training::Loss`].
pub(super) fn gradient(_kind: LossKind, _output: &Array, _labels: &Array, _scale: f64) -> Array {
    unimplemented!("loss")
}

/// What a GPU may differ by.
pub(super) fn error(_kind: LossKind, _inputs: &[&Array], _expected: &Array) -> Array {
    unimplemented!("error")
}
