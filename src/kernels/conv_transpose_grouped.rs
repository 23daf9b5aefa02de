//! Transposed convolution of several groups.

use super::conv::{Finish, finishes};
use super::conv_transpose::TransposedParams;
use super::{Access, Kernel, Spec};

/// Tensors `x, weight, bias, residual, channels, y`; where nothing is added, `residual` is any readable buffer. Weights
/// and channels are packed as those of [`super::conv_grouped::CONV_GROUPED`].
pub static CONV_TRANSPOSE_GROUPED: Kernel = Kernel {
    name: "conv_transpose_grouped",
    source: include_str!("../../shaders/conv_transpose_grouped.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: TransposedParams::NAMES,
    variants,
};

/// The specialisation of [`CONV_TRANSPOSE_GROUPED`].
pub fn spec(finish: Finish) -> Spec {
    Spec(vec![("activation", finish.activation), ("add", finish.add)])
}

fn variants() -> Vec<Spec> {
    finishes().into_iter().map(spec).collect()
}
