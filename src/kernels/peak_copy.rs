//! A plain copy: what a device's memory is measured with.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PEAK_COPY`].
    CopyParams {
        /// Elements of `floats` floats each.
        size: u32,
    }
}

/// Tensors `x, y` of equal size, each thread moving `floats` floats, 1 or 4.
pub static PEAK_COPY: Kernel = Kernel {
    name: "peak_copy",
    source: include_str!("../../shaders/peak_copy.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: CopyParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    [1, 4].map(|floats| Spec(vec![("floats", floats)])).to_vec()
}
