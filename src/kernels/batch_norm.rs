//! Batch normalisation by given moments, and its gradients.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`BATCH_NORM`] and [`super::batch_norm_input::BATCH_NORM_INPUT`].
    BatchNormParams {
        /// Images.
        images: u32,
        /// Channels.
        channels: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channel groups of one image.
        groups: u32,
        /// Threads that share the pixels of a channel group of an image.
        threads: u32,
        /// Added to the variance.
        epsilon: f32,
        /// First parameter of the activation.
        a: f32,
        /// Second parameter of the activation.
        b: f32,
    }
}

params! {
    /// Parameters of [`super::batch_sums::BATCH_SUMS`].
    BatchSumsParams {
        /// Images.
        images: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channel groups of one image.
        groups: u32,
        /// Pixels of a run.
        span: u32,
        /// Runs of an image.
        runs: u32,
        /// Added to the variance.
        epsilon: f32,
        /// First parameter of the activation.
        a: f32,
        /// Second parameter of the activation.
        b: f32,
    }
}

/// Tensors `x, moments [2, C], scale, shift, y`.
pub static BATCH_NORM: Kernel = Kernel {
    name: "batch_norm",
    source: include_str!("../../shaders/batch_norm.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: BatchNormParams::NAMES,
    variants,
};

/// The specialisation for an activation.
pub fn spec(activation: u32) -> Spec {
    Spec(vec![("activation", activation)])
}

pub(super) fn variants() -> Vec<Spec> {
    (0..=11).map(spec).collect()
}
