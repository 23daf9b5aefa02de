//! 1x1 convolutions of maps of one pixel, and products of a few vectors with a matrix, for GPUs.

use super::conv::{ConvParams, Finish, enlarging, finishes};
use super::{Access, Kernel, Spec};

/// Tensors `x, weight, bias, residual, y`; where nothing is added, `residual` is any readable buffer. Weights are packed as for
/// [`super::conv::CONV`]. A workgroup computes one channel group of an image.
pub static GEMV: Kernel = Kernel {
    name: "gemv",
    source: include_str!("../../shaders/gemv.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// Threads of a workgroup.
const WORKGROUP: u32 = 64;

/// The specialisation of [`GEMV`].
pub fn spec(finish: Finish) -> Spec {
    Spec(vec![("workgroup", WORKGROUP), ("activation", finish.activation), ("add", finish.add)])
}

fn variants() -> Vec<Spec> {
    finishes().into_iter().chain(enlarging()).map(spec).collect()
}
