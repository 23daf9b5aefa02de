//! Pointwise operators.

use super::Array;
use crate::graph::{Activation, Binary};
use crate::tensor::count;

/// A pointwise function of one value.
pub fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::None => x,
        Activation::Relu => bounded(x, 0.0, f64::INFINITY),
        Activation::LeakyRelu { alpha } if x < 0.0 => f64::from(alpha) * x,
        Activation::LeakyRelu { .. } => x,
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Clip { min, max } => bounded(x, f64::from(min), f64::from(max)),
        Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::Silu => x * sigmoid(x),
    }
}

/// `min(max(x, low), high)` that keeps a value that is not a number.
fn bounded(x: f64, low: f64, high: f64) -> f64 {
    let raised = if x < low { low } else { x };
    if raised > high { high } else { raised }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `a op b` with numpy broadcasting.
///
/// # Panics
/// If the shapes do not fit.
pub fn binary(op: Binary, a: &Array, b: &Array) -> Array {
    let f = match op {
        Binary::Add => |a: f64, b: f64| a + b,
        Binary::Sub => |a: f64, b: f64| a - b,
        Binary::Mul => |a: f64, b: f64| a * b,
    };
    let rank = a.shape.len().max(b.shape.len());
    let [left, right] = [a, b].map(|operand| aligned(&operand.shape, rank));
    let shape: Vec<usize> = left.iter().zip(&right).map(|(&l, &r)| if l == 1 { r } else { l }).collect();
    let [left, right] = [left, right].map(|dims| strides(&dims));
    let mut index = vec![0; rank];
    let mut data = Vec::with_capacity(count(&shape));
    for _ in 0..count(&shape) {
        let at = |strides: &[usize]| index.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
        data.push(f(a.data[at(&left)], b.data[at(&right)]));
        for axis in (0..rank).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Array { shape, data }
}

/// `shape` with leading ones up to `rank`.
fn aligned(shape: &[usize], rank: usize) -> Vec<usize> {
    let mut dims = vec![1; rank - shape.len()];
    dims.extend(shape);
    dims
}

/// Steps between neighbours along each axis; 0 where one element repeats.
fn strides(dims: &[usize]) -> Vec<usize> {
    (0..dims.len()).map(|axis| if dims[axis] == 1 { 0 } else { count(&dims[axis + 1..]) }).collect()
}

/// `(x - mean) / sqrt(variance + epsilon) scale + shift` per channel (axis 1); `vectors` are
/// `[scale, shift, mean, variance]`, each `[C]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn batch_norm(epsilon: f32, x: &Array, vectors: [&Array; 4]) -> Array {
    let [scale, shift, mean, variance] = vectors.map(|v| &v.data);
    let channels = x.shape[1];
    let pixels = count(&x.shape[2..]);
    let value = |(at, &x): (usize, &f64)| {
        let c = at / pixels % channels;
        (x - mean[c]) / (variance[c] + f64::from(epsilon)).sqrt() * scale[c] + shift[c]
    };
    Array { shape: x.shape.clone(), data: x.data.iter().enumerate().map(value).collect() }
}
