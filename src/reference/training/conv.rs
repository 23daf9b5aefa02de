//! Gradients of weights and biases.

use crate::graph::{Conv2d, Training};
use crate::reference::Array;
use crate::reference::bounds::sums;
use crate::reference::conv::Taps;
use crate::tensor::count;

/// See [`Training::ConvWeight`].
pub(super) fn weight(conv: &Conv2d, x: &Array, dy: &Array, shape: Vec<usize>) -> Array {
    let [images, channels, height, width] = x.image();
    let [_, filters, out_height, out_width] = dy.image();
    let [top, left, ..] = conv.window().margins([height, width]);
    let rows = Taps { input: height, output: out_height, stride: conv.strides[0], before: top };
    let columns = Taps { input: width, output: out_width, stride: conv.strides[1], before: left };
    let (per_group, taps) = (channels / conv.groups, count(&conv.kernel));
    let mut out = Array::filled(shape, 0.0);
    for (at, sum) in out.data.iter_mut().enumerate() {
        let (filter, channel, tap) = (at / taps / per_group, at / taps % per_group, at % taps);
        let channel = filter / (filters / conv.groups) * per_group + channel;
        let down = tap / conv.kernel[1] * conv.dilations[0];
        let across = tap % conv.kernel[1] * conv.dilations[1];
        let outputs = columns.outputs(across);
        if outputs.is_empty() {
            continue;
        }
        let from = columns.coordinate(outputs.start, across);
        for image in 0..images {
            for y in rows.outputs(down) {
                let row = (image * channels + channel) * height + rows.coordinate(y, down);
                let row = x.data[row * width + from..].iter().step_by(conv.strides[1]);
                let dy = &dy.data[((image * filters + filter) * out_height + y) * out_width..];
                *sum += dy[outputs.clone()].iter().zip(row).map(|(dy, x)| dy * x).sum::<f64>();
            }
        }
    }
    out
}

/// See [`Training::GemmWeight`].
pub(super) fn gemm_weight(x: &Array, dy: &Array, shape: Vec<usize>) -> Array {
    let (inputs, outputs) = (x.shape[1], dy.shape[1]);
    let mut out = Array::filled(shape, 0.0);
    for (x, dy) in x.data.chunks(inputs).zip(dy.data.chunks(outputs)) {
        for (sums, dy) in out.data.chunks_mut(inputs).zip(dy) {
            sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += dy * x);
        }
    }
    out
}

/// See [`Training::ChannelSum`].
pub(super) fn channel_sum(dy: &Array) -> Array {
    let (channels, pixels) = (dy.shape[1], count(&dy.shape[2..]));
    let mut out = Array::filled(vec![channels], 0.0);
    for (plane, values) in dy.data.chunks(pixels).enumerate() {
        out.data[plane % channels] += values.iter().sum::<f64>();
    }
    out
}

/// What a GPU may differ by: the error of sums over images and pixels.
pub(super) fn error(op: &Training, inputs: &[&Array], expected: &Array) -> Array {
    let absolute: Vec<Array> = inputs.iter().map(|input| input.abs()).collect();
    let absolute: Vec<&Array> = absolute.iter().collect();
    let magnitude = super::compute(op, &absolute, expected.shape.clone());
    let dy = &inputs[inputs.len() - 1].shape;
    sums(dy[0] * count(&dy[2..]), &magnitude)
}
