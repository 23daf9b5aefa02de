//! Passes on their patterns and near misses, and whole random graphs.

mod folds;
mod fusions;
mod magnitude;
mod random;

use super::{Optimised, optimise};
use crate::graph::{Graph, Op, Sizes, ValueId};
use crate::reference::{Array, run};
use crate::tensor::{Tensor, count};
use magnitude::magnitudes;

/// Deterministic numbers in `-1 .. 1` with full mantissas.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.word() % end as u64) as usize
    }

    pub(super) fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let mut number = || (self.word() >> 40) as f32 / (1 << 23) as f32 - 1.0;
        let values = (0..count(shape)).map(|_| number()).collect();
        Tensor::from_f32(shape.to_vec(), values).unwrap()
    }

    /// Scale, shift, mean and a positive variance.
    pub(super) fn batch_norm(&mut self, channels: usize) -> [Tensor; 4] {
        let variance = self.tensor(&[channels]);
        let variance = variance.f32s().unwrap().iter().map(|v| v.abs() + 0.25).collect();
        let variance = Tensor::from_f32(vec![channels], variance).unwrap();
        [self.tensor(&[channels]), self.tensor(&[channels]), self.tensor(&[channels]), variance]
    }
}

/// Optimises at batch 2 and compares what is left with what was: every value that both compute, among them all
/// graph outputs, agrees within what rounding folded constants to f32 allows.
pub(super) fn optimised(graph: &Graph) -> Optimised {
    let sizes = Sizes::batch(2);
    let optimised = optimise(graph, &sizes).unwrap();
    optimised.graph.check().unwrap();
    assert_eq!((&optimised.graph.inputs, &optimised.graph.outputs), (&graph.inputs, &graph.outputs));
    let shapes = graph.infer(&sizes).unwrap();
    let mut numbers = Numbers(7);
    let inputs: Vec<Array> =
        graph.inputs.iter().map(|input| Array::from(&numbers.tensor(&shapes[input.0]))).collect();
    let before = run(graph, &shapes, &inputs).unwrap();
    let after = run(&optimised.graph, &optimised.graph.infer(&sizes).unwrap(), &inputs).unwrap();
    let magnitudes = magnitudes(graph, &shapes, &inputs);
    let factor = 2.0 * (graph.nodes.len() + 2) as f64 / f64::from(1 << 24);
    for output in &graph.outputs {
        assert!(after[output.0].is_some(), "{} is still computed", graph.value(*output).name);
    }
    for (at, value) in graph.values.iter().enumerate() {
        assert_eq!(value.name, optimised.graph.values[at].name);
        let (Some(before), Some(after)) = (&before[at], &after[at]) else { continue };
        let magnitude = magnitudes[at].as_ref().unwrap();
        for (i, (b, a)) in before.data.iter().zip(&after.data).enumerate() {
            let bound = factor * magnitude.data[i];
            assert!((a - b).abs() <= bound, "{}[{i}]: {a}, was {b}, bound {bound}", value.name);
        }
    }
    let again = optimise(&optimised.graph, &sizes).unwrap();
    assert_eq!(again.graph, optimised.graph, "optimising twice changes nothing");
    assert!(again.report.iter().all(|report| report.outcome.applied.is_empty()));
    optimised
}

/// The operators, in order, with their epilogues.
pub(super) fn operators(graph: &Graph) -> Vec<String> {
    let name = |op: &Op| match op {
        Op::Conv(conv) => format!("Conv {:?}", conv.epilogue),
        Op::Gemm(gemm) => format!("Gemm {:?}", gemm.epilogue),
        other => other.name().to_owned(),
    };
    graph.nodes.iter().map(|node| name(&node.op)).collect()
}

/// The reasons of one pass, as `node: reason`.
pub(super) fn reasons(optimised: &Optimised, pass: &str) -> Vec<String> {
    let report = optimised.report.iter().find(|report| report.pass == pass).unwrap();
    report.outcome.skipped.iter().map(|skipped| format!("{}: {}", skipped.node, skipped.reason)).collect()
}

/// The float contents of a constant input of a node.
pub(super) fn contents(graph: &Graph, input: ValueId) -> &[f32] {
    graph.constant(input).unwrap().f32s().unwrap()
}
