//! Operators that move elements without computing: concatenation and padding.

use super::Array;
use crate::graph::{Pad, PadMode};
use crate::tensor::count;

/// The inputs joined along `axis`.
///
/// # Panics
/// If the shapes do not fit or there is no input.
pub fn concat(axis: usize, inputs: &[&Array]) -> Array {
    let mut shape = inputs[0].shape.clone();
    shape[axis] = inputs.iter().map(|input| input.shape[axis]).sum();
    let mut data = Vec::with_capacity(count(&shape));
    for outer in 0..count(&shape[..axis]) {
        for input in inputs {
            let run = count(&input.shape[axis..]);
            data.extend(&input.data[outer * run..][..run]);
        }
    }
    Array { shape, data }
}

/// A spatial pad of `x [N, C, H, W]`.
///
/// # Panics
/// If the rank is not 4, or a reflection reaches past the opposite border.
pub fn pad(pad: &Pad, x: &Array) -> Array {
    let [images, channels, height, width] = x.image();
    let [top, left, bottom, right] = pad.margins;
    let rows: Vec<_> = (0..top + height + bottom).map(|y| source(pad.mode, y, top, height)).collect();
    let columns: Vec<_> = (0..left + width + right).map(|x| source(pad.mode, x, left, width)).collect();
    let fill = match pad.mode {
        PadMode::Constant(value) => f64::from(value),
        PadMode::Reflect | PadMode::Edge => 0.0,
    };
    let mut data = Vec::with_capacity(images * channels * rows.len() * columns.len());
    for plane in 0..images * channels {
        let plane = &x.data[plane * height * width..][..height * width];
        for row in &rows {
            data.extend(columns.iter().map(|column| match (row, column) {
                (Some(y), Some(x)) => plane[y * width + x],
                _ => fill,
            }));
        }
    }
    Array { shape: vec![images, channels, rows.len(), columns.len()], data }
}

/// The input coordinate that padded coordinate `at` shows, if any.
fn source(mode: PadMode, at: usize, before: usize, length: usize) -> Option<usize> {
    let last = length - 1;
    match mode {
        PadMode::Constant(_) => at.checked_sub(before).filter(|&at| at < length),
        PadMode::Edge => Some(at.saturating_sub(before).min(last)),
        PadMode::Reflect if at < before => Some(before - at),
        PadMode::Reflect => Some(if at - before > last { 2 * last - (at - before) } else { at - before }),
    }
}
