//! The gradient of a convolution's weight, also of grouped ones whose groups are whole channel groups.

use super::conv_broadcast::SUBGROUPS;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`CONV_WEIGHT`] and its kin. Pixels of the output are lines, those of all images in one sequence.
    ConvWeightParams {
        /// Outputs of the convolution.
        outputs: u32,
        /// The blocks of outputs that threads have: [`Cut::groups`] channel groups.
        blocks: u32,
        /// Those of one convolution group.
        group_blocks: u32,
        /// Input channels of one convolution group.
        channels: u32,
        /// Rows of the kernel.
        kernel_height: u32,
        /// Its columns.
        kernel_width: u32,
        /// Input rows between adjacent output rows.
        stride_y: u32,
        /// Input columns between adjacent output columns.
        stride_x: u32,
        /// Input rows between adjacent taps.
        dilation_y: u32,
        /// Input columns between adjacent taps.
        dilation_x: u32,
        /// Rows of padding above.
        pad_top: u32,
        /// Columns of padding to the left.
        pad_left: u32,
        /// Rows of the input.
        in_height: u32,
        /// Its columns.
        in_width: u32,
        /// Lines of one image.
        out_height: u32,
        /// Pixels of a line.
        out_width: u32,
        /// Lines of all images.
        lines: u32,
        /// Lines that a thread adds.
        span: u32,
        /// Runs of that many lines.
        spans: u32,
        /// Stored output groups.
        out_groups: u32,
        /// Texels from a column of the input to the next.
        x_column: u32,
        /// Texels from a channel group of the input to the next.
        x_group: u32,
        /// Texels from an image of the input to the next.
        x_image: u32,
        /// Texels from a column of the output to the next.
        dy_column: u32,
        /// Texels from a channel group of the output to the next.
        dy_group: u32,
        /// Texels from an image of the output to the next.
        dy_image: u32,
    }
}

/// Tensors `x, dy, y`: for each run of lines a gradient as it is stored, `[output][input group][tap][4 inputs]`.
/// Workgroups: with a subgroup size the pairs of input groups and tap rows by the subgroup size, blocks, runs; else all
/// of these in one sequence. With one column of a [`Cut`], single taps stand for tap rows.
pub static CONV_WEIGHT: Kernel = Kernel {
    name: "conv_weight",
    source: include_str!("../../shaders/conv_weight.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ConvWeightParams::NAMES,
    variants,
};

/// What a thread computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Adjacent taps of a kernel row: all of them, undilated; or 1 for any kernel.
    pub columns: u32,
    /// Input columns between adjacent output columns, 1 or 2; 1 for any where there is one tap.
    pub stride: u32,
    /// Output channel groups.
    pub groups: u32,
    /// The subgroup size that kernels are made for, 0 for any.
    pub subgroup: u32,
}

/// Kernel columns and strides for which a thread has whole kernel rows.
pub const WINDOWS: [(u32, u32); 6] = [(3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (7, 2)];

impl Cut {
    /// Threads of a workgroup.
    pub fn workgroup(self) -> u32 {
        if self.subgroup > 0 { self.subgroup } else { 64 }
    }

    /// The specialisation of [`CONV_WEIGHT`].
    pub fn spec(self) -> Spec {
        Spec(vec![
            ("columns", self.columns),
            ("stride", self.stride),
            ("kg", self.groups),
            ("np", 4),
            ("subgroup", self.subgroup),
            ("workgroup", self.workgroup()),
        ])
    }
}

/// The most output groups that a thread may have, whose sums are to stay in registers or near.
pub fn most_groups(columns: u32, subgroup: u32) -> u32 {
    match (columns, subgroup) {
        (1, 1..) => subgroup.min(8),
        (1 | 3, _) => 4,
        (_, _) => 2,
    }
}

fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    for subgroup in [0].into_iter().chain(SUBGROUPS) {
        for (columns, stride) in [(1, 1)].into_iter().chain(WINDOWS) {
            let groups = 1..=most_groups(columns, subgroup);
            all.extend(groups.map(|groups| Cut { columns, stride, groups, subgroup }.spec()));
        }
    }
    all
}
