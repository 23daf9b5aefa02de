//! Convolution by its definition.

use super::Array;
use crate::graph::Conv2d;
use std::ops::Range;

/// `Σ x w + bias`, without the epilogue: `x [N, C, H, W]`, `weight [O, C/groups, KH, KW]`, `bias [O]` to
/// `[N, O, OH, OW]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn conv(conv: &Conv2d, x: &Array, weight: &Array, bias: Option<&Array>) -> Array {
    let [images, channels, height, width] = x.image();
    let [filters, per_group, ..] = weight.image();
    let window = conv.window();
    let [out_height, out_width] = window.output([height, width]).expect("the kernel fits the input");
    let [top, left, ..] = window.margins([height, width]);
    let shape = vec![images, filters, out_height, out_width];
    let rows = Taps { input: height, output: out_height, stride: conv.strides[0], before: top };
    let columns = Taps { input: width, output: out_width, stride: conv.strides[1], before: left };
    let mut out = Array::filled(shape, 0.0);
    for (plane, sums) in out.data.chunks_mut((out_height * out_width).max(1)).enumerate() {
        let (image, filter) = (plane / filters, plane % filters);
        let first = filter / (filters / conv.groups) * per_group;
        for channel in 0..per_group {
            let source = (image * channels + first + channel) * height * width;
            let source = &x.data[source..source + height * width];
            let taps = conv.kernel[0] * conv.kernel[1];
            let taps = &weight.data[(filter * per_group + channel) * taps..][..taps];
            for (tap, &w) in taps.iter().enumerate() {
                let at = [tap / conv.kernel[1] * conv.dilations[0], tap % conv.kernel[1] * conv.dilations[1]];
                accumulate(sums, source, w, [(&rows, at[0]), (&columns, at[1])]);
            }
        }
        if let Some(bias) = bias {
            sums.iter_mut().for_each(|sum| *sum += bias.data[filter]);
        }
    }
    out
}

/// One axis of a convolution: which outputs a tap reaches inside the input.
pub(super) struct Taps {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) stride: usize,
    pub(super) before: usize,
}

impl Taps {
    /// The outputs whose tap at `offset` lies inside the input.
    pub(super) fn outputs(&self, offset: usize) -> Range<usize> {
        let first = self.before.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.input + self.before).saturating_sub(offset).div_ceil(self.stride);
        first..end.min(self.output).max(first)
    }

    /// The input coordinate that `output` reads at `offset`; inside for [`Self::outputs`].
    pub(super) fn coordinate(&self, output: usize, offset: usize) -> usize {
        output * self.stride + offset - self.before
    }
}

/// Adds `w` times the source pixels of one tap to the sums of a plane.
fn accumulate(sums: &mut [f64], source: &[f64], w: f64, [rows, columns]: [(&Taps, usize); 2]) {
    let ((rows, dy), (columns, dx)) = (rows, columns);
    let across = columns.outputs(dx);
    if across.is_empty() {
        return;
    }
    let from = columns.coordinate(across.start, dx);
    for y in rows.outputs(dy) {
        let source = &source[rows.coordinate(y, dy) * columns.input + from..];
        let sums = &mut sums[y * columns.output..][across.clone()];
        if columns.stride == 1 {
            sums.iter_mut().zip(source).for_each(|(sum, x)| *sum += w * x);
        } else {
            let source = source.iter().step_by(columns.stride);
            sums.iter_mut().zip(source).for_each(|(sum, x)| *sum += w * x);
        }
    }
}
