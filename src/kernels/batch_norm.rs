//! Batch normalisation by moments, and what it shares with its gradients.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`BATCH_NORM`] and its gradients.
    BatchNormParams {
        /// Images.
        images: u32,
        /// Channels, all of which are stored in order.
        channels: u32,
        /// Pixels of one channel.
        pixels: u32,
        /// Channel groups of one image.
        groups: u32,
        /// Threads that share the pixels of one channel group of one image.
        threads: u32,
        /// Added to the variance.
        epsilon: f32,
        /// The first parameter of the activation.
        a: f32,
        /// The second one.
        b: f32,
    }
}

/// Tensors `x, moments, scale, shift, residual, y`; `activation` is the code of `shaders/shared/activation.wgsl`. The
/// residual is added before it where `add` is 1, else any readable buffer.
pub static BATCH_NORM: Kernel = Kernel {
    name: "batch_norm",
    source: include_str!("../../shaders/batch_norm.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: BatchNormParams::NAMES,
    variants: || (0..=1).flat_map(|add| (0..=11).map(move |code| output_spec(code, add))).collect(),
};

/// The specialisation of [`BATCH_NORM`].
pub fn output_spec(activation: u32, add: u32) -> Spec {
    Spec(vec![("activation", activation), ("add", add)])
}

/// The specialisation of gradients for an activation.
pub fn spec(activation: u32) -> Spec {
    Spec(vec![("activation", activation)])
}

/// One for every activation that can end a sum.
pub(super) fn variants() -> Vec<Spec> {
    (0..=11).map(spec).collect()
}
