//! Stochastic gradient descent.

use super::optimise::OptimiseParams;
use super::{Access, Kernel, Spec};

/// Tensors `gradient, state, weight, average, first`, row-major; `state` is what [`super::gradient_clip::GRADIENT_CLIP`]
/// writes.
pub static OPTIMISE_SGD: Kernel = Kernel {
    name: "optimise_sgd",
    source: include_str!("../../shaders/optimise_sgd.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write, Access::Write, Access::Write],
    params: OptimiseParams::NAMES,
    variants: || vec![Spec::default()],
};
