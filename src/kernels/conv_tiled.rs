//! Dense convolution for GPUs on large maps: tiles of 64 pixels by 64 outputs over workgroup memory.

use super::conv::{CONV, ConvParams, Finish, enlarging, finishes};
use super::{Kernel, Spec};

/// Tensors and weights as for [`CONV`].
pub static CONV_TILED: Kernel = Kernel {
    name: "conv_tiled",
    source: include_str!("../../shaders/conv_tiled.wgsl"),
    bindings: CONV.bindings,
    params: ConvParams::NAMES,
    variants,
};

/// Output pixels of a workgroup.
pub const PIXELS: u32 = 64;

/// Output channel groups of a workgroup.
pub const GROUPS: u32 = 16;

/// Threads of a workgroup; each has 8 pixels of 2 groups.
const WORKGROUP: u32 = 64;

/// What is staged at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slices {
    /// Four input groups of a kernel one column wide.
    Groups,
    /// Up to four columns of a kernel of any width.
    Columns,
    /// The three columns of a kernel.
    Three,
}

impl Slices {
    const ALL: [Self; 3] = [Self::Groups, Self::Columns, Self::Three];

    /// Those for a kernel of `width` columns.
    pub fn of(width: u32) -> Self {
        match width {
            1 => Self::Groups,
            3 => Self::Three,
            _ => Self::Columns,
        }
    }
}

/// The specialisation; inputs are `scaled` as [`super::conv::Reads`] says.
pub fn spec(slices: Slices, scaled: bool, finish: Finish) -> Spec {
    let (form, count) = match slices {
        Slices::Groups => (0, 4),
        Slices::Columns => (1, 4),
        Slices::Three => (2, 3),
    };
    Spec(vec![
        ("form", form),
        ("slices", count),
        ("scaled", u32::from(scaled)),
        ("workgroup", WORKGROUP),
        ("activation", finish.activation),
        ("add", finish.add),
    ])
}

fn variants() -> Vec<Spec> {
    let finishes = || finishes().into_iter().chain(enlarging());
    let each = |slices| finishes().map(move |finish| spec(slices, false, finish));
    let mut all: Vec<Spec> = Slices::ALL.into_iter().flat_map(each).collect();
    all.push(spec(Slices::Groups, true, Finish::default()));
    all
}
