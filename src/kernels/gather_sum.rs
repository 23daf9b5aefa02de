//! Sums of moved elements.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`GATHER_SUM`].
    GatherSumParams {
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
        /// Entries of an image's list.
        image_terms: u32,
        /// Where the lists of stored channels start in the table.
        channels: u32,
        /// Entries of a channel's list.
        channel_terms: u32,
        /// Where the lists of rows start.
        rows: u32,
        /// Entries of a row's list.
        row_terms: u32,
        /// Where the lists of columns start.
        columns: u32,
        /// Entries of a column's list.
        column_terms: u32,
        /// Where the list starts that all outputs share.
        others: u32,
        /// Entries of that list.
        other_terms: u32,
        /// Where the lanes of the input's logical channels start.
        map: u32,
    }
}

/// Tensors `x, table, y`. The table has entries of four words, as the bits of its floats: image, channel, pixel, and 1
/// behind the end of a list; first the lists of the output's images, then those of its stored channels, rows and
/// columns, then one for all, then one entry for every logical channel of the input that has its lane in the second word.
pub static GATHER_SUM: Kernel = Kernel {
    name: "gather_sum",
    source: include_str!("../../shaders/gather_sum.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: GatherSumParams::NAMES,
    variants: || vec![Spec::default()],
};
