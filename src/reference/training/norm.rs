//! Batch normalisation by the batch's own moments and its gradients.

use crate::graph::{BatchNorm, Training};
use crate::reference::Array;

/// See [`crate::graph::Training::BatchMoments`].
pub(super) fn moments(_x: &Array) -> Array {
    unimplemented!("moments")
}

/// See [`crate::graph::Training::BatchNorm`].
pub(super) fn batch_norm(_op: BatchNorm, _inputs: &[&Array]) -> Array {
    unimplemented!("batch norm")
}

/// See [`crate::graph::Training::BatchNormSums`].
pub(super) fn sums(_op: BatchNorm, _inputs: &[&Array]) -> Array {
    unimplemented!("sums")
}

/// See [`crate::graph::Training::BatchNormInput`].
pub(super) fn input(_op: BatchNorm, _inputs: &[&Array]) -> Array {
    unimplemented!("input")
}

/// What a GPU may differ by.
pub(super) fn error(_op: &Training, _inputs: &[&Array], _expected: &Array) -> Array {
    unimplemented!("error")
}
