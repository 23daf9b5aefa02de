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
        /// Channels, where sums are spread.
        channels: u32,
        /// Taps of a channel, where sums are spread.
        taps: u32,
    }
}

/// Tensors `x` (partial sums, one behind the other), `y`: a thread for each vector of a sum. `spread` is 1 where that has 4
/// channels at one tap, `[channel group][tap][4]`, and `y` is stored as `[channel][tap][4]` with one live lane.
pub static PARTIAL_SUMS: Kernel = Kernel {
    name: "partial_sums",
    source: include_str!("../../shaders/partial_sums.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PartialSumsParams::NAMES,
    variants: || [false, true].into_iter().map(spec).collect(),
};

/// The specialisation of [`PARTIAL_SUMS`].
pub fn spec(spread: bool) -> Spec {
    Spec(vec![("spread", u32::from(spread))])
}
