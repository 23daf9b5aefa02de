//! Gradients of weights and biases.

use crate::graph::{Conv2d, Training};
use crate::reference::Array;

/// See [`crate::graph::Training::ConvWeight`].
pub(super) fn weight(_conv: &Conv2d, _x: &Array, _dy: &Array, _shape: Vec<usize>) -> Array {
    unimplemented!("conv weight")
}

/// See [`crate::graph::Training::GemmWeight`].
pub(super) fn gemm_weight(_x: &Array, _dy: &Array, _shape: Vec<usize>) -> Array {
    unimplemented!("gemm weight")
}

/// See [`crate::graph::Training::ChannelSum`].
pub(super) fn channel_sum(_dy: &Array) -> Array {
    unimplemented!("channel sum")
}

/// What a GPU may differ by.
pub(super) fn error(_op: &Training, _inputs: &[&Array], _expected: &Array) -> Array {
    unimplemented!("error")
}
