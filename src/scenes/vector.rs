//! Three-component vectors; only operations that IEEE 754 rounds exactly.

use std::ops::{Add, Mul, Neg, Sub};

/// A point, direction or linear RGB colour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vec3 {
    /// First component (right, or red).
    pub x: f32,
    /// Second component (up, or green).
    pub y: f32,
    /// Third component (depth, or blue).
    pub z: f32,
}

/// Shorthand for [`Vec3`].
pub const fn vec3(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3 { x, y, z }
}

/// The smaller number, the second one if either is not a number: one instruction, unlike
/// `f32::min`.
pub fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The larger number, the second one if either is not a number.
pub fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

impl Vec3 {
    /// The same value three times.
    pub const fn splat(value: f32) -> Self {
        vec3(value, value, value)
    }

    /// Scalar product.
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    /// Vector product.
    pub fn cross(self, other: Self) -> Self {
        vec3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    /// Euclidean length.
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The vector scaled to length one.
    pub fn unit(self) -> Self {
        self * (1.0 / self.length())
    }

    /// Component-wise minimum.
    pub fn min(self, other: Self) -> Self {
        vec3(lesser(self.x, other.x), lesser(self.y, other.y), lesser(self.z, other.z))
    }

    /// Component-wise maximum.
    pub fn max(self, other: Self) -> Self {
        vec3(greater(self.x, other.x), greater(self.y, other.y), greater(self.z, other.z))
    }

    /// One over each component.
    pub fn reciprocal(self) -> Self {
        vec3(1.0 / self.x, 1.0 / self.y, 1.0 / self.z)
    }

    /// Linear blend: `self` at 0, `other` at 1.
    pub fn lerp(self, other: Self, amount: f32) -> Self {
        self + (other - self) * amount
    }

    /// Relative luminance of a linear RGB colour.
    pub fn luminance(self) -> f32 {
        self.dot(vec3(0.2126, 0.7152, 0.0722))
    }
}

impl Add for Vec3 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        vec3(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for Vec3 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        vec3(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f32> for Vec3 {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        vec3(self.x * factor, self.y * factor, self.z * factor)
    }
}

impl Mul for Vec3 {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        vec3(self.x * other.x, self.y * other.y, self.z * other.z)
    }
}

impl Neg for Vec3 {
    type Output = Self;
    fn neg(self) -> Self {
        vec3(-self.x, -self.y, -self.z)
    }
}
