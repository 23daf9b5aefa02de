//! Transposed convolution of one group and stride 2 for CPU devices with subgroups of one fixed size.

use super::conv::{Finish, finishes};
use super::conv_transpose::TransposedParams;
use super::{Access, Kernel, Spec, TEXEL_ROW};

/// Tensors and weights of [`super::conv_transpose::CONV_TRANSPOSE`]. Threads along the pixel axis have [`BLOCKS`] blocks of
/// 2 by 2 pixels each.
pub static CONV_TRANSPOSE_BROADCAST: Kernel = Kernel {
    name: "conv_transpose_broadcast",
    source: include_str!("../../shaders/conv_transpose_broadcast.wgsl"),
    bindings: &[Access::Read, Access::Texels, Access::Read, Access::Read, Access::Write],
    params: TransposedParams::NAMES,
    variants,
};

/// What a thread computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Rows and columns of the kernel, and those cut off above and to the left: one of [`WINDOWS`].
    pub window: [u32; 2],
    /// Output channel groups, whose weight texels, 4 for each, must fill a subgroup.
    pub groups: u32,
    /// The subgroup size, one of [`SUBGROUPS`].
    pub subgroup: u32,
}

/// Kernels and what they lose at the start.
pub const WINDOWS: [[u32; 2]; 4] = [[1, 0], [2, 0], [3, 1], [4, 1]];

/// The subgroup sizes for which there are variants.
pub const SUBGROUPS: [u32; 2] = [8, 16];

/// Adjacent blocks of pixels that a thread has.
pub const BLOCKS: u32 = 4;

/// The numbers of output channel groups that a thread may have.
pub fn groups(subgroup: u32) -> impl Iterator<Item = u32> {
    [4, 2].into_iter().filter(move |groups| 4 * groups >= subgroup)
}

impl Cut {
    /// The specialisation of [`CONV_TRANSPOSE_BROADCAST`].
    pub fn spec(self, finish: Finish) -> Spec {
        Spec(vec![
            ("kernel", self.window[0]),
            ("pad", self.window[1]),
            ("np", BLOCKS),
            ("kg", self.groups),
            ("workgroup", self.subgroup),
            ("subgroup", self.subgroup),
            ("texel_row", TEXEL_ROW),
            ("activation", finish.activation),
            ("add", finish.add),
        ])
    }
}

/// Every cut with one way to finish, and every way to finish with one cut.
fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    for (window, subgroup) in WINDOWS.into_iter().flat_map(|window| SUBGROUPS.map(|size| (window, size))) {
        let cuts = groups(subgroup).map(|groups| Cut { window, groups, subgroup });
        all.extend(cuts.map(|cut| cut.spec(Finish::default())));
    }
    let cut = Cut { window: WINDOWS[0], groups: 2, subgroup: SUBGROUPS[0] };
    let finishes = finishes().into_iter().filter(|finish| *finish != Finish::default());
    all.extend(finishes.map(|finish| cut.spec(finish)));
    all
}
