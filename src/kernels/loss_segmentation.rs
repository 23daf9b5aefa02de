//! Softmax cross-entropy of logits against a class per pixel.

use super::loss::Enlarging;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_SEGMENTATION`].
    LossSegmentationParams {
        /// The live record of the output.
        record: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Pixels of one channel.
        pixels: u32,
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

/// Tensors `x, axes`, a label word per pixel, and the results: a pair of `f32` (sum, count) for each `[candidate][task, image, partial]`.
/// Workgroups are `[partials, images, 1]`.
pub static LOSS_SEGMENTATION: Kernel = Kernel {
    name: "loss_segmentation",
    source: include_str!("../../shaders/loss_segmentation.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossSegmentationParams::NAMES,
    variants,
};

/// The most channel groups of a pixel that are read once and held.
pub const HELD: u32 = 8;

/// The specialisation for an output that is enlarged or not and has `held` channel groups, all in one segment; 0 for any.
pub fn spec(enlarged: Enlarging, held: u32) -> Spec {
    Spec(vec![enlarged.word(), ("held", held)])
}

fn variants() -> Vec<Spec> {
    let each = |enlarged| (0..=HELD).map(move |held| spec(enlarged, held));
    Enlarging::ALL.into_iter().flat_map(each).collect()
}
