//! Gradients of pools, resizes and moves: every element of `dy` is added to the elements that it was made from.

use crate::graph::{Move, Pool, Resize, Training};
use crate::reference::Array;
use crate::reference::bounds::sums;
use crate::reference::moves::sources;
use crate::reference::pool::{Positions, positions};
use crate::tensor::count;

/// See [`crate::graph::Training::MaxPool`].
pub(super) fn max_pool(pool: &Pool, x: &Array, dy: &Array) -> Array {
    let windows = positions(pool, [x.shape[2], x.shape[3]]);
    scatter(dy, x.shape.clone(), |plane, at, add| {
        let first =
            |best: usize, here: usize| if x.data[plane + here] > x.data[plane + best] { here } else { best };
        if let Some(first) = windows[at].inside.iter().copied().reduce(first) {
            add(first, 1.0);
        }
    })
}

/// See [`crate::graph::Training::AveragePool`].
pub(super) fn average_pool(pool: &Pool, dy: &Array, shape: Vec<usize>) -> Array {
    let windows = positions(pool, [shape[2], shape[3]]);
    scatter(dy, shape, |_, at, add| {
        let Positions { inside, padded } = &windows[at];
        let counted = if pool.count_include_pad { *padded } else { inside.len() };
        inside.iter().for_each(|&pixel| add(pixel, 1.0 / counted as f64));
    })
}

/// See [`crate::graph::Training::Resize`].
pub(super) fn resize(resize: &Resize, dy: &Array, shape: Vec<usize>) -> Array {
    resize_weighted(resize, dy, shape, |weight| weight)
}

fn resize_weighted(resize: &Resize, dy: &Array, shape: Vec<usize>, weigh: impl Fn(f64) -> f64) -> Array {
    let width = shape[3];
    let [rows, columns] = [0, 1].map(|axis| resize.taps(axis, [shape[2], width]));
    scatter(dy, shape, |_, at, add| {
        for &(y, above) in &rows[at / columns.len()] {
            for &(x, across) in &columns[at % columns.len()] {
                add(y * width + x, weigh(above * across));
            }
        }
    })
}

/// For every pixel `at` of every plane of `dy`, `each(plane, at, add)` names the pixels of a result of `shape` that it
/// adds to, with its weight; `plane` is where that plane of the result starts.
fn scatter(dy: &Array, shape: Vec<usize>, each: impl Fn(usize, usize, &mut dyn FnMut(usize, f64))) -> Array {
    let (from, to) = (count(&dy.shape[2..]), count(&shape[2..]));
    let mut dx = Array::filled(shape, 0.0);
    for (i, &given) in dy.data.iter().enumerate() {
        let plane = i / from * to;
        each(plane, i % from, &mut |at, weight| dx.data[plane + at] += weight * given);
    }
    dx
}

/// See [`crate::graph::Training::Move`].
pub(super) fn moved(of: &Move, dy: &Array, shape: Vec<usize>) -> Array {
    let mut dx = Array::filled(shape.clone(), 0.0);
    for (source, &given) in sources(of, &shape, &dy.shape).zip(&dy.data) {
        if let Some(source) = source {
            dx.data[source] += given;
        }
    }
    dx
}

/// What a GPU may differ by.
pub(super) fn error(op: &Training, inputs: &[&Array], expected: &Array) -> Array {
    let shape = || expected.shape.clone();
    let (terms, magnitude) = match op {
        Training::MaxPool(pool) => {
            (pool.kernel[0] * pool.kernel[1], max_pool(pool, inputs[0], &inputs[1].abs()))
        }
        Training::AveragePool { pool, .. } => {
            (pool.kernel[0] * pool.kernel[1], average_pool(pool, &inputs[0].abs(), shape()))
        }
        Training::Resize { resize, .. } => {
            let most = |axis| most_terms(resize, axis, [expected.shape[2], expected.shape[3]]);
            (most(0) * most(1), resize_weighted(resize, &inputs[0].abs(), shape(), f64::abs))
        }
        Training::Move { of, .. } => {
            let repeated = moved(of, &inputs[0].map(|_| 1.0), shape());
            let most = repeated.data.iter().copied().fold(0.0, f64::max) as usize;
            if most <= 1 {
                return expected.map(|_| 0.0);
            }
            (most, moved(of, &inputs[0].abs(), shape()))
        }
        Training::ConvWeight(_)
        | Training::GemmWeight
        | Training::ChannelSum
        | Training::Activation { .. }
        | Training::BatchMoments
        | Training::BatchNorm(_)
        | Training::BatchNormSums(_)
        | Training::BatchNormInput(_)
        | Training::Loss(_) => unreachable!("{} is no gradient of a window or a move", op.name()),
    };
    sums(terms, &magnitude)
}

/// How many output pixels along `axis` read the input pixel that most read.
fn most_terms(resize: &Resize, axis: usize, size: [usize; 2]) -> usize {
    let mut readers = vec![0; size[axis]];
    resize.taps(axis, size).iter().flatten().for_each(|&(at, _)| readers[at] += 1);
    readers.into_iter().max().unwrap_or(0)
}
