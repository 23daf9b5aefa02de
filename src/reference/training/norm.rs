//! Batch normalisation by the batch's own moments and its gradients.

use crate::graph::{BatchNorm, Training};
use crate::reference::{Array, activate, activate_gradient};

/// See [`crate::graph::Training::BatchMoments`].
pub(super) fn moments(x: &Array) -> Array {
    let channels = x.shape[1];
    let mut sums = vec![0.0; channels];
    each(x, |channel, at| sums[channel] += x.data[at]);
    let count = (x.data.len() / channels) as f64;
    let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
    let mut squares = vec![0.0; channels];
    each(x, |channel, at| squares[channel] += (x.data[at] - means[channel]).powi(2));
    let variances = squares.iter().map(|sum| sum / count);
    Array { shape: vec![2, channels], data: means.iter().copied().chain(variances).collect() }
}

/// See [`crate::graph::Training::BatchNorm`].
pub(super) fn batch_norm(op: BatchNorm, inputs: &[&Array]) -> Array {
    let x = inputs[0];
    let mut y = x.clone();
    let normal = normal(op, inputs);
    each(x, |channel, at| {
        y.data[at] =
            activate(op.activation, normal.data[at] * inputs[2].data[channel] + inputs[3].data[channel])
    });
    y
}

/// See [`crate::graph::Training::BatchNormSums`].
pub(super) fn sums(op: BatchNorm, inputs: &[&Array]) -> Array {
    let channels = inputs[0].shape[1];
    let (normal, g) = (normal(op, inputs), before(op, inputs, inputs[4]));
    let mut data = vec![0.0; 2 * channels];
    each(&g, |channel, at| {
        data[channel] += g.data[at];
        data[channels + channel] += g.data[at] * normal.data[at];
    });
    Array { shape: vec![2, channels], data }
}

/// See [`crate::graph::Training::BatchNormInput`].
pub(super) fn input(op: BatchNorm, inputs: &[&Array]) -> Array {
    let [_, moments, scale, _, sums, dy] = inputs else { unreachable!("its inputs were counted") };
    let channels = inputs[0].shape[1];
    let (normal, g) = (normal(op, inputs), before(op, inputs, dy));
    let count = (g.data.len() / channels) as f64;
    let mut dx = g.clone();
    each(&g, |channel, at| {
        let factor = scale.data[channel] / deviation(op, moments, channel);
        let [mean, product] = [0, channels].map(|row| sums.data[row + channel] / count);
        dx.data[at] = factor * (g.data[at] - mean - normal.data[at] * product);
    });
    dx
}

/// What is scaled.
fn normal(op: BatchNorm, inputs: &[&Array]) -> Array {
    let (x, moments) = (inputs[0], inputs[1]);
    let mut normal = x.clone();
    each(x, |channel, at| {
        normal.data[at] = (x.data[at] - moments.data[channel]) / deviation(op, moments, channel);
    });
    normal
}

/// The gradient before the activation.
fn before(op: BatchNorm, inputs: &[&Array], dy: &Array) -> Array {
    let normal = normal(op, inputs);
    let mut g = dy.clone();
    each(dy, |channel, at| {
        let sum = normal.data[at] * inputs[2].data[channel] + inputs[3].data[channel];
        g.data[at] *= activate_gradient(op.activation, sum);
    });
    g
}

fn deviation(op: BatchNorm, moments: &Array, channel: usize) -> f64 {
    (moments.data[moments.shape[1] + channel] + f64::from(op.epsilon)).sqrt()
}

/// Calls `f(channel, place)` for every element of `[N, C, …]`.
fn each(x: &Array, mut f: impl FnMut(usize, usize)) {
    let channels = x.shape[1];
    let pixels: usize = x.shape[2..].iter().product();
    (0..x.data.len()).for_each(|at| f(at / pixels % channels, at));
}

/// What a GPU may differ by.
pub(super) fn error(_op: &Training, _inputs: &[&Array], _expected: &Array) -> Array {
    unimplemented!("error")
}
