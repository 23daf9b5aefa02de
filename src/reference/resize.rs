//! Resize by the ONNX rules. Coordinates for `nearest` are computed in f32, as onnxruntime does: a scale such as 1/3
//! is not exact in f32, and in f64 its products fall just short of whole pixels.

use super::Array;
use crate::graph::{Coordinates, Interpolation, Resize, Rounding, Target};

/// A spatial resize of `x [N, C, H, W]`.
///
/// # Panics
/// If the rank is not 4.
pub fn resize(resize: &Resize, x: &Array) -> Array {
    let [images, channels, height, width] = x.image();
    let [out_height, out_width] = resize.output([height, width]);
    let rows = axis(resize, 0, height, out_height);
    let columns = axis(resize, 1, width, out_width);
    let mut data = Vec::with_capacity(images * channels * out_height * out_width);
    for plane in 0..images * channels {
        let plane = &x.data[plane * height * width..][..height * width];
        for row in &rows {
            for column in &columns {
                let read = |y: usize| match *column {
                    Reading::One(x) => plane[y * width + x],
                    Reading::Two { left, right, weight } => {
                        (1.0 - weight) * plane[y * width + left] + weight * plane[y * width + right]
                    }
                };
                data.push(match *row {
                    Reading::One(y) => read(y),
                    Reading::Two { left, right, weight } => {
                        (1.0 - weight) * read(left) + weight * read(right)
                    }
                });
            }
        }
    }
    Array { shape: vec![images, channels, out_height, out_width], data }
}

/// Which input coordinates one output coordinate reads.
enum Reading {
    One(usize),
    Two { left: usize, right: usize, weight: f64 },
}

fn axis(resize: &Resize, axis: usize, input: usize, output: usize) -> Vec<Reading> {
    let last = input - 1;
    let line = |coordinate: usize| match resize.interpolation {
        Interpolation::Nearest(rounding) => {
            let x = original_f32(resize, axis, [input, output], coordinate);
            Reading::One(round(x, rounding).clamp(0.0, last as f32) as usize)
        }
        Interpolation::Linear => {
            let x = original_f64(resize, axis, [input, output], coordinate).clamp(0.0, last as f64);
            let left = x as usize;
            Reading::Two { left, right: (left + 1).min(last), weight: x - left as f64 }
        }
    };
    (0..output).map(line).collect()
}

macro_rules! original {
    ($name:ident, $float:ty) => {
        /// The input coordinate behind an output coordinate of an axis with `[input, output]` pixels.
        fn $name(resize: &Resize, axis: usize, [input, output]: [usize; 2], coordinate: usize) -> $float {
            let (length, resized, x) = (input as $float, output as $float, coordinate as $float);
            let scale = match resize.target {
                Target::Scales(scales) => <$float>::from(scales[axis]),
                Target::Sizes(_) => resized / length,
            };
            match resize.coordinates {
                Coordinates::HalfPixel => (x + 0.5) / scale - 0.5,
                Coordinates::HalfPixelSymmetric => {
                    let adjustment = resized / (scale * length);
                    length / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
                }
                Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if output == 1 => 0.0,
                Coordinates::PytorchHalfPixel => (x + 0.5) / scale - 0.5,
                Coordinates::AlignCorners => x * (length - 1.0) / (resized - 1.0),
                Coordinates::Asymmetric => x / scale,
            }
        }
    };
}

original!(original_f32, f32);
original!(original_f64, f64);

fn round(x: f32, rounding: Rounding) -> f32 {
    match rounding {
        Rounding::PreferFloor => (x - 0.5).ceil(),
        Rounding::PreferCeil => (x + 0.5).floor(),
        Rounding::Floor => x.floor(),
        Rounding::Ceil => x.ceil(),
    }
}
