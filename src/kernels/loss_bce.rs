//! Binary cross-entropy of logits, positives weighted.

use super::loss::Enlarging;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_BCE`].
    LossBceParams {
        /// The live record of the output.
        record: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channels, which are all live.
        channels: u32,
        /// The weight of a positive element, a negative one having 1.
        positive_weight: f32,
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
pub static LOSS_BCE: Kernel = Kernel {
    name: "loss_bce",
    source: include_str!("../../shaders/loss_bce.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossBceParams::NAMES,
    variants,
};

/// The specialisation for an output that is enlarged or not.
pub fn spec(enlarged: Enlarging) -> Spec {
    Spec(vec![enlarged.word()])
}

fn variants() -> Vec<Spec> {
    Enlarging::ALL.map(spec).to_vec()
}
