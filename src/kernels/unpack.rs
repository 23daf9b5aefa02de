//! Unpacking: from the stored layout to the caller's row-major one.

use super::pack::{PackParams, variants};
use super::{Access, Kernel};

/// Tensors `x` (stored) and `y` (row-major, live channels only); parameters and specialisation are those of packing.
pub static UNPACK: Kernel = Kernel {
    name: "unpack",
    source: include_str!("../../shaders/unpack.wgsl"),
    bindings: &[Access::Read, Access::Write],
    params: PackParams::NAMES,
    variants,
};
