//! Gradients of pointwise functions.

use super::pixels::{self, whole};
use crate::graph::{Activation, Node};
use crate::kernels::activation_gradient::{ACTIVATION_GRADIENT, ActivationGradientParams, spec};
use crate::plan::lower::activation::code;
use crate::plan::lower::step::Dispatch;
use crate::plan::lower::{Lowering, PlanError, unsupported};

/// See [`crate::graph::Training::Activation`].
pub(super) fn lower(
    cx: &mut Lowering,
    node: &Node,
    of: Activation,
    from_output: bool,
) -> Result<(), PlanError> {
    if from_output && !of.tells_from_output() {
        let reason = format!("the output of {} does not tell its derivative", of.name());
        return Err(unsupported(node, reason));
    }
    let (dy, _) = whole(cx, node, 0)?;
    let (v, y) = whole(cx, node, 1)?;
    let (code, a, b) = code(of);
    let threads = pixels::threads(cx.class, &y);
    let params = ActivationGradientParams {
        images: y.images,
        channels: y.channels,
        pixels: y.pixels(),
        groups: y.groups,
        threads,
        a,
        b,
    };
    let dx = cx.slot(node.outputs[0]);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &ACTIVATION_GRADIENT,
            spec: spec(code, from_output),
            params: params.words(),
            operands: vec![dy, v, dx],
            grid: pixels::grid(&y, threads),
        },
    );
    Ok(())
}
