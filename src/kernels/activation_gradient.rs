//! Gradients of pointwise functions.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`ACTIVATION_GRADIENT`].
    ActivationGradientParams {
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
        /// The first parameter of the activation.
        a: f32,
        /// The second one.
        b: f32,
    }
}

/// Tensors `dy, v, dx` of equal layout; `activation` is the code of `shaders/shared/activation.wgsl`, `from_output` says
/// that `v` is what the function computed.
pub static ACTIVATION_GRADIENT: Kernel = Kernel {
    name: "activation_gradient",
    source: include_str!("../../shaders/activation_gradient.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ActivationGradientParams::NAMES,
    variants,
};

/// The codes of functions whose output tells the derivative.
const FROM_OUTPUT: [u32; 7] = [0, 1, 2, 3, 4, 5, 8];

/// The specialisation for a function.
pub fn spec(activation: u32, from_output: bool) -> Spec {
    Spec(vec![("activation", activation), ("from_output", u32::from(from_output))])
}

fn variants() -> Vec<Spec> {
    let from_input = (0..=21).map(|code| spec(code, false));
    from_input.chain(FROM_OUTPUT.map(|code| spec(code, true))).collect()
}
