//! Gradients of losses.

use super::approx::Approx;
use super::boxes;
use crate::graph::LossKind;
use crate::reference::Array;
use crate::reference::bounds::pointwise::exp_error;
use crate::reference::bounds::{FLUSHED, U, ULP};
use crate::tensor::count;

/// See [`crate::graph::Training::Loss`].
pub(super) fn gradient(kind: LossKind, output: &Array, labels: &Array, scale: f64) -> Array {
    let data = unscaled(kind, output, labels).iter().map(|own| scale * own.value).collect();
    Array { shape: output.shape.clone(), data }
}

/// What a GPU may differ by.
pub(super) fn error(kind: LossKind, inputs: &[&Array], expected: &Array) -> Array {
    let scale = inputs[2].data[0].abs();
    let scaled = |own: &Approx| {
        let nothing = own.value == 0.0 && own.error == 0.0;
        if nothing {
            0.0
        } else {
            scale * (own.error * (1.0 + 2.0 * U) + 2.0 * U * own.value.abs()) + FLUSHED
        }
    };
    let data = unscaled(kind, inputs[0], inputs[1]).iter().map(scaled).collect();
    Array { shape: expected.shape.clone(), data }
}

/// The derivative by every element of the output.
fn unscaled(kind: LossKind, output: &Array, labels: &Array) -> Vec<Approx> {
    let axis = usize::from(output.shape.len() > 1);
    let (channels, pixels) = (output.shape[axis], count(&output.shape[axis + 1..]));
    let label_channels = labels.shape[axis];
    let mut found = vec![Approx::default(); output.data.len()];
    for line in 0..output.data.len() / channels.max(1) {
        let (image, pixel) = (line / pixels, line % pixels);
        let place = |channels: usize, channel: usize| (image * channels + channel) * pixels + pixel;
        let x: Vec<f64> = (0..channels).map(|channel| output.data[place(channels, channel)]).collect();
        let wanted: Vec<f64> =
            (0..label_channels).map(|channel| labels.data[place(label_channels, channel)]).collect();
        for (channel, own) in of_pixel(kind, &x, &wanted, pixel).into_iter().enumerate() {
            found[place(channels, channel)] = own;
        }
    }
    found
}

/// The derivative by every channel of a pixel.
fn of_pixel(kind: LossKind, x: &[f64], labels: &[f64], pixel: usize) -> Vec<Approx> {
    let mut found = vec![Approx::default(); x.len()];
    if kind == LossKind::CrossEntropy {
        if labels[0] >= 0.0 {
            cross_entropy(x, labels[0] as usize, &mut found);
        }
        return found;
    }
    if let LossKind::Boxes(loss) = kind {
        let labelled = labels[4] > f64::from(LossKind::UNLABELLED);
        return if labelled { boxes::gradient(loss, x, labels, pixel) } else { found };
    }
    let labelled: Vec<usize> =
        (0..x.len()).filter(|&channel| labels[channel] > f64::from(LossKind::UNLABELLED)).collect();
    let of = |values: &[f64]| -> Vec<f64> { labelled.iter().map(|&channel| values[channel]).collect() };
    let (x, labels) = (of(x), of(labels));
    let pairs = || x.iter().zip(&labels).map(|(&x, &label)| (x, label));
    let own: Vec<Approx> = match kind {
        LossKind::Absolute => pairs().map(|(x, label)| absolute(x, label)).collect(),
        LossKind::Square => pairs().map(|(x, label)| square(x, label)).collect(),
        LossKind::BinaryCrossEntropy { positive_weight } => {
            pairs().map(|(x, label)| binary(x, label, f64::from(positive_weight))).collect()
        }
        LossKind::Cosine { shortest } => cosine(&x, &labels, f64::from(shortest)),
        LossKind::ProbabilityCrossEntropy => pairs().map(|(x, label)| probability(x, label)).collect(),
        LossKind::CrossEntropy | LossKind::Boxes(_) | LossKind::Divergence => divergence(&x, &labels),
    };
    labelled.into_iter().zip(own).for_each(|(channel, own)| found[channel] = own);
    found
}

fn absolute(x: f64, label: f64) -> Approx {
    Approx { value: if x == label { 0.0 } else { (x - label).signum() }, error: 0.0 }
}

fn square(x: f64, label: f64) -> Approx {
    let value = 2.0 * (x - label);
    Approx { value, error: 4.0 * U * value.abs() + 3.0 * FLUSHED }
}

/// `(1 - label) sigmoid(x) - w label sigmoid(-x)`.
fn binary(x: f64, label: f64, positive_weight: f64) -> Approx {
    let exact = Approx::exact;
    let (label, weight) = (exact(label), exact(positive_weight));
    (exact(1.0) - label) * Approx::sigmoid(x) - weight * label * Approx::sigmoid(-x)
}

/// `(1 - label) / (1 - p) - label / p`.
fn probability(p: f64, label: f64) -> Approx {
    let (exact, least) = (Approx::exact, f64::from(LossKind::LEAST_PROBABILITY));
    let (p, label) = (exact(p), exact(label));
    let rest = exact(1.0) - p;
    let share = |label: Approx, p: Approx| if p.value < least { exact(0.0) } else { label / p };
    share(exact(1.0) - label, rest) - share(label, p)
}

/// The softmax, computed as `exp(x - top) (1 / Σ exp(x - top))`; of one number that of it and 0.
pub(super) fn softmax(x: &[f64]) -> Vec<Approx> {
    let logits: Vec<f64> = if let &[only] = x { vec![only, 0.0] } else { x.to_vec() };
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let terms: Vec<f64> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f64 = terms.iter().sum();
    let relative = |logit: f64| exp_error(top - logit) + 2.0 * U * (top - logit);
    let inherited: f64 = logits.iter().zip(&terms).map(|(&logit, term)| term / sum * relative(logit)).sum();
    let rest = inherited + 2.0 * (logits.len() + 8) as f64 * U + 2.5 * ULP;
    let flushed = (logits.len() + 1) as f64 * FLUSHED;
    let share = |(&logit, term): (&f64, &f64)| {
        let value = term / sum;
        Approx { value, error: value * (relative(logit) + rest) + flushed }
    };
    logits.iter().zip(&terms).map(share).take(x.len()).collect()
}

fn less(a: Approx, b: Approx) -> Approx {
    let value = a.value - b.value;
    Approx { value, error: a.error + b.error + 2.0 * U * value.abs() + FLUSHED }
}

fn cross_entropy(x: &[f64], class: usize, found: &mut [Approx]) {
    // One class alone is certain.
    let shares = if x.len() == 1 { vec![Approx { value: 1.0, error: 4.0 * ULP }] } else { softmax(x) };
    for (channel, share) in shares.into_iter().enumerate() {
        let own = if channel == class { 1.0 } else { 0.0 };
        found[channel] = less(share, Approx { value: own, error: 0.0 });
    }
}

fn divergence(x: &[f64], labels: &[f64]) -> Vec<Approx> {
    softmax(x).into_iter().zip(softmax(labels)).map(|(share, wanted)| less(share, wanted)).collect()
}

/// `((x · label / |x|²) x - label) / |x|`, where `|x|` is short `-label / shortest`.
fn cosine(x: &[f64], labels: &[f64], shortest: f64) -> Vec<Approx> {
    let products = || x.iter().zip(labels).map(|(x, label)| x * label);
    let (projection, squares) = (products().sum::<f64>(), x.iter().map(|x| x * x).sum::<f64>());
    let (length, terms) = (squares.sqrt(), (x.len() + 8) as f64);
    let adding = |magnitude: f64| terms * (2.0 * U * magnitude + FLUSHED);
    let off_projection = adding(products().map(f64::abs).sum());
    let relative = adding(squares) / squares.max(FLUSHED);
    let off_length = relative + 5.0 * ULP;
    let derivative = |x: f64, label: f64, long: bool| {
        let (along, off_along, length, off_length) = if long {
            let along = projection / squares;
            let off = off_projection / squares + along.abs() * (relative + 2.5 * ULP);
            (along, off, length, off_length)
        } else {
            (0.0, 0.0, shortest, 0.0)
        };
        let value = (along * x - label) / length;
        let off = off_along * x.abs() + 4.0 * U * ((along * x).abs() + label.abs()) + 2.0 * FLUSHED;
        Approx { value, error: off / length + value.abs() * (off_length + 2.5 * ULP) + FLUSHED }
    };
    let long = length >= shortest;
    let either = (length / shortest - 1.0).abs() <= 2.0 * off_length;
    let one = |(&x, &label): (&f64, &f64)| {
        let own = derivative(x, label, long);
        if !either || length == 0.0 {
            return own;
        }
        let other = derivative(x, label, !long);
        Approx { error: own.error.max(other.error) + (own.value - other.value).abs(), ..own }
    };
    x.iter().zip(labels).map(one).collect()
}
