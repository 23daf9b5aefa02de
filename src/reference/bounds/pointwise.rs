//! The errors of pointwise functions.

use super::{FLUSHED, U, ULP};
use crate::graph::{Activation, Binary};
use crate::reference::eltwise::{broadcast, erf, gelu_argument, sigmoid};
use crate::reference::{Array, activate, combine};
use std::f64::consts::FRAC_1_SQRT_2;

/// The error of an activation of `x` that errs by `error`: its slope times `error`, and its own.
pub(in crate::reference) fn activation_error(activation: Activation, x: f64, error: f64) -> f64 {
    let y = activate(activation, x);
    let rounding = 2.0 * U * y.abs() + FLUSHED;
    match activation {
        Activation::None | Activation::Relu | Activation::Clip { .. } => error,
        Activation::Abs | Activation::Neg => error,
        Activation::LeakyRelu { alpha } => {
            let alpha = f64::from(alpha).abs();
            alpha.max(1.0) * error + 2.0 * U * alpha * (x.abs() + error) + FLUSHED
        }
        Activation::Sigmoid => error / 4.0 + sigmoid_error(x),
        Activation::Tanh => {
            let inherited = 2.0 * exp_error(x.abs().min(16.0)) + 4.0 * ULP;
            error + inherited.max(1e-5) + SATURATED
        }
        Activation::HardSwish => {
            let ramp = (x.abs() + error).min(4.0);
            let inner = ramp * (2.5 * ULP * ramp / 6.0 + 2.0 * U);
            1.5 * error + inner + rounding
        }
        Activation::Silu => 1.1 * error + x.abs() * sigmoid_error(x) + rounding,
        Activation::Elu { alpha } => elu_error(alpha, x, error),
        Activation::Selu { alpha, gamma } => f64::from(gamma).abs() * elu_error(alpha, x, error) + rounding,
        Activation::HardSigmoid { alpha, beta } => {
            let (alpha, beta) = (f64::from(alpha).abs(), f64::from(beta).abs());
            // Beyond that the result is 0 or 1 however it is rounded.
            let product = (alpha * (x.abs() + error)).min(2.0 + beta);
            alpha * error + 2.0 * U * (2.0 * product + beta) + FLUSHED
        }
        Activation::Mish => 1.1 * error + mish_error(x) + rounding,
        Activation::Softplus => {
            let e = (-x.abs()).exp();
            error + e / (1.0 + e) * exp_error(x) + 2.0 * U + log_error(1.0 + e) + rounding
        }
        Activation::Gelu { tanh: false } => {
            let z = x * FRAC_1_SQRT_2;
            let inner = erf_error(z) + 4.0 * U * z.abs() * 1.13 * (-z * z).exp() + 2.0 * U * (1.0 + erf(z));
            1.2 * error + 0.5 * x.abs() * inner + 2.0 * rounding
        }
        Activation::Gelu { tanh: true } => {
            let (argument, s) = (2.0 * gelu_argument(x), sigmoid(2.0 * gelu_argument(x)));
            let inner = s * (1.0 - s) * argument.abs().min(1e3) * 16.0 * U + sigmoid_error(argument);
            1.2 * error + x.abs() * inner + rounding
        }
        Activation::Erf => 1.13 * error + erf_error(x),
        Activation::Exp => spread(activation, x, error) + y * exp_error(x) + FLUSHED,
        Activation::Log => spread(activation, x, error) + log_error(x),
        Activation::Sqrt => spread(activation, x, error) + 5.0 * ULP * y + FLUSHED.sqrt(),
        Activation::Reciprocal if x.abs() <= error => f64::INFINITY,
        Activation::Reciprocal => spread(activation, x, error) + 2.5 * ULP * y.abs() + FLUSHED,
    }
}

/// How far a function that is monotonous around `x` may lie from its value there when `x` errs by `error`.
fn spread(activation: Activation, x: f64, error: f64) -> f64 {
    if error == 0.0 {
        return 0.0;
    }
    let distance = |at: f64| (activate(activation, at) - activate(activation, x)).abs();
    let [below, above] = [distance(x - error), distance(x + error)];
    if below.is_nan() || above.is_nan() { f64::INFINITY } else { below.max(above) }
}

/// What clamping an argument at which a sigmoid or tanh is flat may cost.
pub(in crate::reference) const SATURATED: f64 = 1e-13;

/// The relative error of `exp(x)`.
pub(in crate::reference) fn exp_error(x: f64) -> f64 {
    (3.0 + 2.0 * x.abs()) * ULP
}

/// The error of `log(x)`.
pub(in crate::reference) fn log_error(x: f64) -> f64 {
    if (0.5..=2.0).contains(&x) { (-21.0_f64).exp2() } else { 3.0 * ULP * x.ln().abs() }
}

/// The error of `1 / (1 + exp(-x))` for an exact `x`; the argument is clamped to ±80.
pub(in crate::reference) fn sigmoid_error(x: f64) -> f64 {
    let s = sigmoid(x);
    s * ((1.0 - s) * exp_error(x.abs().min(80.0)) + 2.0 * U + 2.5 * ULP) + (-80.0_f64).exp() + FLUSHED
}

fn elu_error(alpha: f32, x: f64, error: f64) -> f64 {
    let alpha = f64::from(alpha).abs();
    let own = if x - error < 0.0 {
        let e = x.min(0.0).exp();
        alpha * (e * exp_error(x) + 6.0 * U * (1.0 - e) + 2.0 * FLUSHED)
    } else {
        0.0
    };
    alpha.max(1.0) * error + own + FLUSHED
}

/// The error of `x n / (n + 2)`, `n = e (e + 2)`, `e = exp(min(x, 20))`.
fn mish_error(x: f64) -> f64 {
    let clamped = x.min(20.0);
    let e = clamped.exp();
    let n = e * (e + 2.0);
    let factor = n / (n + 2.0);
    let relative = (2.0 * exp_error(clamped) + 4.0 * U) * 2.0 / (n + 2.0) + 4.0 * U + 2.5 * ULP;
    x.abs() * (factor * relative + SATURATED + 2.0 * FLUSHED)
}

/// The error of the polynomials of `shaders/shared/erf.wgsl`: theirs (below 3e-8) and that of their evaluation.
pub(in crate::reference) fn erf_error(x: f64) -> f64 {
    let t = x.abs().min(5.0);
    let small = t * (4e-8 + 20.0 * U);
    if t < 0.92 {
        return small;
    }
    let complement = 1.0 - erf(t);
    let exponent = complement.max(1e-30).ln().abs();
    let large = complement * (16.0 * U * exponent + exp_error(exponent)) + 2.0 * U + 3e-8;
    small.max(large)
}

/// The errors of a function of two exact values.
pub(super) fn binary_error(op: Binary, a: &Array, b: &Array) -> Array {
    broadcast([a, b], |[a, b]| {
        let y = combine(op, a, b).abs();
        match op {
            Binary::Add | Binary::Sub | Binary::Mul => 2.0 * U * y + FLUSHED,
            Binary::Div => 2.5 * ULP * y + FLUSHED,
            Binary::Pow => pow_error(a.abs(), b) * y + FLUSHED,
            Binary::PRelu if a < 0.0 => 2.0 * U * y + FLUSHED,
            Binary::PRelu | Binary::Min | Binary::Max | Binary::Equal => 0.0,
        }
    })
}

/// The relative error of `exp2(exponent log2(base))`.
fn pow_error(base: f64, exponent: f64) -> f64 {
    if base == 0.0 || exponent == 0.0 {
        return 0.0;
    }
    let logarithm = base.log2();
    let error = if (0.5..=2.0).contains(&base) { (-21.0_f64).exp2() } else { 3.0 * ULP * logarithm.abs() };
    let power = exponent * logarithm;
    (exponent.abs() * error + 2.0 * U * power.abs()) * std::f64::consts::LN_2 + exp_error(power)
}
