//! Depthwise convolution with one output per channel.

use super::conv::{ConvParams, Finish, Form, Weights, enlarging, finishes, forms, places, stored_groups};
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

/// Columns and rows of output pixels of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Adjacent columns.
    pub columns: u32,
    /// Adjacent rows; more than one only for square windows of which neither axis is dilated and that move by as many
    /// rows as columns.
    pub rows: u32,
}

impl Patch {
    /// Few enough pixels for any device.
    pub const SMALL: Self = Self { columns: 4, rows: 1 };

    /// Those for devices on which loads are dear.
    pub const LARGE: [Self; 2] = [Self { columns: 4, rows: 4 }, Self { columns: 7, rows: 4 }];

    /// Whether `rows` of it may be more than one for windows of this many columns: their weights are kept at hand.
    pub fn shares_rows(columns: u32) -> bool {
        columns <= 5
    }
}

/// The specialisation of [`CONV_DEPTHWISE`]; `form` is not [`Form::Point`].
pub fn spec(form: Form, patch: Patch, finish: Finish) -> Spec {
    let [form, columns, stride] = form.codes();
    Spec(vec![
        ("form", form),
        ("columns", columns),
        ("stride", stride),
        ("np", patch.columns),
        ("nr", patch.rows),
        ("activation", finish.activation),
        ("add", finish.add),
    ])
}

fn variants() -> Vec<Spec> {
    let window = Form::Window { columns: 3, stride: 1 };
    let finishes = finishes().into_iter().chain(enlarging());
    let mut all: Vec<Spec> = finishes.map(|finish| spec(window, Patch::SMALL, finish)).collect();
    let others = forms().into_iter().filter(|form| *form != Form::Point && *form != window);
    all.extend(others.map(|form| spec(form, Patch::SMALL, Finish::default())));
    for form in forms() {
        if matches!(form, Form::Window { columns, .. } if Patch::shares_rows(columns)) {
            all.extend(Patch::LARGE.map(|patch| spec(form, patch, Finish::default())));
        }
    }
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
