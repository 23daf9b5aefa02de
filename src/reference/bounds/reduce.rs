//! The errors of reductions and normalisations along axes.

use super::pointwise::{exp_error, log_error};
use super::{FLUSHED, U, ULP, sums};
use crate::graph::{Reduce, Reduction};
use crate::reference::softmax::for_each_line;
use crate::reference::{Array, reduce};

/// The error of a sum, mean, maximum or norm over some axes.
pub(super) fn reduction(op: &Reduce, x: &Array, expected: &Array) -> Array {
    let summands = x.data.len() / expected.data.len();
    match op.reduction {
        Reduction::Max => expected.map(|_| 0.0),
        Reduction::Sum | Reduction::Mean => sums(summands, &reduce(op, &x.abs())),
        Reduction::L2 => {
            let squares = expected.map(|y| y * y);
            let errors = sums(summands, &squares);
            let root = squares.zip(&errors, |square, error| (square + error).sqrt());
            // Concave: the root errs most below.
            let below = squares.zip(&errors, |square, error| (square - error).max(0.0).sqrt());
            let spread = root.zip(&below, |above, below| above - below);
            spread.zip(expected, |spread, y| spread + 5.0 * ULP * y)
        }
    }
}

/// The error of `exp(x - max) / Σ exp(x - max)`.
pub(super) fn softmax(axis: usize, x: &Array, expected: &Array) -> Array {
    let mut error = x.clone();
    for_each_line(axis, x, |line| {
        let term = terms(x, line);
        let sum: f64 = line.iter().map(|&at| expected.data[at] * term(at)).sum();
        let rest = sum + 2.0 * (line.len() + 8) as f64 * U + 2.5 * ULP;
        for &at in line {
            error.data[at] = expected.data[at] * (term(at) + rest) + line.len() as f64 * FLUSHED;
        }
    });
    error
}

/// The error of `x - max - log(Σ exp(x - max))`.
pub(super) fn log_softmax(axis: usize, x: &Array, expected: &Array) -> Array {
    let mut error = x.clone();
    for_each_line(axis, x, |line| {
        let term = terms(x, line);
        let share = |at: usize| expected.data[at].exp();
        let relative: f64 = line.iter().map(|&at| share(at) * term(at)).sum();
        let largest = largest(x, line);
        let sum: f64 = line.iter().map(|&at| (x.data[at] - largest).exp()).sum();
        let rounding = 2.0 * (line.len() + 8) as f64 * U;
        let logarithm = relative + rounding + log_error(sum) + line.len() as f64 * FLUSHED;
        for &at in line {
            let rounded = (largest - x.data[at]) + expected.data[at].abs();
            error.data[at] = 2.0 * U * rounded + logarithm + FLUSHED;
        }
    });
    error
}

fn largest(x: &Array, line: &[usize]) -> f64 {
    line.iter().map(|&at| x.data[at]).fold(f64::NEG_INFINITY, f64::max)
}

/// The relative error of `exp(x - max)` at each element of a line.
fn terms(x: &Array, line: &[usize]) -> impl Fn(usize) -> f64 {
    let largest = largest(x, line);
    move |at| {
        let distance = largest - x.data[at];
        exp_error(distance) + 2.0 * U * distance
    }
}
