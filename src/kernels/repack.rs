//! Packed constants from the weights that they hold.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`REPACK`].
    RepackParams {
        /// Groups of four floats of the packed constant.
        texels: u32,
    }
}

/// Tensors `places, weight, packed`: `places` has for every float of `packed` 0 or one more than the place of the weight.
pub static REPACK: Kernel = Kernel {
    name: "repack",
    source: include_str!("../../shaders/repack.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: RepackParams::NAMES,
    variants: || vec![Spec::default()],
};
