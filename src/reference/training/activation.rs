//! Derivatives of pointwise functions, and their errors.

use crate::graph::Activation;
use crate::reference::Array;
use crate::reference::bounds::pointwise::{SATURATED, erf_error, exp_error, sigmoid_error};
use crate::reference::bounds::{FLUSHED, U, ULP};
use crate::reference::eltwise::{erf, gelu_argument, sigmoid};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI, PI};

/// The derivative of [`crate::reference::activate`]. At kinks it is that of the flat side, or of the side that is less steep, so that
/// it follows from what was computed as well: 0 at 0 for `Relu` and at both bounds for `Clip` (as PyTorch's `ReLU6` and
/// `hardtanh`, which networks are exported with, unlike its `clamp`), `HardSigmoid` and below for `HardSwish`, 1 at 3 for
/// `HardSwish`, that of the negative side at 0 for `LeakyRelu`, `Elu` and `Selu`, 0 at 0 for `Abs`.
pub fn activate_gradient(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::None => 1.0,
        Activation::Relu => {
            if x <= 0.0 {
                0.0
            } else {
                1.0
            }
        }
        Activation::LeakyRelu { alpha } => {
            if x > 0.0 {
                1.0
            } else {
                f64::from(alpha)
            }
        }
        Activation::Sigmoid => bell(x),
        Activation::Tanh => 4.0 * bell(2.0 * x),
        Activation::Clip { min, max } => inside(x, f64::from(min), f64::from(max)),
        Activation::HardSwish if x <= -3.0 => 0.0,
        Activation::HardSwish if x >= 3.0 => 1.0,
        Activation::HardSwish => x / 3.0 + 0.5,
        Activation::Silu => sigmoid(x) + x * bell(x),
        Activation::Elu { alpha } => elu(x, alpha),
        Activation::Selu { alpha, gamma } => f64::from(gamma) * elu(x, alpha),
        Activation::HardSigmoid { alpha, beta } => {
            f64::from(alpha) * inside(f64::from(alpha) * x + f64::from(beta), 0.0, 1.0)
        }
        Activation::Mish => {
            let (e, x) = (x.min(20.0).exp(), x.clamp(-700.0, 20.0));
            let n = e * (e + 2.0);
            (n + 4.0 * x * e * (e + 1.0) / (n + 2.0)) / (n + 2.0)
        }
        Activation::Softplus => sigmoid(x),
        Activation::Gelu { tanh: false } => 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2)) + x * density(x),
        Activation::Gelu { tanh: true } => {
            let argument = 2.0 * gelu_argument(x);
            sigmoid(argument) + x.clamp(-1e3, 1e3) * bell(argument) * gelu_slope(x.clamp(-1e3, 1e3))
        }
        Activation::Erf => FRAC_2_SQRT_PI * (-x * x).exp(),
        Activation::Exp => x.exp(),
        Activation::Log => 1.0 / x,
        Activation::Sqrt => 0.5 / x.sqrt(),
        Activation::Abs if x == 0.0 => 0.0,
        Activation::Abs => x.signum(),
        Activation::Neg => -1.0,
        Activation::Reciprocal => -1.0 / (x * x),
    }
}

/// See [`crate::graph::Training::Activation`].
pub(super) fn gradient(of: Activation, from_output: bool, dy: &Array, v: &Array) -> Array {
    dy.zip(v, |dy, v| dy * derivative(of, from_output, v))
}

/// What a GPU may differ by from [`gradient`].
pub(super) fn error(of: Activation, from_output: bool, dy: &Array, v: &Array) -> Array {
    dy.zip(v, |dy, v| {
        let exact = derivative(of, from_output, v);
        let error = if from_output { 6.0 * U * exact.abs() + FLUSHED } else { gradient_error(of, v, 0.0) };
        dy.abs() * (error + 2.0 * U * (exact.abs() + error)) + FLUSHED
    })
}

/// The derivative of a function at `v`, or where it is `v`.
fn derivative(of: Activation, from_output: bool, v: f64) -> f64 {
    match of {
        Activation::Sigmoid if from_output => v * (1.0 - v),
        Activation::Tanh if from_output => (1.0 - v) * (1.0 + v),
        Activation::Elu { alpha } if from_output && v <= 0.0 => v + f64::from(alpha),
        _ => activate_gradient(of, v),
    }
}

/// The error of the derivative of a function at `x`, which errs by `error`: what changes between the ends of that
/// interval, at most the curvature times it where there is no kink, and its own.
pub(super) fn gradient_error(activation: Activation, x: f64, error: f64) -> f64 {
    let exact = activate_gradient(activation, x);
    let ends = [x - error, x + error].map(|at| (activate_gradient(activation, at) - exact).abs());
    let inherited = if error > 0.0 { ends[0].max(ends[1]) + curvature(activation) * error } else { 0.0 };
    let own = own_error(activation, x, error);
    if inherited.is_nan() || own.is_nan() { f64::INFINITY } else { inherited + own + FLUSHED }
}

/// The largest second derivative, where the first may change and come back within an interval.
fn curvature(activation: Activation) -> f64 {
    match activation {
        Activation::Sigmoid | Activation::Softplus => 0.25,
        Activation::Tanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Gelu { .. }
        | Activation::Erf => 1.0,
        Activation::None
        | Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Clip { .. }
        | Activation::HardSwish
        | Activation::Elu { .. }
        | Activation::Selu { .. }
        | Activation::HardSigmoid { .. }
        | Activation::Exp
        | Activation::Log
        | Activation::Sqrt
        | Activation::Abs
        | Activation::Neg
        | Activation::Reciprocal => 0.0,
    }
}

/// The error of `shaders/shared/activation_gradient.wgsl` in `x ± error` as it stands.
fn own_error(activation: Activation, x: f64, error: f64) -> f64 {
    let exact = activate_gradient(activation, x).abs();
    match activation {
        Activation::None | Activation::Relu | Activation::LeakyRelu { .. } | Activation::Clip { .. } => 0.0,
        Activation::Abs | Activation::Neg => 0.0,
        Activation::Sigmoid => bell(x) * bell_error(x),
        Activation::Tanh => 4.0 * (bell(2.0 * x) * bell_error(2.0 * x) + FLUSHED),
        Activation::HardSwish => 10.0 * U,
        Activation::Silu => {
            let second = x.abs() * (bell(x) * (bell_error(x) + 2.0 * U) + 2.0 * FLUSHED);
            sigmoid_error(x) + second + 4.0 * U
        }
        Activation::Elu { alpha } => elu_error(x, alpha),
        Activation::Selu { alpha, gamma } => f64::from(gamma).abs() * elu_error(x, alpha) + 2.0 * U * exact,
        Activation::HardSigmoid { alpha, beta } => {
            let (alpha, beta) = (f64::from(alpha), f64::from(beta));
            let ramp = alpha * x + beta;
            let moved = alpha.abs() * error + 2.0 * U * (2.0 * (alpha * x).abs() + beta.abs()) + FLUSHED;
            if ramp.abs() <= moved || (ramp - 1.0).abs() <= moved { alpha.abs() } else { 0.0 }
        }
        Activation::Mish => {
            let (e, near) = (x.min(20.0).exp(), x.clamp(-700.0, 20.0));
            let n = e * (e + 2.0);
            let second = 4.0 * near.abs() * e * (e + 1.0) / (n + 2.0);
            (n + second) / (n + 2.0) * (6.0 * exp_error(near.max(-80.0)) + 40.0 * U) + SATURATED
        }
        Activation::Softplus => sigmoid_error(x),
        Activation::Gelu { tanh: false } => {
            let z = x * FRAC_1_SQRT_2;
            let inner = erf_error(z) + 4.0 * U * z.abs() * 1.13 * (-z * z).exp() + 2.0 * U * (1.0 + erf(z));
            let power = 0.5 * (x * x).min(169.0);
            let second = x.abs() * density(x) * (exp_error(power) + 4.0 * U * power + 10.0 * U);
            0.5 * inner + second + 4.0 * U + SATURATED
        }
        Activation::Gelu { tanh: true } => {
            let (near, argument) = (x.clamp(-20.0, 20.0), 2.0 * gelu_argument(x.clamp(-20.0, 20.0)));
            let inner = 16.0 * U * argument.abs();
            let first = bell(argument) * inner + sigmoid_error(argument);
            let second = near.abs() * bell(argument) * gelu_slope(near);
            first + second * (bell_error(argument) + inner + 30.0 * U) + 4.0 * U + SATURATED
        }
        Activation::Erf => {
            let power = (x * x).min(81.0);
            exact * (exp_error(power) + 2.0 * U * power + 6.0 * U) + SATURATED
        }
        Activation::Exp => exact * exp_error(x),
        Activation::Log => exact * 2.5 * ULP,
        Activation::Sqrt | Activation::Reciprocal => exact * 10.0 * U,
    }
}

/// The derivative of the sigmoid.
fn bell(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    e / ((1.0 + e) * (1.0 + e))
}

/// The relative error of [`bell`].
fn bell_error(x: f64) -> f64 {
    2.0 * exp_error(x) + 16.0 * U
}

fn inside(x: f64, low: f64, high: f64) -> f64 {
    f64::from(u8::from(x > low && x < high))
}

fn elu(x: f64, alpha: f32) -> f64 {
    if x <= 0.0 { f64::from(alpha) * x.exp() } else { 1.0 }
}

fn elu_error(x: f64, alpha: f32) -> f64 {
    f64::from(alpha).abs() * x.min(0.0).exp() * (exp_error(x.min(0.0)) + 2.0 * U)
}

/// The density of normal numbers.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// The derivative of twice [`gelu_argument`].
fn gelu_slope(x: f64) -> f64 {
    2.0 * FRAC_2_PI.sqrt() * (1.0 + 3.0 * 0.044_715 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::activate;

    const SMOOTH: [Activation; 22] = [
        Activation::None,
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Clip { min: -0.5, max: 1.5 },
        Activation::HardSwish,
        Activation::Silu,
        Activation::Elu { alpha: 0.75 },
        Activation::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::Mish,
        Activation::Softplus,
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::Erf,
        Activation::Exp,
        Activation::Log,
        Activation::Sqrt,
        Activation::Abs,
        Activation::Neg,
        Activation::Reciprocal,
    ];

    #[test]
    fn derivatives_are_limits_of_differences() {
        for activation in SMOOTH {
            for step in -2000..2000 {
                // Multiples of 1/100 are no kinks once they are shifted.
                let x = f64::from(step) / 100.0 + 0.003_7;
                let h = 1e-5;
                let difference = activate(activation, x + h) - activate(activation, x - h);
                let (found, expected) = (activate_gradient(activation, x), difference / (2.0 * h));
                let tolerance =
                    1e-6 * expected.abs().max(1.0) + if x.abs() < 0.1 { 1e-4 * expected.abs() } else { 0.0 };
                let same = (found - expected).abs() <= tolerance;
                // Neither the function nor its derivative is a number there.
                let undefined = expected.is_nan() && x < 0.0;
                assert!(same || undefined, "{activation:?} at {x}: {found}, differences give {expected}");
            }
        }
    }

    #[test]
    fn outputs_tell_what_inputs_do() {
        let all = [
            Activation::None,
            Activation::Relu,
            Activation::LeakyRelu { alpha: 0.1 },
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Clip { min: 0.0, max: 6.0 },
            Activation::Elu { alpha: 0.75 },
        ];
        for activation in all {
            for step in -80..=80 {
                let x = f64::from(step) / 10.0;
                let (from_input, y) = (derivative(activation, false, x), activate(activation, x));
                let from_output = derivative(activation, true, y);
                let distance = (from_input - from_output).abs();
                assert!(distance < 1e-12, "{activation:?} at {x}: {from_input} and {from_output}");
            }
        }
    }
}
