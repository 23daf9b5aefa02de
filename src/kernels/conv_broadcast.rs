//! Dense convolution for CPU devices with subgroups of one fixed size: lanes share weight loads.

use super::blocks::{Blocks, Equal, Way};
use super::conv::{ConvParams, Cut, Finish, Form, Reads, dense_spec, enlarging, finishes, forms};
use super::{Access, Kernel, Spec, TEXEL_ROW};

/// Tensors and weights as for [`super::conv::CONV`]; weights are texels.
pub static CONV_BROADCAST: Kernel = Kernel {
    name: "conv_broadcast",
    source: include_str!("../../shaders/conv_broadcast.wgsl"),
    bindings: &[Access::Read, Access::Texels, Access::Read, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// The subgroup sizes for which there are variants.
pub const SUBGROUPS: [u32; 3] = [4, 8, 16];

/// The numbers of output pixels that a thread may have, ascending, where a subgroup has `subgroup` threads. Drivers with
/// the smallest subgroups (SwiftShader) compile unrolled code so slowly that more does not pay.
pub fn pixels(subgroup: u32) -> &'static [u32] {
    if subgroup == SUBGROUPS[0] { &[4] } else { &[2, 4, 7] }
}

/// The kernels that together compute all output channel groups of threads of `pixels`, largest first, and one for equal blocks
/// that compute up to `spare` groups in vain; windows none where that is 0. Windows have few groups, but lane by lane: what they
/// unroll has to stay within what a core holds of decoded instructions, with neighbours on the same core.
pub fn cuts((form, reads): (Form, Reads), [subgroup, pixels]: [u32; 2], spare: u32) -> Vec<Cut> {
    /// Groups of a window's thread.
    const WINDOW: u32 = 4;
    let cut = |blocks| Cut { pixels, blocks, workgroup: subgroup, subgroup };
    if matches!(form, Form::Window { .. }) && !reads.lanewise {
        return Blocks::alike(WINDOW, spare == 0).map(cut).collect();
    }
    let least = (subgroup / 4).max(2);
    let largest = match pixels {
        _ if subgroup == SUBGROUPS[0] => 4,
        2 => 16,
        _ => 8,
    };
    let has_equal = largest >= Blocks::REST && Equal::SIZE.is_multiple_of(least);
    let equal = |own| has_equal.then_some(Equal { own, spare });
    let sizes = Blocks::sizes(largest, least).into_iter();
    let powers = |own| Way::Powers { least, equal: equal(own) };
    let sizes = sizes.map(|size| Blocks { size, largest, way: powers(false) });
    let last = Blocks { size: Equal::SIZE, largest: Equal::SIZE, way: powers(true) };
    sizes.chain(has_equal.then_some(last)).map(cut).collect()
}

/// The specialisation of [`CONV_BROADCAST`].
pub fn spec(form: Form, cut: Cut, reads: Reads, finish: Finish) -> Spec {
    let mut spec = dense_spec(form, cut, reads, finish);
    spec.0.push(("texel_row", TEXEL_ROW));
    spec
}

/// Every cut with one way to finish, and every way to finish with one cut: each part of the template as often as it
/// has forms.
fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    let reads = [Reads::default(), Reads { depth: 3, ..Reads::default() }];
    let lanewise = Reads { lanewise: true, ..Reads::default() };
    let each = |subgroup| pixels(subgroup).iter().map(move |&pixels| (subgroup, pixels));
    for (subgroup, pixels) in SUBGROUPS.into_iter().flat_map(each) {
        let each = |form, reads| {
            let cuts = cuts((form, reads), [subgroup, pixels], 0).into_iter();
            cuts.map(move |cut| spec(form, cut, reads, Finish::default()))
        };
        for form in forms() {
            all.extend(reads.into_iter().flat_map(|reads| each(form, reads)));
            if matches!(form, Form::Window { .. }) {
                all.extend(each(form, lanewise));
            }
        }
        let planes = Reads { planes: true, ..Reads::default() };
        let scaled = Reads { scaled: true, ..Reads::default() };
        all.extend([planes, scaled].into_iter().flat_map(|reads| each(Form::Point, reads)));
    }
    let cut = cuts((Form::Point, Reads::default()), [SUBGROUPS[1], 4], 0)[1];
    let finishes = finishes().into_iter().filter(|finish| *finish != Finish::default());
    let finishes = finishes.chain(enlarging());
    all.extend(finishes.map(|finish| spec(Form::Point, cut, Reads::default(), finish)));
    all
}
