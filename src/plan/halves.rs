//! Plans whose values and weights are stored in 16 bits.

use super::lower::{Lowering, PlanError, unsupported};
use super::{Plan, Step};
use crate::graph::{Graph, Op, Shapes, ValueId};
use crate::tensor::{Dtype, Tensor};
use std::sync::Arc;

/// Whole numbers up to this are exact in 16 bits.
const EXACT: usize = 1 << 11;

/// Refuses what 16 bits cannot hold: indices of as many elements.
pub(super) fn check(graph: &Graph, shapes: &Shapes) -> Result<(), PlanError> {
    for node in &graph.nodes {
        if let Op::ArgMax(op) = &node.op {
            let extent = shapes[node.inputs[0].0].get(op.axis).copied().unwrap_or(1);
            if extent > EXACT {
                let reason =
                    format!("16 bits hold indices of at most {EXACT} elements exactly, it has {extent}");
                return Err(unsupported(node, reason));
            }
        }
    }
    Ok(())
}

/// Rounds the weights of an optimised graph's convolutions and products to what a device stores of them.
pub fn round_weights(graph: &mut Graph, dtype: Dtype) {
    let product = |op: &Op| matches!(op, Op::Conv(_) | Op::ConvTranspose(_) | Op::Gemm(_) | Op::MatMul);
    let products = graph.nodes.iter().filter(|node| product(&node.op));
    let weights: Vec<ValueId> = products.flat_map(|node| node.inputs[..2].to_vec()).collect();
    for id in weights {
        let Some(tensor) = graph.constant(id) else { continue };
        let Ok(floats) = tensor.f32s() else { continue };
        let rounded = floats.iter().map(|&float| dtype.round(float)).collect();
        let tensor = Tensor::from_f32(tensor.shape().to_vec(), rounded).expect("as many elements as before");
        graph.values[id.0].constant = Some(Arc::new(tensor));
    }
}

/// Has `steps`, whose slots are still those of `cx`, read and write in 16 bits what may be stored so.
pub(super) fn mark<'a>(cx: &Lowering, steps: impl Iterator<Item = &'a mut Step>) {
    for step in steps {
        let bit = |(at, &operand)| u32::from(cx.may_be_half(operand)) << at;
        let mask = step.operands.iter().enumerate().map(bit).sum();
        step.spec = std::mem::take(&mut step.spec).halved(mask);
    }
}

impl Plan {
    /// Bytes of constant number `constant` on a device, but for what textures round up.
    pub fn constant_bytes(&self, constant: usize) -> u64 {
        let half = self.all_steps().any(|step| step.is_half(super::Operand::Constant(constant)));
        self.constants[constant].len() as u64 * if half { 2 } else { 4 }
    }
}

impl Step {
    /// Whether it reads or writes `operand` in 16 bits.
    pub fn is_half(&self, operand: super::Operand) -> bool {
        let mask = self.spec.halves();
        mask != 0 && self.operands.iter().enumerate().any(|(at, &own)| own == operand && mask >> at & 1 == 1)
    }
}
