//! Absolute or squared difference to float labels.

use super::loss::Enlarging;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_L1`].
    LossL1Params {
        /// The live record of the output.
        record: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channels, which are all live.
        channels: u32,
        /// Pixels that one workgroup adds.
        span: u32,
        /// Workgroups of one image.
        partials: u32,
        /// The task's first pair among a candidate's.
        base: u32,
        /// Pairs of one candidate.
        stride: u32,
        /// Rows of the output, where it is enlarged.
        height: u32,
        /// Columns of the output, where it is enlarged.
        width: u32,
        /// Pixels of one channel of the map that it is enlarged from.
        in_pixels: u32,
        /// Columns of that map.
        in_width: u32,
        /// What the output is where it comes from outside of the map.
        outside: f32,
    }
}

/// Tensors `x, axes`, a label word per element, and the results: a pair of `f32` (sum, count) for each `[candidate][task, image, partial]`.
/// Workgroups are `[partials, images, 1]`.
pub static LOSS_L1: Kernel = Kernel {
    name: "loss_l1",
    source: include_str!("../../shaders/loss_l1.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossL1Params::NAMES,
    variants,
};

/// The specialisation for absolute or squared differences to an output that is enlarged or not.
pub fn spec(square: bool, enlarged: Enlarging) -> Spec {
    Spec(vec![("square", u32::from(square)), enlarged.word()])
}

fn variants() -> Vec<Spec> {
    let each = |square| Enlarging::ALL.map(|enlarged| spec(square, enlarged));
    [false, true].into_iter().flat_map(each).collect()
}
