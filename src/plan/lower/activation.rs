//! Pointwise functions of one value, alone and in the epilogues of other kernels.

use super::step::Dispatch;
use super::{Lowering, PlanError};
use crate::graph::{Activation, Node};
use crate::kernels::Spec;
use crate::kernels::eltwise_unary::{ELTWISE_UNARY, UnaryParams};

/// The code of `activation` in `shaders/shared/activation.wgsl`, and its two parameters there.
pub(super) fn code(activation: Activation) -> (u32, f32, f32) {
    match activation {
        Activation::None => (0, 0.0, 0.0),
        Activation::Relu => (1, 0.0, 0.0),
        Activation::LeakyRelu { alpha } => (2, alpha, 0.0),
        Activation::Sigmoid => (3, 0.0, 0.0),
        Activation::Tanh => (4, 0.0, 0.0),
        Activation::Clip { min, max } => (5, min, max),
        Activation::HardSwish => (6, 0.0, 0.0),
        Activation::Silu => (7, 0.0, 0.0),
        Activation::Elu { alpha } => (8, alpha, 0.0),
        Activation::HardSigmoid { alpha, beta } => (9, alpha, beta),
        Activation::Mish => (10, 0.0, 0.0),
        Activation::Gelu { tanh: false } => (11, 0.0, 0.0),
        Activation::Gelu { tanh: true } => (12, 0.0, 0.0),
        Activation::Selu { alpha, gamma } => (13, alpha, gamma),
        Activation::Softplus => (14, 0.0, 0.0),
        Activation::Erf => (15, 0.0, 0.0),
        Activation::Exp => (16, 0.0, 0.0),
        Activation::Log => (17, 0.0, 0.0),
        Activation::Sqrt => (18, 0.0, 0.0),
        Activation::Abs => (19, 0.0, 0.0),
        Activation::Neg => (20, 0.0, 0.0),
        Activation::Reciprocal => (21, 0.0, 0.0),
    }
}

/// Lowers a node that is only an activation.
pub(super) fn lower(cx: &mut Lowering, node: &Node, activation: Activation) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (x, _) = cx.operand(node, 0, &y.segments)?;
    let out = cx.slot(node.outputs[0]);
    let (code, a, b) = code(activation);
    let params =
        UnaryParams { record: y.record.0, images: y.images, pixels: y.pixels(), groups: y.groups, a, b };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &ELTWISE_UNARY,
            spec: Spec(vec![("activation", code)]),
            params: params.words(),
            operands: vec![x, out],
            grid: y.elements(),
        },
    );
    Ok(())
}
