//! Depthwise convolution with one output per channel.

use super::conv::{ConvParams, Finish, Form, Weights, finishes, forms, places, stored_groups};
use super::{Access, Kernel, Spec};

/// Tensors `x, weight, bias, residual, y`; where nothing is added, `residual` is any readable buffer. Input and output
/// have the same channel layout.
pub static CONV_DEPTHWISE: Kernel = Kernel {
    name: "conv_depthwise",
    source: include_str!("../../shaders/conv_depthwise.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// Adjacent output pixels of a thread.
pub const PIXELS: u32 = 4;

/// The specialisation of [`CONV_DEPTHWISE`]; `form` is not [`Form::Point`].
pub fn spec(form: Form, finish: Finish) -> Spec {
    let [form, columns, stride] = form.codes();
    Spec(vec![
        ("form", form),
        ("columns", columns),
        ("stride", stride),
        ("np", PIXELS),
        ("activation", finish.activation),
        ("add", finish.add),
    ])
}

fn variants() -> Vec<Spec> {
    let window = Form::Window { columns: 3, stride: 1 };
    let mut all: Vec<Spec> = finishes().into_iter().map(|finish| spec(window, finish)).collect();
    let others = forms().into_iter().filter(|form| *form != Form::Point && *form != window);
    all.extend(others.map(|form| spec(form, Finish::default())));
    all
}

/// Weights of [`CONV_DEPTHWISE`]: `[group][tap][4 channels]`, 0 where there is no channel.
pub fn pack(weights: &Weights) -> Vec<f32> {
    let mut packed = vec![0.0; stored_groups(weights.output) * weights.taps * 4];
    for (o, taps) in places(weights.output).into_iter().zip(weights.values.chunks(weights.taps)) {
        for (tap, &value) in taps.iter().enumerate() {
            packed[(o / 4 * weights.taps + tap) * 4 + o % 4] = value;
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::live::StoredSegment;

    #[test]
    fn a_weight_texel_holds_four_channels() {
        let values: Vec<f32> = (1..=10).map(|v| v as f32).collect();
        let axis = [StoredSegment::run(0, 0, 5, None)];
        let weights = Weights {
            values: &values,
            group_inputs: 1,
            group_outputs: 1,
            taps: 2,
            input: &axis,
            output: &axis,
        };
        let expected =
            [[1.0, 3.0, 5.0, 7.0], [2.0, 4.0, 6.0, 8.0], [9.0, 0.0, 0.0, 0.0], [10.0, 0.0, 0.0, 0.0]];
        assert_eq!(pack(&weights), expected.concat());
    }
}
