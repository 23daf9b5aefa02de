//! Dense convolution for GPUs on small maps: all threads of a workgroup read one weight at a time.

use super::conv::{Blocks, CONV, ConvParams, Cut, Finish, Form, Reads, dense_spec, enlarging, finishes};
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
        Form::Any | Form::Window { columns: 0..=2 | 4.., .. } => &[],
        Form::Point => const { &[cut(4, 4), cut(1, 4)] },
        Form::Window { stride: 1, .. } => const { &[cut(4, 4), cut(7, 2)] },
        Form::Window { .. } => const { &[cut(4, 4)] },
    }
}

/// The specialisation for one of [`cuts`].
pub fn spec(form: Form, cut: Cut, reads: Reads, finish: Finish) -> Spec {
    let mut spec = dense_spec(form, cut, reads, finish);
    spec.0.retain(|(name, _)| *name != "subgroup");
    spec
}

fn variants() -> Vec<Spec> {
    let forms = [Form::Point, Form::Window { columns: 3, stride: 1 }, Form::Window { columns: 3, stride: 2 }];
    let cuts = forms.into_iter().flat_map(|form| cuts(form).iter().map(move |&cut| (form, cut)));
    let finishes = || finishes().into_iter().chain(enlarging());
    let mut all: Vec<Spec> = cuts
        .flat_map(|(form, cut)| finishes().map(move |finish| spec(form, cut, Reads::default(), finish)))
        .collect();
    let scaled = Reads { scaled: true, ..Reads::default() };
    let points = self::cuts(Form::Point).iter();
    all.extend(points.map(|&cut| spec(Form::Point, cut, scaled, Finish::default())));
    all
}
