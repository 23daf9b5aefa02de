//! The gradient of a depthwise convolution's weight.

use super::conv_weight::{ConvWeightParams, WINDOWS};
use super::{Access, Kernel, Spec};

/// Tensors `x, dy, y`: for each run of lines `[channel group][tap][4 channels]`, which
/// [`super::partial_sums::PARTIAL_SUMS`] spreads. A thread for all its taps of a channel group and a run.
pub static CONV_WEIGHT_DEPTHWISE: Kernel = Kernel {
    name: "conv_weight_depthwise",
    source: include_str!("../../shaders/conv_weight_depthwise.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ConvWeightParams::NAMES,
    variants,
};

/// The taps of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// Kernel rows: all of a square kernel of up to 5, else 1.
    pub rows: u32,
    /// Adjacent taps of a row: all of them, undilated; or 1 for any kernel.
    pub columns: u32,
    /// Input columns between adjacent output columns, 1 or 2; 1 for any where there is one tap.
    pub stride: u32,
}

impl Taps {
    /// Kernel rows up to which a thread has all of them.
    pub const MOST_ROWS: u32 = 5;

    /// The specialisation of [`CONV_WEIGHT_DEPTHWISE`].
    pub fn spec(self) -> Spec {
        Spec(vec![("rows", self.rows), ("columns", self.columns), ("stride", self.stride), ("np", 4)])
    }
}

fn variants() -> Vec<Spec> {
    let mut all = vec![Taps { rows: 1, columns: 1, stride: 1 }.spec()];
    for (columns, stride) in WINDOWS {
        all.push(Taps { rows: 1, columns, stride }.spec());
        if columns <= Taps::MOST_ROWS {
            all.push(Taps { rows: columns, columns, stride }.spec());
        }
    }
    all
}
