//! The gradients of batch normalisation against differences, through the moments.

use super::*;
use crate::graph::{Activation, Op, Training};
use crate::reference::{bound, execute};

fn wave(shape: &[usize], seed: f64) -> Array {
    let data =
        (0..count(shape)).map(|i| (1.7 * i as f64 + seed).sin() + 0.3 * (0.31 * i as f64 * seed).cos());
    Array { shape: shape.to_vec(), data: data.collect() }
}

fn run(op: Training, inputs: &[&Array]) -> Array {
    execute(&Op::Training(op), inputs).unwrap()
}

/// `Σ weights batch_norm(x)`.
fn loss(op: BatchNorm, [x, scale, shift, weights]: [&Array; 4]) -> f64 {
    let moments = run(Training::BatchMoments, &[x]);
    let y = run(Training::BatchNorm(op), &[x, &moments, scale, shift]);
    y.data.iter().zip(&weights.data).map(|(y, weight)| y * weight).sum()
}

const ACTIVATIONS: [Activation; 5] = [
    Activation::None,
    Activation::Relu,
    Activation::LeakyRelu { alpha: 0.1 },
    Activation::Silu,
    Activation::Clip { min: -0.5, max: 0.75 },
];

#[test]
fn moments_are_those_of_channels() {
    let x = Array { shape: vec![2, 2, 1, 2], data: vec![0.0, 2.0, 5.0, 5.0, 4.0, 6.0, 5.0, 9.0] };
    assert_eq!(moments(&x).data, [3.0, 6.0, 5.0, 3.0]);
    assert_eq!(moments(&x).shape, [2, 2]);
}

#[test]
fn gradients_are_limits_of_differences() {
    for activation in ACTIVATIONS {
        let op = BatchNorm { epsilon: 0.01, activation };
        let (x, weights) = (wave(&[3, 2, 2, 3], 1.0), wave(&[3, 2, 2, 3], 2.5));
        let (scale, shift) = (wave(&[2], 0.7), wave(&[2], 4.0));
        let moments = run(Training::BatchMoments, &[&x]);
        let sums = run(Training::BatchNormSums(op), &[&x, &moments, &scale, &shift, &weights]);
        let dx = run(Training::BatchNormInput(op), &[&x, &moments, &scale, &shift, &sums, &weights]);
        let values = [&x, &scale, &shift, &weights];
        let found: [&[f64]; 3] = [&dx.data, &sums.data[2..], &sums.data[..2]];
        for (input, found) in found.into_iter().enumerate() {
            for (at, found) in found.iter().enumerate() {
                let moved = |by: f64| {
                    let mut changed = values[input].clone();
                    changed.data[at] += by;
                    let mut all = values;
                    all[input] = &changed;
                    loss(op, all)
                };
                let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                let distance = (found - expected).abs();
                assert!(distance < 1e-6, "{activation:?} {input} {at}: {found}, differences give {expected}");
            }
        }
    }
}

#[test]
fn what_is_wrong_lies_outside_of_the_bounds() {
    let op = BatchNorm { epsilon: 1e-5, activation: Activation::Silu };
    let (x, dy) = (wave(&[4, 3, 5, 5], 1.0), wave(&[4, 3, 5, 5], 2.5));
    let (scale, shift) = (wave(&[3], 0.7), wave(&[3], 4.0));
    let moments = run(Training::BatchMoments, &[&x]);
    let given = [&x, &moments, &scale, &shift, &dy];
    let sums = bound(&Op::Training(Training::BatchNormSums(op)), &given).unwrap();
    let plain = run(Training::BatchNormSums(BatchNorm { activation: Activation::None, ..op }), &given);
    assert!(sums.worst(&plain.to_f32()).unwrap().1 > 1.0, "sums without the activation pass");
    let given = [&x, &moments, &scale, &shift, &sums.expected, &dy];
    let whole = bound(&Op::Training(Training::BatchNormInput(op)), &given).unwrap();
    let mut half = sums.expected.clone();
    half.data[3..].fill(0.0);
    let without = run(Training::BatchNormInput(op), &[&x, &moments, &scale, &shift, &half, &dy]);
    assert!(whole.worst(&without.to_f32()).unwrap().1 > 1.0, "a gradient without the second sum passes");
    assert!(whole.tolerance.data.iter().all(|&tolerance| tolerance < 1e-4));
}

#[test]
fn variances_by_the_mean_of_squares_lie_outside_of_the_bounds() {
    let x = wave(&[2, 1, 40, 40], 1.0).map(|x| f64::from((1000.0 + x) as f32));
    let bounded = bound(&Op::Training(Training::BatchMoments), &[&x]).unwrap();
    let floats = x.to_f32();
    let (terms, sum) = (floats.len() as f32, floats.iter().fold(0.0, |sum, x| sum + x));
    let squares = floats.iter().fold(0.0, |sum, x| sum + x * x);
    let mean = sum / terms;
    assert!(bounded.worst(&[mean, squares / terms - mean * mean]).unwrap().1 > 1.0);
    assert!(bounded.tolerance.data[1] < 0.1 * bounded.expected.data[1]);
}
