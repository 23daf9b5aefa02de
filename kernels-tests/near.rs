//! Arithmetic that knows how far a device's f32 result may be from the f64 one.

use std::ops::{Add, Mul, Sub};

const ULP: f64 = 1.0 / (1 << 23) as f64;

/// A number, and the largest distance of what a device has for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The number.
    pub value: f64,
    /// The distance.
    pub error: f64,
}

impl Near {
    /// A number that a device has exactly.
    pub fn exact(value: f32) -> Self {
        Self { value: f64::from(value), error: 0.0 }
    }

    /// The result of an operation whose operands err by `passed_on`, and that errs by `ulps` itself.
    fn rounded(value: f64, passed_on: f64, ulps: f64) -> Self {
        let rounding = ulps * ULP * (value.abs() + passed_on) + f64::from(f32::MIN_POSITIVE);
        Self { value, error: passed_on + rounding }
    }

    /// A quotient, within 2.5 ulp.
    pub fn over(self, by: Self) -> Self {
        let least = by.value.abs() - by.error;
        assert!(least > 0.0, "a divisor may be zero: {by:?}");
        let value = self.value / by.value;
        Self::rounded(value, (self.error + value.abs() * by.error) / least, 2.5)
    }

    /// A square root, the reciprocal (2.5 ulp) of a reciprocal root (2 ulp).
    pub fn root(self) -> Self {
        let value = self.value.sqrt();
        let passed_on = value - (self.value - self.error).max(0.0).sqrt();
        Self::rounded(value, passed_on.max((self.value + self.error).sqrt() - value), 5.0)
    }

    /// The smaller one.
    pub fn at_most(self, most: f64) -> Self {
        Self { value: self.value.min(most), ..self }
    }
}

impl Add for Near {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::rounded(self.value + other.value, self.error + other.error, 1.0)
    }
}

impl Sub for Near {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::rounded(self.value - other.value, self.error + other.error, 1.0)
    }
}

impl Mul for Near {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let passed_on =
            self.value.abs() * other.error + other.value.abs() * self.error + self.error * other.error;
        Self::rounded(self.value * other.value, passed_on, 1.0)
    }
}

#[test]
fn errors_add_up() {
    let third = Near::exact(1.0).over(Near::exact(3.0));
    assert!((f64::from(1.0_f32 / 3.0) - third.value).abs() <= third.error);
    assert!(third.error < 1.1e-7, "{third:?}");
    let root = (third * third).root();
    assert!((root.value - third.value).abs() < 1e-15);
    assert!(root.error > third.error && root.error < 1e-6, "{root:?}");
    let nothing = third - third;
    assert!(nothing.value == 0.0 && nothing.error >= 2.0 * third.error, "{nothing:?}");
}
