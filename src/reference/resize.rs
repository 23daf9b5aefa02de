//! Resize by the ONNX rules, along one axis after the other.

use super::Array;
use crate::graph::Resize;

/// A spatial resize of `x [N, C, H, W]`.
///
/// # Panics
/// If the rank is not 4.
pub fn resize(resize: &Resize, x: &Array) -> Array {
    resize_weighted(resize, x, |weight| weight)
}

/// The same with every weight replaced: with absolute weights and values, the magnitude of each sum.
pub(super) fn resize_weighted(resize: &Resize, x: &Array, weigh: impl Fn(f64) -> f64) -> Array {
    let [images, channels, height, width] = x.image();
    let [rows, columns] = [0, 1].map(|axis| resize.taps(axis, [height, width]));
    let mut data = Vec::with_capacity(images * channels * rows.len() * columns.len());
    for plane in 0..images * channels {
        let plane = &x.data[plane * height * width..][..height * width];
        for row in &rows {
            for column in &columns {
                let across = |y: usize| -> f64 {
                    column.iter().map(|&(x, weight)| weigh(weight) * plane[y * width + x]).sum()
                };
                let inside = !row.is_empty() && !column.is_empty();
                let sum = || row.iter().map(|&(y, weight)| weigh(weight) * across(y)).sum();
                data.push(if inside { sum() } else { f64::from(resize.outside()) });
            }
        }
    }
    Array { shape: vec![images, channels, rows.len(), columns.len()], data }
}
