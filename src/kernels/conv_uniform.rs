//! Dense convolution for GPUs, where tiles do not pay: all threads of a workgroup read one weight at a time.

use super::blocks::{Blocks, Way};
use super::conv::{CONV, ConvParams, Cut, Finish, Form, Reads, dense_spec, enlarging, finishes, forms};
use super::conv_tiled::GROUPS;
use super::{Kernel, Spec};

/// Tensors and weights as for [`CONV`].
pub static CONV_UNIFORM: Kernel = Kernel {
    name: "conv_uniform",
    source: include_str!("../../shaders/conv_uniform.wgsl"),
    bindings: CONV.bindings,
    params: ConvParams::NAMES,
    variants,
};

const WORKGROUP: u32 = 64;

/// The ways to cut `form`, which is a point or a window; none for others.
pub fn cuts(form: Form) -> &'static [Cut] {
    const fn cut(pixels: u32, groups: u32) -> Cut {
        let blocks = Blocks::only(groups);
        Cut { pixels, blocks, workgroup: WORKGROUP, subgroup: 0 }
    }
    match form {
        Form::Any => &[],
        Form::Point => const { &[cut(4, 4), cut(1, 4)] },
        Form::Window { columns: 3, stride: 1 } => const { &[cut(4, 4), cut(7, 2)] },
        Form::Window { .. } => const { &[cut(4, 4)] },
    }
}

/// How output channel groups are cut where tiles of [`super::conv_tiled`] compute most, and a kernel that cuts like `cut` what is
/// left over: the blocks of the tiles, and its own.
pub fn behind_tiles(cut: Cut) -> [Blocks; 2] {
    let rest = cut.blocks.size;
    [GROUPS, rest].map(|size| Blocks { size, largest: GROUPS, way: Way::Tiles { rest } })
}

/// The specialisation for one of [`cuts`], its blocks behind tiles or not.
pub fn spec(form: Form, cut: Cut, reads: Reads, finish: Finish) -> Spec {
    let mut spec = dense_spec(form, cut, reads, finish);
    spec.0.retain(|(name, _)| *name != "subgroup");
    spec
}

fn variants() -> Vec<Spec> {
    let both = |cut: &Cut| [*cut, Cut { blocks: behind_tiles(*cut)[1], ..*cut }];
    let each = |form| cuts(form).iter().flat_map(both);
    let plain = |form, reads| each(form).map(move |cut| spec(form, cut, reads, Finish::default()));
    let reads = [Reads::default(), Reads { depth: 3, ..Reads::default() }];
    let forms = forms().into_iter().flat_map(|form| reads.map(|reads| (form, reads)));
    let mut all: Vec<Spec> = forms.flat_map(|(form, reads)| plain(form, reads)).collect();
    let scaled = Reads { scaled: true, ..Reads::default() };
    all.extend(plain(Form::Point, scaled));
    let finishes = finishes().into_iter().chain(enlarging()).filter(|finish| *finish != Finish::default());
    let often = [Form::Point, Form::Window { columns: 3, stride: 1 }, Form::Window { columns: 3, stride: 2 }];
    let often = often.into_iter().flat_map(|form| each(form).map(move |cut| (form, cut)));
    let finished = |finish| often.clone().map(move |(form, cut)| spec(form, cut, Reads::default(), finish));
    all.extend(finishes.flat_map(finished));
    all
}
