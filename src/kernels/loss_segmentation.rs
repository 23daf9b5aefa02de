//! Softmax cross-entropy of logits against a class per pixel.

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
    }
}

/// Tensors `x`, a label word per pixel, and the results: a pair of `f32` (sum, count) for each `[candidate][task, image, partial]`.
/// Workgroups are `[partials, images, 1]`.
pub static LOSS_SEGMENTATION: Kernel = Kernel {
    name: "loss_segmentation",
    source: include_str!("../../shaders/loss_segmentation.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: LossSegmentationParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
