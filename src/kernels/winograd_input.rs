//! The first step of Winograd's convolution: its input, transformed.

use super::winograd::{TILES, WORKGROUP, WinogradParams};
use super::{Access, Kernel, Spec};

/// Tensors `x, y`: `y` is `[point][in_groups][rows][tiles_x]`.
pub static WINOGRAD_INPUT: Kernel = Kernel {
    name: "winograd_input",
    source: include_str!("../../shaders/winograd_input.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: WinogradParams::NAMES,
    variants,
};

/// The specialisation of [`WINOGRAD_INPUT`] for windows of `tile` by `tile` outputs.
pub fn spec(tile: u32) -> Spec {
    Spec(vec![("m", tile), ("workgroup", WORKGROUP)])
}

fn variants() -> Vec<Spec> {
    TILES.map(spec).to_vec()
}
