//! How large the terms are that Winograd's F(4, 3) adds, where a GPU computes a 3x3 convolution by it: what its error is
//! relative to.

use super::Array;
use crate::graph::Conv2d;

/// Outputs of a window along an axis.
const TILE: usize = 4;

/// Absolute values of the transforms of input, filter and output (Lavin and Gray, arXiv 1509.09308).
const INPUT: [[f64; 6]; 6] = [
    [4.0, 0.0, 5.0, 0.0, 1.0, 0.0],
    [0.0, 4.0, 4.0, 1.0, 1.0, 0.0],
    [0.0, 4.0, 4.0, 1.0, 1.0, 0.0],
    [0.0, 2.0, 1.0, 2.0, 1.0, 0.0],
    [0.0, 2.0, 1.0, 2.0, 1.0, 0.0],
    [0.0, 4.0, 0.0, 5.0, 0.0, 1.0],
];
const FILTER: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0],
    [1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];
const OUTPUT: [[f64; 6]; 4] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    [0.0, 1.0, 1.0, 2.0, 2.0, 0.0],
    [0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
    [0.0, 1.0, 1.0, 8.0, 8.0, 1.0],
];

/// Roundings on the way of a term, beside those of the sum over channels: two input transforms of up to 4 each, the
/// weight's, and two output transforms of up to 6.
pub(super) const ROUNDINGS: usize = 22;

/// `T m T'`.
fn both<const N: usize, const M: usize>(transform: &[[f64; N]; M], m: [[f64; N]; N]) -> [[f64; M]; M] {
    let half: [[f64; N]; M] =
        transform.map(|row| std::array::from_fn(|x| (0..N).map(|y| row[y] * m[y][x]).sum()));
    half.map(|half| transform.map(|row| (0..N).map(|x| row[x] * half[x]).sum()))
}

/// The windows' first outputs.
fn windows(height: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    let rows = (0..height).step_by(TILE);
    rows.flat_map(move |y| (0..width).step_by(TILE).map(move |x| (y, x)))
}

/// The sum of the absolute values of all terms of every output; `bias`, where there is one, is added. Takes arrays of
/// absolute values.
///
/// # Panics
/// If the convolution is not 3x3 with stride 1 and one group, or the shapes do not fit.
pub(super) fn magnitude(conv: &Conv2d, x: &Array, weight: &Array, bias: Option<&Array>) -> Array {
    let [images, channels, height, width] = x.image();
    let [filters, ..] = weight.image();
    let window = conv.window();
    let [out_height, out_width] = window.output([height, width]).expect("the kernel fits the input");
    let [top, left, ..] = window.margins([height, width]);
    let mut out = Array::filled(vec![images, filters, out_height, out_width], 0.0);
    let transformed: Vec<[[f64; 6]; 6]> = weight
        .data
        .chunks(9)
        .map(|taps| both(&FILTER, std::array::from_fn(|y| std::array::from_fn(|x| taps[3 * y + x]))))
        .collect();
    for image in 0..images {
        for (ty, tx) in windows(out_height, out_width) {
            let inputs: Vec<[[f64; 6]; 6]> = (0..channels)
                .map(|channel| {
                    let plane = &x.data[(image * channels + channel) * height * width..][..height * width];
                    let read = |y: usize, x: usize| match (y.checked_sub(top), x.checked_sub(left)) {
                        (Some(y), Some(x)) if y < height && x < width => plane[y * width + x],
                        _ => 0.0,
                    };
                    both(&INPUT, std::array::from_fn(|y| std::array::from_fn(|x| read(ty + y, tx + x))))
                })
                .collect();
            for filter in 0..filters {
                let mut sums = [[0.0; 6]; 6];
                let filters = &transformed[filter * channels..][..channels];
                for (input, filter) in inputs.iter().zip(filters) {
                    let pairs = input.iter().flatten().zip(filter.iter().flatten());
                    sums.iter_mut().flatten().zip(pairs).for_each(|(sum, (a, b))| *sum += a * b);
                }
                let added = bias.map_or(0.0, |bias| bias.data[filter]);
                let plane = (image * weight.shape[0] + filter) * out_height;
                for (y, row) in (ty..out_height).zip(both(&OUTPUT, sums)) {
                    for (x, value) in (tx..out_width).zip(row) {
                        out.data[(plane + y) * out_width + x] = value + added;
                    }
                }
            }
        }
    }
    out
}
