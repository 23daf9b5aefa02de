//! Reductions along axes.

use super::Array;
use super::pool::larger;
use super::softmax::for_each_line;
use crate::graph::{ArgMax, Reduce, Reduction};
use crate::tensor::count;

/// A sum, mean, maximum or norm over some axes.
///
/// # Panics
/// If there are no such axes.
pub fn reduce(op: &Reduce, x: &Array) -> Array {
    let dims = |axis: usize| if op.axes.contains(&axis) { 1 } else { x.shape[axis] };
    let kept: Vec<usize> = (0..x.shape.len()).map(dims).collect();
    let start = if op.reduction == Reduction::Max { f64::NEG_INFINITY } else { 0.0 };
    let mut data = vec![start; count(&kept)];
    for (at, &value) in x.data.iter().enumerate() {
        let entry = &mut data[target(&x.shape, &kept, at)];
        *entry = match op.reduction {
            Reduction::Mean | Reduction::Sum => *entry + value,
            Reduction::Max => larger(*entry, value),
            Reduction::L2 => *entry + value * value,
        };
    }
    let elements = (x.data.len() / data.len()) as f64;
    for value in &mut data {
        match op.reduction {
            Reduction::Mean => *value /= elements,
            Reduction::Sum | Reduction::Max => {}
            Reduction::L2 => *value = value.sqrt(),
        }
    }
    Array { shape: remaining(&x.shape, &op.axes, op.keep_dims), data }
}

/// Where element `at` of an array of `shape` goes in one of `kept`, whose reduced dimensions are 1.
fn target(shape: &[usize], kept: &[usize], at: usize) -> usize {
    let (mut rest, mut stride, mut target) = (at, 1, 0);
    for (&size, &left) in shape.iter().zip(kept).rev() {
        if left != 1 {
            target += rest % size * stride;
        }
        rest /= size;
        stride *= left;
    }
    target
}

fn remaining(shape: &[usize], axes: &[usize], keep_dims: bool) -> Vec<usize> {
    let kept = shape.iter().enumerate().filter(|(axis, _)| keep_dims || !axes.contains(axis));
    kept.map(|(axis, &size)| if axes.contains(&axis) { 1 } else { size }).collect()
}

/// The index of the largest element along an axis.
///
/// # Panics
/// If there is no such axis.
pub fn arg_max(op: ArgMax, x: &Array) -> Array {
    let mut data = Vec::with_capacity(x.data.len() / x.shape[op.axis]);
    for_each_line(op.axis, x, |line| {
        let mut best = 0;
        for (at, &element) in line.iter().enumerate() {
            let (value, largest) = (x.data[element], x.data[line[best]]);
            if value > largest || (op.last && value == largest) {
                best = at;
            }
        }
        data.push(best as f64);
    });
    Array { shape: remaining(&x.shape, &[op.axis], op.keep_dims), data }
}
