//! Dense convolution for CPU devices with subgroups of one fixed size: lanes share weight loads.

use super::conv::{ConvParams, Cut, FORMS, Finish, Form, dense_spec, finishes};
use super::{Access, Kernel, Spec, TEXEL_ROW};

/// Tensors `x, weight, bias, residual, y`; where nothing is added, `residual` is any readable buffer. Weights are
/// packed as for [`super::conv::CONV`].
pub static CONV_BROADCAST: Kernel = Kernel {
    name: "conv_broadcast",
    source: include_str!("../../shaders/conv_broadcast.wgsl"),
    bindings: &[Access::Read, Access::Texels, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// The subgroup sizes for which there are variants: those that divide the 16 weight texels of a thread's outputs.
pub const SUBGROUPS: [u32; 3] = [4, 8, 16];

/// How threads are cut for a subgroup size.
pub fn cut(subgroup: u32) -> Cut {
    Cut { pixels: 4, groups: 4, workgroup: subgroup, subgroup }
}

/// The specialisation of [`CONV_BROADCAST`].
pub fn spec(form: Form, subgroup: u32, finish: Finish) -> Spec {
    let mut spec = dense_spec(form, cut(subgroup), finish);
    spec.0.push(("texel_row", TEXEL_ROW));
    spec
}

fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    for (form, subgroup) in FORMS.into_iter().flat_map(|form| SUBGROUPS.map(|subgroup| (form, subgroup))) {
        all.extend(finishes().into_iter().map(|finish| spec(form, subgroup, finish)));
    }
    all
}
