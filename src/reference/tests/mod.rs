//! The operators on small cases: worked by hand, against each other, and against other implementations.

mod bounds;
mod graph;
mod ops;
mod pool;
mod resample;
mod resize;
mod spatial_gradients;
mod weight_gradients;

use super::Array;
use crate::graph::Conv2d;

/// An array from numbers in words.
pub(super) fn array(shape: &[usize], numbers: &str) -> Array {
    let data = numbers.split_whitespace().map(|word| word.parse().unwrap()).collect();
    Array::new(shape.to_vec(), data).unwrap()
}

/// Deterministic numbers in `-1 .. 1` that are multiples of 2^-10, so that f32 holds them and short sums exactly.
pub(super) fn noise(shape: &[usize], seed: u64) -> Array {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut array = Array::filled(shape.to_vec(), 0.0);
    for x in &mut array.data {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *x = (state >> 53) as f64 / 1024.0 - 1.0;
    }
    array
}

/// Fails where an element differs by more than `tolerance`.
pub(super) fn assert_close(found: &Array, expected: &Array, tolerance: f64, what: &str) {
    assert_eq!(found.shape, expected.shape, "{what}");
    for (at, (f, e)) in found.data.iter().zip(&expected.data).enumerate() {
        assert!((f - e).abs() <= tolerance, "{what}: element {at} is {f}, expected {e}");
    }
}

/// A square convolution without padding.
pub(super) fn conv2d(kernel: usize, groups: usize) -> Conv2d {
    Conv2d { groups, ..Conv2d::new([kernel; 2]) }
}
