//! Row-major reinterpretation under other dimensions.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`RESHAPE`].
    ReshapeParams {
        /// The live record of the output.
        record: u32,
        /// Images of the output.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Those of them that lie behind one another in row-major order.
        inner: u32,
        /// Channels of the output when nothing is pruned.
        channels: u32,
        /// Stored channel groups of the output.
        groups: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Those of them that lie behind one another in row-major order.
        in_inner: u32,
        /// Channels of the input when nothing is pruned.
        in_channels: u32,
        /// Stored channel groups of the input.
        in_groups: u32,
        /// Where the input's half of the map starts.
        in_map: u32,
    }
}

/// Tensors `x, map, y`; `map` has the logical channel of every stored output channel, then the stored channel of every
/// logical input channel, as whole floats.
pub static RESHAPE: Kernel = Kernel {
    name: "reshape",
    source: include_str!("../../shaders/reshape.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ReshapeParams::NAMES,
    variants,
};

fn variants() -> Vec<Spec> {
    vec![Spec::default()]
}
