//! Softmax and its logarithm.

use super::Array;
use crate::tensor::count;

/// `exp(x) / Σ exp(x)` along `axis`.
///
/// # Panics
/// If there is no such axis.
pub fn softmax(axis: usize, x: &Array) -> Array {
    let mut out = x.clone();
    for_each_line(axis, x, |line| {
        let largest = line.iter().map(|&at| x.data[at]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = line.iter().map(|&at| (x.data[at] - largest).exp()).sum();
        for &at in line {
            out.data[at] = (x.data[at] - largest).exp() / sum;
        }
    });
    out
}

/// `x - log(Σ exp(x))` along `axis`.
///
/// # Panics
/// If there is no such axis.
pub fn log_softmax(axis: usize, x: &Array) -> Array {
    let mut out = x.clone();
    for_each_line(axis, x, |line| {
        let largest = line.iter().map(|&at| x.data[at]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = line.iter().map(|&at| (x.data[at] - largest).exp()).sum();
        for &at in line {
            out.data[at] = x.data[at] - largest - sum.ln();
        }
    });
    out
}

/// Calls `visit` with the indices of every line of `x` along `axis`.
pub(super) fn for_each_line(axis: usize, x: &Array, mut visit: impl FnMut(&[usize])) {
    let inner = count(&x.shape[axis + 1..]);
    let length = x.shape[axis];
    let mut line = vec![0; length];
    for outer in 0..count(&x.shape[..axis]) {
        for within in 0..inner {
            for (i, at) in line.iter_mut().enumerate() {
                *at = (outer * length + i) * inner + within;
            }
            visit(&line);
        }
    }
}
