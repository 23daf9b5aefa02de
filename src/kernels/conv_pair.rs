//! Dense convolution together with the 1x1 one that alone reads it, for CPU devices with subgroups of one fixed size.

use super::blocks::Blocks;
use super::conv::{ConvParams, Finish, Form, Reads, finishes, forms};
use super::conv_broadcast::{self, SUBGROUPS, cuts, pixels};
use super::{Access, Kernel, Spec};

/// Tensors `x, weight, bias, next_weight, next_bias, y`: those of [`super::conv_broadcast::CONV_BROADCAST`], then the weights
/// and biases of the convolution that follows, packed for the channel layout in between, and its output.
pub static CONV_PAIR: Kernel = Kernel {
    name: "conv_pair",
    source: include_str!("../../shaders/conv_pair.wgsl"),
    bindings: &[Access::Read, Access::Texels, Access::Read, Access::Texels, Access::Read, Access::Write],
    params: &NAMES,
    variants,
};

/// [`ConvParams`] of the first convolution, then the live record and the stored channel groups of the output.
const NAMES: [&str; ConvParams::NAMES.len() + 2] = {
    let mut names = ["next_record"; ConvParams::NAMES.len() + 2];
    let mut at = 0;
    while at < ConvParams::NAMES.len() {
        names[at] = ConvParams::NAMES[at];
        at += 1;
    }
    names[at + 1] = "next_groups";
    names
};

/// The most channel groups of the output.
pub const GROUPS: u32 = 4;

/// Whether [`CONV_PAIR`] has the specialisation `first` of [`super::conv_broadcast::CONV_BROADCAST`] for the first convolution, where a
/// thread has all of its output channel groups: where nothing is added to it or scaled for it.
pub fn begins_with(first: &Spec) -> bool {
    let value = |name| first.0.iter().find(|(known, _)| *known == name).map_or(0, |&(_, value)| value);
    ["planes", "scaled", "lanewise", "add"].into_iter().all(|name| value(name) == 0)
}

/// Every cut with one activation, and every activation and way to read with one cut.
fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    let each = |subgroup| pixels(subgroup).iter().map(move |&pixels| (subgroup, pixels));
    for (subgroup, pixels) in SUBGROUPS.into_iter().flat_map(each) {
        for form in forms() {
            let cuts = cuts((form, Reads::default()), [subgroup, pixels], 0).into_iter();
            let cuts = cuts.filter(|cut| cut.blocks.size <= Blocks::REST);
            all.extend(cuts.map(|cut| conv_broadcast::spec(form, cut, Reads::default(), Finish::default())));
        }
    }
    let window = Form::Window { columns: 3, stride: 1 };
    let cut = cuts((window, Reads::default()), [SUBGROUPS[1], 4], 0)[1];
    let plain = finishes().into_iter().filter(|finish| finish.add == 0 && *finish != Finish::default());
    all.extend(plain.map(|finish| conv_broadcast::spec(window, cut, Reads::default(), finish)));
    let three = Reads { depth: 3, ..Reads::default() };
    all.push(conv_broadcast::spec(window, cut, three, Finish::default()));
    all
}
