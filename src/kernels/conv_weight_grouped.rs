//! The gradient of a grouped convolution's weight, of any groups.

use super::conv_weight::ConvWeightParams;
use super::{Access, Kernel, Spec};

/// Tensors `x, dy, y`: for each run of lines a gradient as it is stored, `[output][input group][tap][4 inputs]`. A block is
/// one output; a thread for each texel of `y`.
pub static CONV_WEIGHT_GROUPED: Kernel = Kernel {
    name: "conv_weight_grouped",
    source: include_str!("../../shaders/conv_weight_grouped.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ConvWeightParams::NAMES,
    variants: || vec![Spec::default()],
};
