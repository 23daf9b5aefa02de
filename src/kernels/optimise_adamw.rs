//! AdamW.

use super::optimise::OptimiseParams;
use super::{Access, Kernel, Spec};

/// As [`super::optimise_sgd::OPTIMISE_SGD`], and `second`.
pub static OPTIMISE_ADAMW: Kernel = Kernel {
    name: "optimise_adamw",
    source: include_str!("../../shaders/optimise_adamw.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write, Access::Write, Access::Write, Access::Write],
    params: OptimiseParams::NAMES,
    variants: || vec![Spec::default()],
};
