//! The distance of some channels of an output from another network's.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_AGREEMENT`].
    LossAgreementParams {
        /// Elements of one image of the output.
        floats: u32,
        /// The first element of the compared channels.
        first: u32,
        /// Compared channels.
        channels: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Vectors shorter than this are taken as this long.
        shortest: f32,
        /// Pixels that one workgroup adds.
        span: u32,
        /// Workgroups of one image.
        partials: u32,
        /// The first pair among a candidate's.
        base: u32,
        /// Pairs of one candidate.
        stride: u32,
    }
}

/// Tensors: a row-major output, the compared channels of the other network, and the results: a pair of `f32` (sum,
/// count) for each `[candidate][image, partial]`. Workgroups are `[partials, images, 1]`.
pub static LOSS_AGREEMENT: Kernel = Kernel {
    name: "loss_agreement",
    source: include_str!("../../shaders/loss_agreement.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: LossAgreementParams::NAMES,
    variants,
};

/// Absolute differences, counted by elements.
pub const DIFFERENCE: u32 = 0;
/// The divergence of the softmax over channels, counted by pixels; one channel is the logit of yes.
pub const DIVERGENCE: u32 = 1;
/// One minus the cosine over channels, counted by pixels.
pub const ANGLE: u32 = 2;

/// The specialisation for a measure.
pub fn spec(measure: u32) -> Spec {
    Spec(vec![("measure", measure)])
}

fn variants() -> Vec<Spec> {
    [DIFFERENCE, DIVERGENCE, ANGLE].map(spec).to_vec()
}
