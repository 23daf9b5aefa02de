//! Moved elements: every output element is an input element whose place is a sum of table entries, or a filling.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GATHER`].
    GatherParams {
        /// The live record of the output.
        record: u32,
        /// Images of the output.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Columns of the output.
        width: u32,
        /// Stored channel groups of the output.
        groups: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Stored channel groups of the input.
        in_groups: u32,
        /// Where the entries of channels (or channel groups) start in the table.
        channels: u32,
        /// Where those of rows start.
        rows: u32,
        /// Where those of columns start.
        columns: u32,
        /// Where the lanes of the input's logical channels start.
        map: u32,
        /// What is written where nothing is read.
        fill: f32,
    }
}

/// What the channels in a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Stored channel groups, which move whole.
    Groups,
    /// Stored lanes: `4 group + lane`.
    Lanes,
    /// Logical channels, as sums of several entries.
    Logical,
}

/// The specialisation for tables of such channels.
pub fn spec(grain: Grain) -> Spec {
    let form = match grain {
        Grain::Groups => 0,
        Grain::Lanes => 1,
        Grain::Logical => 2,
    };
    Spec(vec![("form", form)])
}

/// Tensors `x, table, y`. The table has entries of four words, as the bits of its floats: image, channel, pixel, and 1
/// for none; first those of the output's images, then its channels, rows and columns, then one for every logical
/// channel of the input that has its lane in the second word.
pub static GATHER: Kernel = Kernel {
    name: "gather",
    source: include_str!("../../shaders/gather.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: GatherParams::NAMES,
    variants: || [Grain::Groups, Grain::Lanes, Grain::Logical].map(spec).to_vec(),
};
