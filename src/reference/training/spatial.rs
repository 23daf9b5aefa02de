//! Gradients of pools, resizes and moves.

use crate::graph::{Move, Pool, Resize, Training};
use crate::reference::Array;

/// See [`crate::graph::Training::MaxPool`].
pub(super) fn max_pool(_pool: &Pool, _x: &Array, _dy: &Array) -> Array {
    unimplemented!("max pool")
}

/// See [`crate::graph::Training::AveragePool`].
pub(super) fn average_pool(_pool: &Pool, _dy: &Array, _shape: Vec<usize>) -> Array {
    unimplemented!("average pool")
}

/// See [`crate::graph::Training::Resize`].
pub(super) fn resize(_resize: &Resize, _dy: &Array, _shape: Vec<usize>) -> Array {
    unimplemented!("resize")
}

/// See [`crate::graph::Training::Move`].
pub(super) fn moved(_of: &Move, _dy: &Array, _shape: Vec<usize>) -> Array {
    unimplemented!("move")
}

/// What a GPU may differ by.
pub(super) fn error(_op: &Training, _inputs: &[&Array], _expected: &Array) -> Array {
    unimplemented!("error")
}
