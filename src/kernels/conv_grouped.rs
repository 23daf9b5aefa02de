//! Grouped convolution of any shape.

use super::conv::{ConvParams, Finish, Weights, enlarging, finishes, places, stored_groups};
use super::{Access, Kernel, Spec};

/// Tensors `x, weight, bias, residual, channels, y`; where nothing is added, `residual` is any readable buffer.
pub static CONV_GROUPED: Kernel = Kernel {
    name: "conv_grouped",
    source: include_str!("../../shaders/conv_grouped.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// The specialisation of [`CONV_GROUPED`].
pub fn spec(finish: Finish) -> Spec {
    Spec(vec![("activation", finish.activation), ("add", finish.add)])
}

fn variants() -> Vec<Spec> {
    finishes().into_iter().chain(enlarging()).map(spec).collect()
}

/// Weights of [`CONV_GROUPED`]: `[output group][tap][input of the convolution group][4 outputs]`.
pub fn pack(weights: &Weights) -> Vec<f32> {
    let (taps, inputs) = (weights.taps, weights.group_inputs);
    let mut packed = vec![0.0; stored_groups(weights.output) * taps * inputs * 4];
    let rows = weights.values.chunks(taps * inputs);
    for (o, row) in places(weights.output).into_iter().zip(rows) {
        for (at, &value) in row.iter().enumerate() {
            let (c, tap) = (at / taps, at % taps);
            packed[((o / 4 * taps + tap) * inputs + c) * 4 + o % 4] = value;
        }
    }
    packed
}

/// The `channels` operand, integers by their bits: for every stored output lane the first logical input of its
/// convolution group, then for every logical input the lane where it is stored.
pub fn channels(weights: &Weights) -> Vec<f32> {
    let mut table = vec![0; stored_groups(weights.output) * 4];
    for (channel, at) in places(weights.output).into_iter().enumerate() {
        table[at] = channel / weights.group_outputs * weights.group_inputs;
    }
    table.extend(places(weights.input));
    table.resize(table.len().next_multiple_of(4), 0);
    table.into_iter().map(|word| f32::from_bits(word as u32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::live::StoredSegment;

    #[test]
    fn lanes_of_one_output_group_may_read_different_inputs() {
        let values: Vec<f32> = (1..=2 * 6).map(|v| v as f32).collect();
        let segment = |group, start, channels| StoredSegment::run(group, start, channels, None);
        let (input, output) = ([segment(0, 0, 3), segment(1, 3, 1)], [segment(0, 0, 6)]);
        let weights = Weights {
            values: &values,
            group_inputs: 2,
            group_outputs: 3,
            taps: 1,
            input: &input,
            output: &output,
        };
        let words: Vec<u32> = channels(&weights).iter().map(|f| f.to_bits()).collect();
        assert_eq!(words, [0, 0, 0, 2, 2, 2, 0, 0, 0, 1, 2, 4]);
        let packed = pack(&weights);
        assert_eq!(packed[..8], [1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(packed[8..], [9.0, 11.0, 0.0, 0.0, 10.0, 12.0, 0.0, 0.0]);
    }
}
