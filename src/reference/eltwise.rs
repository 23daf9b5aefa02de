//! Pointwise operators.

use super::Array;
use crate::graph::{Activation, Binary};
use crate::tensor::count;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI};

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
        Activation::Elu { alpha } => elu(x, alpha),
        Activation::Selu { alpha, gamma } => f64::from(gamma) * elu(x, alpha),
        Activation::HardSigmoid { alpha, beta } => bounded(f64::from(alpha) * x + f64::from(beta), 0.0, 1.0),
        Activation::Mish => x * softplus(x).tanh(),
        Activation::Softplus => softplus(x),
        Activation::Gelu { tanh: false } => 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2)),
        Activation::Gelu { tanh: true } => x * sigmoid(2.0 * gelu_argument(x)),
        Activation::Erf => erf(x),
        Activation::Exp => x.exp(),
        Activation::Log => x.ln(),
        Activation::Sqrt => x.sqrt(),
        Activation::Abs => x.abs(),
        Activation::Neg => -x,
        Activation::Reciprocal => 1.0 / x,
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

fn elu(x: f64, alpha: f32) -> f64 {
    if x < 0.0 { f64::from(alpha) * x.exp_m1() } else { x }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// What the approximate GELU takes the hyperbolic tangent of.
pub(super) fn gelu_argument(x: f64) -> f64 {
    FRAC_2_PI.sqrt() * (x + 0.044_715 * x * x * x)
}

/// The error function, by a series of terms of one sign.
pub(super) fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// `a op b` with numpy broadcasting.
///
/// # Panics
/// If the shapes do not fit.
pub fn binary(op: Binary, a: &Array, b: &Array) -> Array {
    broadcast([a, b], |[a, b]| combine(op, a, b))
}

/// A pointwise function of two values.
pub fn combine(op: Binary, a: f64, b: f64) -> f64 {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Min if a < b || a.is_nan() => a,
        Binary::Max if a > b || a.is_nan() => a,
        Binary::Min | Binary::Max => b,
        Binary::Equal => f64::from(u8::from(a == b)),
        Binary::PRelu if a < 0.0 => a * b,
        Binary::PRelu => a,
    }
}

/// `condition ≠ 0 ? a : b` with numpy broadcasting.
///
/// # Panics
/// If the shapes do not fit.
pub fn choose(condition: &Array, a: &Array, b: &Array) -> Array {
    broadcast([condition, a, b], |[condition, a, b]| if condition == 0.0 { b } else { a })
}

/// `f` of the elements of `operands` with numpy broadcasting.
pub(super) fn broadcast<const N: usize>(operands: [&Array; N], f: impl Fn([f64; N]) -> f64) -> Array {
    let rank = operands.iter().map(|operand| operand.shape.len()).max().unwrap_or(0);
    let dims = operands.map(|operand| aligned(&operand.shape, rank));
    let size = |axis: usize| dims.iter().map(|dims| dims[axis]).find(|&size| size != 1).unwrap_or(1);
    let shape: Vec<usize> = (0..rank).map(size).collect();
    let strides = dims.map(|dims| strides(&dims));
    let mut index = vec![0; rank];
    let mut data = Vec::with_capacity(count(&shape));
    for _ in 0..count(&shape) {
        let at = |i: usize| index.iter().zip(&strides[i]).map(|(i, s)| i * s).sum::<usize>();
        data.push(f(std::array::from_fn(|i| operands[i].data[at(i)])));
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
