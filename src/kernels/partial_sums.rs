//! The second half of sums that are computed in parts.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PARTIAL_SUMS`].
    PartialSumsParams {
        /// Vectors of 4 of a sum.
        size: u32,
        /// How many partial sums there are, not none.
        partials: u32,
    }
}

/// Tensors `x` (partial sums, one behind the other), `y`: a thread for each vector of `y`.
pub static PARTIAL_SUMS: Kernel = Kernel {
    name: "partial_sums",
    source: include_str!("../../shaders/partial_sums.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PartialSumsParams::NAMES,
    variants: || vec![Spec::default()],
};
