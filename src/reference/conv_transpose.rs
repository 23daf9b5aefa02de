//! Transposed convolution by its definition: every input pixel adds a kernel to the output.

use super::Array;
use crate::graph::ConvTranspose;

/// `Σ x w + bias`, without the epilogue: `x [N, C, H, W]`, `weight [C, O/groups, KH, KW]`, `bias [O]` to
/// `[N, O, OH, OW]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn conv_transpose(conv: &ConvTranspose, x: &Array, weight: &Array, bias: Option<&Array>) -> Array {
    let [images, channels, height, width] = x.image();
    let [_, per_group, kernel_height, kernel_width] = weight.image();
    let filters = per_group * conv.groups;
    let [out_height, out_width] = conv.output([height, width]).expect("the output has a size");
    let margins = conv.margins([height, width]);
    let mut out = Array::filled(vec![images, filters, out_height, out_width], 0.0);
    let target = |axis: usize, from: usize, tap: usize| {
        let at = from * conv.strides[axis] + tap * conv.dilations[axis];
        at.checked_sub(margins[axis]).filter(|&at| at < [out_height, out_width][axis])
    };
    for (plane, sums) in out.data.chunks_mut(out_height * out_width).enumerate() {
        let (image, filter) = (plane / filters, plane % filters);
        let (group, within) = (filter / per_group, filter % per_group);
        for channel in group * (channels / conv.groups)..(group + 1) * (channels / conv.groups) {
            let source = &x.data[(image * channels + channel) * height * width..][..height * width];
            for tap in 0..kernel_height * kernel_width {
                let (ky, kx) = (tap / kernel_width, tap % kernel_width);
                let w = weight.data[(channel * per_group + within) * kernel_height * kernel_width + tap];
                for (at, x) in source.iter().enumerate() {
                    if let (Some(y), Some(x_at)) = (target(0, at / width, ky), target(1, at % width, kx)) {
                        sums[y * out_width + x_at] += x * w;
                    }
                }
            }
        }
        if let Some(bias) = bias {
            sums.iter_mut().for_each(|sum| *sum += bias.data[filter]);
        }
    }
    out
}
