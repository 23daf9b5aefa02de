//! Batch normalisation by the batch's own moments and its gradients.

mod error;
#[cfg(test)]
mod tests;

pub(super) use error::error;

use super::activation::activate_gradient;
use crate::graph::BatchNorm;
use crate::reference::{Array, activate};
use crate::tensor::count;

/// See [`crate::graph::Training::BatchMoments`].
pub(super) fn moments(x: &Array) -> Array {
    let terms = (x.data.len() / x.shape[1]) as f64;
    let means = per_channel(x, |_, x| x / terms);
    let variances = per_channel(x, |channel, x| (x - means[channel]).powi(2) / terms);
    Array { shape: vec![2, x.shape[1]], data: [means, variances].concat() }
}

/// See [`crate::graph::Training::BatchNorm`].
pub(super) fn batch_norm(op: BatchNorm, inputs: &[&Array]) -> Array {
    let channels = Channel::all(op, inputs);
    elementwise(inputs[0], |at, channel| {
        let channel = &channels[channel];
        let added = inputs.get(4).map_or(0.0, |addend| addend.data[at]);
        activate(op.activation, channel.output(channel.normalised(inputs[0].data[at])) + added)
    })
}

/// See [`crate::graph::Training::BatchNormSums`].
pub(super) fn sums(op: BatchNorm, inputs: &[&Array]) -> Array {
    let channels = Channel::all(op, inputs);
    let gradients = gradients(op, &channels, inputs[0], inputs[4]);
    let products = elementwise(inputs[0], |at, channel| {
        gradients.data[at] * channels[channel].normalised(inputs[0].data[at])
    });
    let rows = [per_channel(&gradients, |_, g| g), per_channel(&products, |_, product| product)];
    Array { shape: vec![2, channels.len()], data: rows.concat() }
}

/// See [`crate::graph::Training::BatchNormInput`].
pub(super) fn input(op: BatchNorm, inputs: &[&Array]) -> Array {
    let channels = Channel::all(op, inputs);
    let gradients = gradients(op, &channels, inputs[0], inputs[5]);
    let (sums, terms) = (&inputs[4].data, (inputs[0].data.len() / channels.len()) as f64);
    elementwise(inputs[0], |at, c| {
        let normalised = channels[c].normalised(inputs[0].data[at]);
        let rest = gradients.data[at] - sums[c] / terms - normalised * sums[channels.len() + c] / terms;
        channels[c].scale * channels[c].inverse * rest
    })
}

/// The gradient of what the activation of a batch normalisation is given.
fn gradients(op: BatchNorm, channels: &[Channel], x: &Array, dy: &Array) -> Array {
    elementwise(x, |at, channel| {
        let channel = &channels[channel];
        let value = channel.output(channel.normalised(x.data[at]));
        dy.data[at] * activate_gradient(op.activation, value)
    })
}

/// What a batch normalisation does to a channel.
struct Channel {
    mean: f64,
    /// `1 / sqrt(variance + epsilon)`.
    inverse: f64,
    scale: f64,
    shift: f64,
}

impl Channel {
    /// Of every channel, from the inputs `x, moments, scale, shift`.
    fn all(op: BatchNorm, inputs: &[&Array]) -> Vec<Self> {
        let channels = inputs[0].shape[1];
        let channel = |c: usize| Self {
            mean: inputs[1].data[c],
            inverse: 1.0 / (inputs[1].data[channels + c] + f64::from(op.epsilon)).sqrt(),
            scale: inputs[2].data[c],
            shift: inputs[3].data[c],
        };
        (0..channels).map(channel).collect()
    }

    fn normalised(&self, x: f64) -> f64 {
        (x - self.mean) * self.inverse
    }

    /// What the activation is given.
    fn output(&self, normalised: f64) -> f64 {
        normalised * self.scale + self.shift
    }
}

/// `f` of the index and the channel of every element of something of the shape of `x`.
fn elementwise(x: &Array, f: impl Fn(usize, usize) -> f64) -> Array {
    let (channels, pixels) = (x.shape[1], count(&x.shape[2..]));
    let data = (0..x.data.len()).map(|at| f(at, at / pixels % channels)).collect();
    Array { shape: x.shape.clone(), data }
}

/// The sums of `f` of the channel and the value of every element.
fn per_channel(x: &Array, f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let (channels, pixels) = (x.shape[1], count(&x.shape[2..]));
    let mut sums = vec![0.0; channels];
    for (at, &value) in x.data.iter().enumerate() {
        let channel = at / pixels % channels;
        sums[channel] += f(channel, value);
    }
    sums
}
