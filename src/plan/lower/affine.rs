//! Batch normalisation that stands alone: one factor and one summand per channel, computed in f64.

use super::step::Dispatch;
use super::{Lowering, PlanError, unsupported};
use crate::graph::Node;
use crate::kernels::Spec;
use crate::kernels::affine::{AFFINE, AffineParams};

/// Lowers a batch normalisation.
pub(super) fn lower(cx: &mut Lowering, node: &Node, epsilon: f32) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (x, _) = cx.operand(node, 0, &y.segments)?;
    let mut vectors = Vec::with_capacity(4);
    for input in 1..5 {
        let tensor = cx.constant(node, input)?;
        let values = tensor.f32s().map_err(|e| unsupported(node, format!("input {input}: {e}")))?;
        if values.len() != y.channels as usize {
            let reason = format!("input {input} must have {} elements, it has {}", y.channels, values.len());
            return Err(unsupported(node, reason));
        }
        vectors.push(values);
    }
    let mut coefficients = vec![0.0; y.groups as usize * 8];
    for channel in 0..y.channels {
        let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|i| f64::from(vectors[i][channel as usize]));
        let scale = gamma / (variance + f64::from(epsilon)).sqrt();
        let (group, lane) = y.place(channel);
        let at = group as usize * 8 + lane as usize;
        coefficients[at] = scale as f32;
        coefficients[at + 4] = (beta - mean * scale) as f32;
    }
    let coefficients = cx.pack(coefficients);
    let out = cx.slot(node.outputs[0]);
    let params = AffineParams { record: y.record.0, images: y.images, pixels: y.pixels(), groups: y.groups };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &AFFINE,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![x, coefficients, out],
            grid: y.elements(),
        },
    );
    Ok(())
}
