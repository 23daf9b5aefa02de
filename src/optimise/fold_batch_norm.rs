//! `Conv or Gemm -> BatchNormalization` becomes one Conv or Gemm with scaled weights.

use super::affine::{Affine, Target, doubles};
use super::pass::{Pass, View, Visit};
use crate::graph::Op;

pub(super) const PASS: Pass = Pass { name: "fold_batch_norm", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let Op::BatchNorm { epsilon } = node.op else {
        return Ok(None);
    };
    let Some(target) = Target::of(view, node.inputs[0])? else {
        let name = &view.graph.value(node.inputs[0]).name;
        return Err(format!("{name} is not computed by a Conv or Gemm"));
    };
    let [scale, shift, mean, variance] = [1, 2, 3, 4].map(|input| doubles(view, node.inputs[input]));
    let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
    let deviations = variance.iter().map(|variance| (variance + f64::from(epsilon)).sqrt());
    let scale: Vec<f64> = scale.iter().zip(deviations).map(|(scale, deviation)| scale / deviation).collect();
    let shift = (0..shift.len()).map(|channel| shift[channel] - mean[channel] * scale[channel]).collect();
    let affine = Affine { scale, shift };
    if affine.scale.iter().chain(&affine.shift).any(|number| !number.is_finite()) {
        return Err("a channel has no finite scale and shift".to_owned());
    }
    Ok(Some(target.fold(view, position, &affine)))
}
