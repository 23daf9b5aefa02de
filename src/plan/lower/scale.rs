//! Gates: a map whose channels are multiplied by a number each, as squeeze-and-excitation does, before a convolution reads it.

use super::Lowering;
use crate::kernels::eltwise_binary::{BinaryParams, ELTWISE_BINARY, spec};
use crate::plan::{Operand, Step};
use crate::tensor::Dtype;

/// A product that a convolution makes itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    /// The map, of one image.
    pub(super) source: Operand,
    /// A number for each of its channels, stored alike.
    pub(super) scales: Operand,
}

/// Takes the step back that made `x`, where it multiplies the channels of one image by a number each and one convolution alone
/// reads the product. Where all values are kept the step stays, for whoever looks at them. In 16 bits the product would be
/// another one than the step stores.
pub(super) fn take_back(cx: &mut Lowering, x: Operand) -> Option<Scaled> {
    const MULTIPLY: u32 = 2;
    if !cx.is_read_once(x) || cx.dtype == Dtype::F16 {
        return None;
    }
    let makes = |step: &Step| {
        step.kernel == &ELTWISE_BINARY && step.spec == spec(MULTIPLY, 2) && step.operands.last() == Some(&x)
    };
    let at = cx.steps.iter().rposition(makes)?;
    let step = &cx.steps[at];
    let word = |name| {
        let at = BinaryParams::NAMES.iter().position(|known| *known == name);
        step.params[at.expect("the kernel has this parameter")]
    };
    let pixels = word("pixels");
    if word("images") != 1 || word("width") != pixels || pixels < 2 {
        return None;
    }
    let view = |names: [&'static str; 3]| names.map(word);
    let views = [view(["a_group", "a_column", "a_splat"]), view(["b_group", "b_column", "b_splat"])];
    let (map, gate) = ([pixels, 1, 0], [1, 0, 0]);
    let scaled = match (views, &step.operands[..]) {
        ([a, b], &[source, scales, _]) if a == map && b == gate => Scaled { source, scales },
        ([a, b], &[scales, source, _]) if a == gate && b == map => Scaled { source, scales },
        _ => return None,
    };
    if !cx.keep_all {
        cx.steps.remove(at);
    }
    Some(scaled)
}
