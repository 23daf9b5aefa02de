//! The last step of Winograd's convolution: its output, from the products of all points.

use super::conv::{Finish, enlarging, finishes};
use super::winograd::{TILES, WORKGROUP, WinogradParams};
use super::{Access, Kernel, Spec};

/// Tensors `x, bias, residual, y`: `x` is `[point][out_groups][rows][tiles_x]`; where nothing is added, `residual` is
/// any readable buffer.
pub static WINOGRAD_OUTPUT: Kernel = Kernel {
    name: "winograd_output",
    source: include_str!("../../shaders/winograd_output.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: WinogradParams::NAMES,
    variants,
};

/// The specialisation of [`WINOGRAD_OUTPUT`] for windows of `tile` by `tile` outputs.
pub fn spec(tile: u32, finish: Finish) -> Spec {
    Spec(vec![("m", tile), ("workgroup", WORKGROUP), ("activation", finish.activation), ("add", finish.add)])
}

fn variants() -> Vec<Spec> {
    let finishes = || finishes().into_iter().chain(enlarging());
    let each = |tile| finishes().map(move |finish| spec(tile, finish));
    TILES.into_iter().flat_map(each).collect()
}
