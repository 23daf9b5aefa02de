//! Pooling by its definition.

use super::Array;
use crate::graph::Pool;
use crate::tensor::count;

/// The maximum over each window of `x [N, C, H, W]`; minus infinity where a window holds padding alone, not a number
/// where it holds something that is not a number.
///
/// # Panics
/// If the shapes do not fit.
pub fn max_pool(pool: &Pool, x: &Array) -> Array {
    windows(pool, x, |inside, _| inside.iter().copied().fold(f64::NEG_INFINITY, larger))
}

/// The larger of two numbers; not a number where one is not.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The mean over each window of `x [N, C, H, W]`; 0 where it would divide by no position. With `count_include_pad`
/// the given margins count, what `ceil_mode` adds beyond them does not, as in PyTorch and onnxruntime.
///
/// # Panics
/// If the shapes do not fit.
pub fn average_pool(pool: &Pool, x: &Array) -> Array {
    windows(pool, x, |inside, padded| {
        let positions = if pool.count_include_pad { padded } else { inside.len() };
        if positions == 0 { 0.0 } else { inside.iter().sum::<f64>() / positions as f64 }
    })
}

/// `reduce(pixels inside the input, positions inside the input and its margins)` of every window.
fn windows(pool: &Pool, x: &Array, reduce: impl Fn(&[f64], usize) -> f64) -> Array {
    let [images, channels, height, width] = x.image();
    let [out_height, out_width] = pool.window().output([height, width]).expect("the window fits the input");
    let windows = positions(pool, [height, width]);
    let mut data = Vec::with_capacity(images * channels * out_height * out_width);
    let mut inside = Vec::new();
    for plane in x.data.chunks(height * width) {
        for window in &windows {
            inside.clear();
            inside.extend(window.inside.iter().map(|&pixel| plane[pixel]));
            data.push(reduce(&inside, window.padded));
        }
    }
    Array { shape: vec![images, channels, out_height, out_width], data }
}

/// What one window covers.
pub(super) struct Positions {
    /// The pixels of the input, in row-major order.
    pub(super) inside: Vec<usize>,
    /// How many positions are inside the input and its margins.
    pub(super) padded: usize,
}

/// What every window over an input of `[height, width]` covers, in the order of the output.
///
/// # Panics
/// If the window does not fit.
pub(super) fn positions(pool: &Pool, [height, width]: [usize; 2]) -> Vec<Positions> {
    let window = pool.window();
    let [out_height, out_width] = window.output([height, width]).expect("the window fits the input");
    let margins = window.margins([height, width]);
    let covered = |at: usize| {
        let (mut inside, mut padded) = (Vec::new(), 0);
        for tap in 0..pool.kernel[0] * pool.kernel[1] {
            let y = at / out_width * pool.strides[0] + tap / pool.kernel[1] * pool.dilations[0];
            let x = at % out_width * pool.strides[1] + tap % pool.kernel[1] * pool.dilations[1];
            let reaches = y < height + margins[0] + margins[2] && x < width + margins[1] + margins[3];
            padded += usize::from(reaches);
            let (Some(y), Some(x)) = (y.checked_sub(margins[0]), x.checked_sub(margins[1])) else { continue };
            if y < height && x < width {
                inside.push(y * width + x);
            }
        }
        Positions { inside, padded }
    };
    (0..out_height * out_width).map(covered).collect()
}

/// The maximum over all pixels of each channel: `[N, C, …]` to `[N, C, 1, …]`.
///
/// # Panics
/// If the rank is less than 2.
pub fn global_max_pool(x: &Array) -> Array {
    whole(x, |plane| plane.iter().copied().fold(f64::NEG_INFINITY, larger))
}

/// The mean over all pixels of each channel: `[N, C, …]` to `[N, C, 1, …]`.
///
/// # Panics
/// If the rank is less than 2.
pub fn global_average_pool(x: &Array) -> Array {
    whole(x, |plane| plane.iter().sum::<f64>() / plane.len() as f64)
}

fn whole(x: &Array, reduce: impl Fn(&[f64]) -> f64) -> Array {
    let pixels = count(&x.shape[2..]);
    let mut shape = x.shape.clone();
    shape[2..].fill(1);
    Array { shape, data: x.data.chunks(pixels).map(reduce).collect() }
}
