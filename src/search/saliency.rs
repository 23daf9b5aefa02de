//! How much each coordinate of a unit matters: the order in which its channels would go. The oracle decides how many.

use crate::graph::{Graph, Node, Op, ValueId};
use crate::tensor::Tensor;
use crate::units::Unit;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What ranks the coordinates of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// Mean absolute weight of the filters, batch norm folded in, summed over the unit's producers.
    #[default]
    L1,
    /// Root mean square of the same.
    L2,
    /// Absolute scale of the batch norms on the unit; `L1` for a unit without one.
    Bn,
    /// What the unit's readers lose though they make up for it, given what went before: the order is of the whole unit
    /// (`recover::energy`) and needs the evaluator. `L2` for a unit whose readers cannot be fitted.
    Energy,
    /// A seeded shuffle: the control that any other criterion has to beat.
    Random,
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Bn => "bn",
            Self::Energy => "energy",
            Self::Random => "random",
        })
    }
}

/// Which weights a norm sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Scaled by the batch norm that follows.
    Folded,
    /// As stored; PAGCP's reference looks at these.
    Raw,
}

/// A score for every coordinate of `unit` that follows from the network alone: higher stays longer.
pub fn scores(graph: &Graph, unit: &Unit, criterion: Criterion, seed: u64) -> Vec<f64> {
    match criterion {
        Criterion::L1 => norms(graph, unit, Norm::L1, Weights::Folded),
        Criterion::L2 | Criterion::Energy => norms(graph, unit, Norm::L2, Weights::Folded),
        Criterion::Bn => {
            batch_norm_scales(graph, unit).unwrap_or_else(|| norms(graph, unit, Norm::L1, Weights::Folded))
        }
        Criterion::Random => random(unit, seed),
    }
}

/// A norm of a filter, per weight, so that members of different fan-in weigh alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Mean absolute value.
    L1,
    /// Root mean square.
    L2,
}

/// The norm of every coordinate's filters, summed over the unit's producers.
pub fn norms(graph: &Graph, unit: &Unit, norm: Norm, weights: Weights) -> Vec<f64> {
    let mut scores = vec![0.0; unit.channels];
    for producer in &unit.producers {
        let (node, member) = (&graph.nodes[producer.node], &unit.members[producer.member]);
        let Some(tensor) = graph.constant(node.inputs[producer.weight]) else { continue };
        let folded = match weights {
            Weights::Folded => fold_factors(graph, node.outputs[0]),
            Weights::Raw => None,
        };
        for (k, score) in scores.iter_mut().enumerate() {
            for channel in member.channels(k) {
                let factor = folded.as_ref().map_or(1.0, |factors| factors[channel]);
                *score += factor.abs() * filter_norm((node, producer.axis), tensor, channel, norm);
            }
        }
    }
    scores
}

/// Where a weight of `shape` holds the factors of an output channel, along `axis`.
fn filter(op: &Op, axis: usize, shape: &[usize], channel: usize) -> impl Iterator<Item = usize> {
    let (outputs, run) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let rows = shape[..axis].iter().product::<usize>();
    let (first, rows) = match op {
        Op::ConvTranspose(conv) => (channel / outputs * (rows / conv.groups), rows / conv.groups),
        _ => (0, rows),
    };
    let start = move |row: usize| ((first + row) * outputs + channel % outputs) * run;
    (0..rows).flat_map(move |row| start(row)..start(row) + run)
}

fn filter_norm((node, axis): (&Node, usize), weight: &Tensor, channel: usize, norm: Norm) -> f64 {
    let Ok(values) = weight.f32s() else { return f64::NAN };
    let filter: Vec<f64> =
        filter(&node.op, axis, weight.shape(), channel).map(|at| f64::from(values[at])).collect();
    let (filter, count) = (filter.iter().copied(), filter.len() as f64);
    match norm {
        Norm::L1 => filter.map(f64::abs).sum::<f64>() / count,
        Norm::L2 => (filter.map(|w| w * w).sum::<f64>() / count).sqrt(),
    }
}

/// `scale / sqrt(variance + epsilon)` of the batch norm that alone reads `value`.
fn fold_factors(graph: &Graph, value: ValueId) -> Option<Vec<f64>> {
    let (node, epsilon) = sole_batch_norm(graph, value)?;
    let scale = graph.constant(node.inputs[1])?.f32s().ok()?;
    let variance = graph.constant(node.inputs[4])?.f32s().ok()?;
    let factor = |(&s, &v): (&f32, &f32)| f64::from(s) / (f64::from(v) + f64::from(epsilon)).sqrt();
    Some(scale.iter().zip(variance).map(factor).collect())
}

fn sole_batch_norm(graph: &Graph, value: ValueId) -> Option<(&Node, f32)> {
    let mut readers = graph.nodes.iter().filter(|node| node.inputs.contains(&value));
    let (reader, None) = (readers.next()?, readers.next()) else { return None };
    let Op::BatchNorm { epsilon } = reader.op else { return None };
    (reader.inputs[0] == value).then_some((reader, epsilon))
}

fn batch_norm_scales(graph: &Graph, unit: &Unit) -> Option<Vec<f64>> {
    let mut scores: Option<Vec<f64>> = None;
    for node in graph.nodes.iter().filter(|node| matches!(node.op, Op::BatchNorm { .. })) {
        let Some(scale) = graph.constant(node.inputs[1]).and_then(|t| t.f32s().ok()) else { continue };
        for member in unit.members.iter().filter(|m| m.value == node.outputs[0]) {
            let scores = scores.get_or_insert_with(|| vec![0.0; unit.channels]);
            for (k, score) in scores.iter_mut().enumerate() {
                *score += member.channels(k).map(|c| f64::from(scale[c]).abs()).sum::<f64>();
            }
        }
    }
    scores
}

fn random(unit: &Unit, seed: u64) -> Vec<f64> {
    let mut state = unit.id.bytes().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (0..unit.channels).map(|_| split_mix(&mut state) as f64).collect()
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The coordinates from the most to the least salient; equal scores keep their order, so that the result is the same
/// on every machine.
pub fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ConvTranspose;

    #[test]
    fn trap_36_ties_keep_their_order_on_every_machine() {
        assert_eq!(order(&[1.0, 2.0, 1.0, 2.0, 0.0, -0.0]), [1, 3, 0, 2, 4, 5]);
        assert_eq!(order(&[f64::NAN, 1.0, f64::NAN])[2], 1);
    }

    #[test]
    fn a_filter_is_what_computes_its_channel() {
        let transposed = Op::ConvTranspose(ConvTranspose { groups: 2, ..ConvTranspose::new([1, 2]) });
        let found = |op: &Op, axis, shape: &[usize], channel| -> Vec<usize> {
            filter(op, axis, shape, channel).collect()
        };
        assert_eq!(found(&transposed, 1, &[4, 3, 1, 2], 4), [14, 15, 20, 21]);
        assert_eq!(found(&Op::Gemm(crate::graph::Gemm::default()), 1, &[2, 3], 1), [1, 4]);
        assert_eq!(found(&Op::MatMul, 1, &[2, 3], 1), [1, 4]);
        assert_eq!(found(&Op::MatMul, 1, &[2, 2, 2], 1), [2, 3, 6, 7]);
        assert_eq!(found(&Op::Conv(crate::graph::Conv2d::new([1, 1])), 0, &[2, 3, 1, 1], 1), [3, 4, 5]);
    }
}
