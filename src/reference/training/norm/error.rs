//! How far batch normalisations and their gradients in f32 may lie from the f64 ones.
//!
//! Sums over images and pixels go in chains of at most [`LONGEST`] pixels and, where there are as many, at least
//! [`SHORTEST`]; then the results of chains are added in another one.

use super::{Channel, elementwise, per_channel};
use crate::graph::{BatchNorm, Training};
use crate::reference::Array;
use crate::reference::bounds::pointwise::activation_error;
use crate::reference::bounds::{FLUSHED, U};
use crate::reference::training::activation::{activate_gradient, gradient_error};
use crate::tensor::count;

/// Pixels that are added in one chain.
const LONGEST: usize = 512;

/// As few where there are as many.
const SHORTEST: usize = 32;

/// What a GPU may differ by.
pub(in crate::reference::training) fn error(op: &Training, inputs: &[&Array], expected: &Array) -> Array {
    match op {
        Training::BatchMoments => moments(inputs[0], expected),
        Training::BatchNorm(op) => outputs(*op, inputs),
        Training::BatchNormSums(op) => sums(*op, inputs),
        Training::BatchNormInput(op) => input(*op, inputs),
        Training::ConvWeight(_)
        | Training::GemmWeight
        | Training::ChannelSum
        | Training::Activation { .. }
        | Training::MaxPool(_)
        | Training::AveragePool { .. }
        | Training::Resize { .. }
        | Training::Move { .. }
        | Training::Loss(_) => unreachable!("{} is no batch normalisation", op.name()),
    }
}

/// Additions behind one another in a sum over images and pixels of `x`, with 8 for what comes before and after.
fn additions(x: &Array) -> f64 {
    let terms = x.data.len() / x.shape[1];
    (terms.min(LONGEST + terms / SHORTEST + x.shape[0]) + 8) as f64
}

/// The error of moments that are taken of distances from an element of the channel, none of which is above the range of
/// the channel: a running mean errs at each of its `n` steps by some roundings of the range, of which step `k` leaves
/// `k / n`, so in the end by `n / 2` of them at most; the means of chains are rounded once more. The squared distances
/// from the mean inherit that (by Cauchy's inequality no more than `5 error deviation`) and are a sum of positive terms.
fn moments(x: &Array, expected: &Array) -> Array {
    let channels = x.shape[1];
    let (lowest, highest) = (extremes(x, f64::INFINITY, f64::min), extremes(x, f64::NEG_INFINITY, f64::max));
    let additions = additions(x);
    let mut error = expected.clone();
    for (channel, (low, high)) in lowest.into_iter().zip(highest).enumerate() {
        let largest = low.abs().max(high.abs());
        let mean = (2.0 * additions + 64.0) * (U * (high - low) + FLUSHED) + 8.0 * U * largest;
        let deviation = expected.data[channels + channel].sqrt();
        let sum = 2.0 * (additions + 32.0) * (U * (deviation + 2.0 * mean).powi(2) + FLUSHED);
        error.data[channel] = mean;
        error.data[channels + channel] = 5.0 * mean * deviation + 2.0 * mean * mean + sum;
    }
    error
}

/// The lowest or highest value of every channel.
fn extremes(x: &Array, start: f64, better: fn(f64, f64) -> f64) -> Vec<f64> {
    let (channels, pixels) = (x.shape[1], count(&x.shape[2..]));
    let mut found = vec![start; channels];
    for (at, &value) in x.data.iter().enumerate() {
        let channel = at / pixels % channels;
        found[channel] = better(found[channel], value);
    }
    found
}

/// A value and its error.
#[derive(Clone, Copy)]
struct Found {
    value: f64,
    error: f64,
}

impl Channel {
    /// The difference and both products are rounded, `inverseSqrt` errs by 2 ulp.
    fn normalised_found(&self, x: f64) -> Found {
        let value = self.normalised(x);
        Found { value, error: 12.0 * U * value.abs() + FLUSHED * (2.0 + self.inverse) }
    }

    fn output_found(&self, x: f64) -> Found {
        let normalised = self.normalised_found(x);
        let product = self.scale.abs() * (normalised.value.abs() + normalised.error);
        let error = self.scale.abs() * normalised.error + 2.0 * U * (2.0 * product + self.shift.abs());
        Found { value: self.output(normalised.value), error: error + 2.0 * FLUSHED }
    }

    /// The gradient of what the activation is given.
    fn gradient_found(&self, op: BatchNorm, x: f64, dy: f64) -> Found {
        let output = self.output_found(x);
        let slope = activate_gradient(op.activation, output.value);
        let error = gradient_error(op.activation, output.value, output.error);
        let rounding = 2.0 * U * dy.abs() * (slope.abs() + error) + FLUSHED;
        Found { value: dy * slope, error: dy.abs() * error + rounding }
    }
}

fn outputs(op: BatchNorm, inputs: &[&Array]) -> Array {
    let channels = Channel::all(op, inputs);
    elementwise(inputs[0], |at, channel| {
        let Found { mut value, mut error } = channels[channel].output_found(inputs[0].data[at]);
        if let Some(addend) = inputs.get(4) {
            value += addend.data[at];
            error += U * (value.abs() + error) + FLUSHED;
        }
        activation_error(op.activation, value, error)
    })
}

fn sums(op: BatchNorm, inputs: &[&Array]) -> Array {
    let (x, dy) = (inputs[0], inputs[4]);
    let channels = Channel::all(op, inputs);
    let rounding = 2.0 * U * additions(x);
    let first = elementwise(x, |at, channel| {
        let gradient = channels[channel].gradient_found(op, x.data[at], dy.data[at]);
        gradient.error + rounding * (gradient.value.abs() + gradient.error) + FLUSHED
    });
    let second = elementwise(x, |at, channel| {
        let gradient = channels[channel].gradient_found(op, x.data[at], dy.data[at]);
        let normalised = channels[channel].normalised_found(x.data[at]);
        let most = (gradient.value.abs() + gradient.error) * (normalised.value.abs() + normalised.error);
        most - (gradient.value * normalised.value).abs() + rounding * most + FLUSHED
    });
    let rows = [per_channel(&first, |_, error| error), per_channel(&second, |_, error| error)];
    Array { shape: vec![2, channels.len()], data: rows.concat() }
}

fn input(op: BatchNorm, inputs: &[&Array]) -> Array {
    let (x, dy) = (inputs[0], inputs[5]);
    let channels = Channel::all(op, inputs);
    let terms = (x.data.len() / channels.len()) as f64;
    elementwise(x, |at, c| {
        let channel = &channels[c];
        let gradient = channel.gradient_found(op, x.data[at], dy.data[at]);
        let normalised = channel.normalised_found(x.data[at]);
        let means = [inputs[4].data[c], inputs[4].data[channels.len() + c]].map(|sum| (sum / terms).abs());
        let product = (normalised.value.abs() + normalised.error) * means[1];
        let magnitude = gradient.value.abs() + gradient.error + means[0] + product;
        // A quotient of a number of terms that is itself rounded errs by 6 units, and the product and both differences.
        let rest = gradient.error + normalised.error * means[1] + 12.0 * U * magnitude + 4.0 * FLUSHED;
        let factor = (channel.scale * channel.inverse).abs();
        factor * (rest + 12.0 * U * (magnitude + rest)) + FLUSHED * (1.0 + channel.inverse + magnitude)
    })
}
