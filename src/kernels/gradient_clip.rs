//! The norm of all gradients together.

use super::optimise::Hyper;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GRADIENT_CLIP`].
    GradientClipParams {
        /// Sums of squares.
        sums: u32,
    }
}

/// Floats of the state that [`GRADIENT_CLIP`] writes: the factor of all gradients, their norm, 1 where all are finite, and
/// [`Hyper::words`].
pub const STATE: usize = 3 + Hyper::WORDS;

/// Tensors `sums` (of [`super::gradient_norm::GRADIENT_NORM`]), `hyper` ([`Hyper::words`]), `state`. One
/// workgroup.
pub static GRADIENT_CLIP: Kernel = Kernel {
    name: "gradient_clip",
    source: include_str!("../../shaders/gradient_clip.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: GradientClipParams::NAMES,
    variants: || vec![Spec::default()],
};
