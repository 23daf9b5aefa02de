//! 1x1 convolutions of maps of one pixel, and products of a few vectors with a matrix, for CPU devices.

use super::conv::{ConvParams, Finish, enlarging, finishes};
use super::{Access, Kernel, Spec, TEXEL_ROW};

/// Tensors `x, weight, bias, residual, y`; where nothing is added, `residual` is any readable buffer. Weights are packed as for
/// [`super::conv_broadcast::CONV_BROADCAST`].
pub static CONV_VECTOR: Kernel = Kernel {
    name: "conv_vector",
    source: include_str!("../../shaders/conv_vector.wgsl"),
    bindings: &[Access::Read, Access::Texels, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// Threads of a workgroup.
pub const WORKGROUP: u32 = 8;

/// The specialisation of [`CONV_VECTOR`].
pub fn spec(finish: Finish) -> Spec {
    Spec(vec![
        ("workgroup", WORKGROUP),
        ("texel_row", TEXEL_ROW),
        ("activation", finish.activation),
        ("add", finish.add),
    ])
}

fn variants() -> Vec<Spec> {
    finishes().into_iter().chain(enlarging()).map(spec).collect()
}
