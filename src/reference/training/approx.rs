//! Numbers with what single precision may make of them.

use crate::reference::bounds::pointwise::exp_error;
use crate::reference::bounds::{FLUSHED, U, ULP};
use std::f64::consts::FRAC_2_PI;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number, and what a GPU that computes it in the same way may differ by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Approx {
    pub(super) value: f64,
    pub(super) error: f64,
}

impl Approx {
    /// A number that both have.
    pub(super) fn exact(value: f64) -> Self {
        Self { value, error: 0.0 }
    }

    /// The result of an operation on numbers that made it err by `error`.
    pub(super) fn rounded(value: f64, error: f64) -> Self {
        Self { value, error: error + 2.0 * U * value.abs() + FLUSHED }
    }

    pub(super) fn exp(self) -> Self {
        let value = self.value.exp();
        let relative = self.error.exp_m1() + (1.0 + self.error.exp_m1()) * exp_error(self.value.abs());
        Self { value, error: value * relative + FLUSHED }
    }

    pub(super) fn atan(self) -> Self {
        let value = self.value.atan();
        Self { value, error: self.error + 4096.0 * ULP * value.abs() + FLUSHED }
    }

    /// `1 / (1 + exp(-x))` of an exact number.
    pub(super) fn sigmoid(x: f64) -> Self {
        let value = 1.0 / (1.0 + (-x).exp());
        let relative = (1.0 - value) * exp_error(x.abs().min(80.0)) + 2.0 * U + 2.5 * ULP;
        Self { value, error: value * relative + (-80.0_f64).exp() + FLUSHED }
    }

    pub(super) fn min(self, other: Self) -> Self {
        Self { value: self.value.min(other.value), error: self.error.max(other.error) }
    }

    pub(super) fn max(self, other: Self) -> Self {
        -(-self).min(-other)
    }

    /// This where `a < b`, else 0; both are possible where rounding decides.
    pub(super) fn where_less(self, a: Self, b: Self) -> Self {
        let own = if a.value < b.value { self } else { Self::default() };
        let unsure = (a.value - b.value).abs() <= a.error + b.error && (a.error, b.error) != (0.0, 0.0);
        if unsure { Self { error: self.error + self.value.abs(), ..own } } else { own }
    }

    /// The constant `4 / π²`.
    pub(super) fn four_by_pi_squared() -> Self {
        let value = FRAC_2_PI * FRAC_2_PI;
        Self { value, error: U * value }
    }
}

impl Neg for Approx {
    type Output = Self;

    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}

impl Add for Approx {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::rounded(self.value + other.value, self.error + other.error)
    }
}

impl Sub for Approx {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Approx {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let error =
            self.value.abs() * other.error + other.value.abs() * self.error + self.error * other.error;
        Self::rounded(self.value * other.value, error)
    }
}

impl Div for Approx {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let least = other.value.abs() - other.error;
        if least <= 0.0 {
            return Self { value, error: f64::INFINITY };
        }
        Self::rounded(value, (self.error + value.abs() * other.error) / least + 2.5 * ULP * value.abs())
    }
}
