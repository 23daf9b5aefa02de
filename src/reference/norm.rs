//! Normalisation by statistics of the input itself, and how far its f32 result may lie from it.

use super::Array;
use super::bounds::{FLUSHED, U, ULP};
use crate::graph::{Norm, Statistics};
use crate::tensor::count;

/// `(x - mean) / sqrt(variance + epsilon) scale + shift`.
///
/// # Panics
/// If the shapes do not fit.
pub fn norm(norm: &Norm, x: &Array, scale: &Array, shift: &Array) -> Array {
    let mut out = x.clone();
    let run = run(norm, &x.shape);
    for (number, line) in x.data.chunks(run).enumerate() {
        let (mean, variance) = moments(line);
        let deviation = (variance + f64::from(norm.epsilon)).sqrt();
        for (i, &value) in line.iter().enumerate() {
            let (at, parameter) = (number * run + i, parameter(norm, &x.shape, number * run + i));
            out.data[at] = (value - mean) / deviation * scale.data[parameter] + shift.data[parameter];
        }
    }
    out
}

/// The error of two passes in f32: the mean as a sum, the variance as a sum of squared distances from that mean, then
/// `(x - mean) inverseSqrt(variance + epsilon) scale + shift`, whose `inverseSqrt` errs by 2 ulp.
pub(super) fn norm_error(norm: &Norm, x: &Array, scale: &Array, shift: &Array) -> Array {
    let mut error = x.clone();
    let run = run(norm, &x.shape);
    for (number, line) in x.data.chunks(run).enumerate() {
        let bound = Bound::new(line, f64::from(norm.epsilon));
        for (i, &value) in line.iter().enumerate() {
            let (at, parameter) = (number * run + i, parameter(norm, &x.shape, number * run + i));
            error.data[at] = bound.error(value, scale.data[parameter].abs(), shift.data[parameter].abs());
        }
    }
    error
}

/// How many elements, adjacent in row-major order, share a mean.
fn run(norm: &Norm, shape: &[usize]) -> usize {
    match norm.statistics {
        Statistics::Instance => count(&shape[2..]),
        Statistics::Group { groups } => count(&shape[1..]) / groups,
        Statistics::Layer { axis } => count(&shape[axis..]),
    }
}

/// Which scale and shift element `at` has.
fn parameter(norm: &Norm, shape: &[usize], at: usize) -> usize {
    match norm.statistics {
        Statistics::Instance | Statistics::Group { .. } => at / count(&shape[2..]) % shape[1],
        Statistics::Layer { axis } => at % count(&shape[axis..]),
    }
}

fn moments(line: &[f64]) -> (f64, f64) {
    let terms = line.len() as f64;
    let mean = line.iter().sum::<f64>() / terms;
    (mean, line.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / terms)
}

/// What f32 makes of one mean and variance.
struct Bound {
    mean: f64,
    mean_error: f64,
    /// `1 / sqrt(variance + epsilon)`, and the most that it may come out as.
    inverse: f64,
    largest: f64,
}

impl Bound {
    fn new(line: &[f64], epsilon: f64) -> Self {
        let (mean, variance) = moments(line);
        let terms = line.len() as f64;
        let sum = |magnitude: f64| (terms + 8.0) * (2.0 * U * magnitude + FLUSHED) / terms;
        let mean_error = sum(line.iter().map(|x| x.abs()).sum());
        let mut bound = Self { mean, mean_error, inverse: 0.0, largest: 0.0 };
        let distances = || line.iter().map(|&x| ((x - mean).abs(), bound.distance_error(x)));
        let inherited: f64 = distances().map(|(d, e)| 2.0 * d * e + e * e).sum::<f64>() / terms;
        let squares = distances().map(|(d, e)| (d + e) * (d + e)).sum();
        let exact = variance + epsilon;
        let error = (inherited + sum(squares)) * (1.0 + 2.0 * U) + 2.0 * U * exact + FLUSHED;
        let least = (exact - error).max(epsilon * (1.0 - 4.0 * U) - FLUSHED);
        bound.inverse = 1.0 / exact.sqrt();
        bound.largest = (1.0 + 2.0 * ULP) / least.sqrt();
        bound
    }

    /// The error of `x - mean`.
    fn distance_error(&self, x: f64) -> f64 {
        self.mean_error + 2.0 * U * ((x - self.mean).abs() + self.mean_error) + FLUSHED
    }

    /// As `1 / sqrt` is convex, what is missing from it below is no more than what is too much above.
    fn error(&self, x: f64, scale: f64, shift: f64) -> f64 {
        let distance = (x - self.mean).abs();
        let most = (distance + self.distance_error(x)) * self.largest * scale;
        let rounding = 2.0 * U * (3.0 * most + shift) + 3.0 * FLUSHED * (1.0 + scale);
        most - distance * self.inverse * scale + rounding + distance * self.inverse * scale * 4.0 * ULP
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Op;
    use crate::reference::bound;

    fn array(shape: &[usize], data: &[f64]) -> Array {
        Array::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    #[test]
    fn every_kind_takes_its_own_statistics() {
        let x = array(&[1, 2, 2], &[0.0, 2.0, 10.0, 14.0]);
        let (ones, zeros) = (|n: usize| Array::filled(vec![n], 1.0), |n: usize| Array::filled(vec![n], 0.0));
        let plain = |statistics| Norm { statistics, epsilon: 0.0 };
        let instance = norm(&plain(Statistics::Instance), &x, &ones(2), &zeros(2));
        assert_eq!(instance.data, [-1.0, 1.0, -1.0, 1.0]);
        let last = norm(&plain(Statistics::Layer { axis: 2 }), &x, &ones(2), &array(&[2], &[1.0, 5.0]));
        assert_eq!(last.data, [0.0, 6.0, 0.0, 6.0]);
        let deviation = 32.75_f64.sqrt();
        let all = norm(&plain(Statistics::Group { groups: 1 }), &x, &array(&[2], &[1.0, 2.0]), &zeros(2));
        for (found, expected) in all.data.iter().zip([-6.5, -4.5, 7.0, 15.0]) {
            assert!((found - expected / deviation).abs() < 1e-12, "{found}");
        }
    }

    /// As the kernels do it, in f32.
    fn in_f32(x: &[f64], epsilon: f32, scale: f32, shift: f32) -> Vec<f32> {
        let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let terms = x.len() as f32;
        let mean = x.iter().fold(0.0, |sum, x| sum + x) / terms;
        let variance = x.iter().fold(0.0, |sum, x| sum + (x - mean) * (x - mean)) / terms;
        let inverse = 1.0 / (variance + epsilon).sqrt();
        x.iter().map(|x| (x - mean) * inverse * scale + shift).collect()
    }

    #[test]
    fn two_passes_in_f32_stay_within_the_bound() {
        for (offset, spread) in [(0.0, 1.0), (100.0, 1.0), (1000.0, 0.01), (3.0, 0.0), (0.0, 1e-6)] {
            let wave = |i: u32| f64::from((offset + spread * (f64::from(i) * 1.37).sin()) as f32);
            let x = array(&[1, 1, 500], &(0..500).map(wave).collect::<Vec<_>>());
            let op = Op::Norm(Norm { statistics: Statistics::Instance, epsilon: 1e-5 });
            let (scale, shift) = (array(&[1], &[1.5]), array(&[1], &[-0.25]));
            let bounded = bound(&op, &[&x, &scale, &shift]).unwrap();
            let (_, ratio) = bounded.worst(&in_f32(&x.data, 1e-5, 1.5, -0.25)).unwrap();
            assert!(ratio <= 1.0, "{offset} {spread}: {ratio}");
        }
    }
}
