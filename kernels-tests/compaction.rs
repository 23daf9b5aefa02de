//! Compaction of random networks against an oracle in f64 that keeps every channel and lets no consumer read the
//! pruned ones. Both add the same numbers in the same order, so they agree exactly.

use crate::random_graph::{
    RandomGraph, Rng, pruned_channels, random_counts, random_keeps, random_orders, seeds, verify,
};
use std::sync::Arc;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::graph::{Graph, Node, Op, Shapes, Sizes, Statistics, ValueId};
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::{Keeps, Parameters, Segment, Unit, Units, analyse, cost, cost_kept};

/// A network in its stored order, pruned to prefixes.
struct Pruned<'a> {
    graph: &'a Graph,
    shapes: &'a Shapes,
    units: &'a Units,
    keeps: Keeps,
}

fn outputs(graph: &Graph, shapes: &Shapes, inputs: &[Array]) -> Vec<Array> {
    let mut values = run(graph, shapes, inputs).expect("the network runs");
    graph.outputs.iter().map(|id| values[id.0].take().expect("outputs are computed")).collect()
}

fn change(graph: &mut Graph, constant: ValueId, mut change: impl FnMut(usize, &mut f32)) {
    let value = &mut graph.values[constant.0].constant;
    let tensor = value.take().expect("it is a constant");
    let mut values = tensor.f32s().expect("parameters are floats").to_vec();
    for (at, value) in values.iter_mut().enumerate() {
        change(at, value);
    }
    *value =
        Some(Arc::new(Tensor::from_f32(tensor.shape().to_vec(), values).expect("the shape is the same")));
}

/// The index along `axis` of element `at`.
fn along(shape: &[usize], axis: usize, at: usize) -> usize {
    at / shape[axis + 1..].iter().product::<usize>() % shape[axis]
}

/// Whether a node computes one element from several channels without weights between.
fn mixes_by_itself(graph: &Graph, node: &Node, axis: usize) -> bool {
    match &node.op {
        Op::Reduce(reduce) => reduce.axes.contains(&axis),
        Op::Norm(norm) => norm.statistics != Statistics::Instance,
        Op::MatMul => node.inputs.iter().all(|&input| graph.constant(input).is_none()),
        _ => false,
    }
}

impl Pruned<'_> {
    /// The network in which no convolution and no matrix product reads a pruned channel; `None` where another
    /// operator mixes channels, so that weights alone cannot mask them.
    fn masked(&self) -> Option<Graph> {
        let mut masked = self.graph.clone();
        for node in &self.graph.nodes {
            let data = node.inputs.iter().find(|&&input| self.graph.constant(input).is_none());
            let x = *data.expect("nodes read data");
            let pruned = pruned_channels(self.units, &self.keeps, x);
            if !pruned.is_empty() && mixes_by_itself(self.graph, node, self.units.axis(x)) {
                return None;
            }
            for (input, &constant) in node.inputs.iter().enumerate() {
                let axes = self.parameters().axes(node, input).unwrap_or_default();
                let Some(axis) = axes.iter().find(|axis| axis.value == x) else { continue };
                let shape = &self.shapes[constant.0];
                change(&mut masked, constant, |at, weight| {
                    if pruned.contains(&along(shape, axis.axis, at)) {
                        *weight = 0.0;
                    }
                });
            }
        }
        Some(masked)
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters { graph: self.graph, shapes: self.shapes, axes: &self.units.axes }
    }

    /// Writes `poison` into all that produces a pruned channel.
    fn poisoned(&self, poison: &mut dyn FnMut() -> f32) -> Graph {
        let mut poisoned = self.graph.clone();
        for node in &self.graph.nodes {
            let pruned = pruned_channels(self.units, &self.keeps, node.outputs[0]);
            for (input, &constant) in node.inputs.iter().enumerate() {
                let axes = self.parameters().axes(node, input).unwrap_or_default();
                let Some(axis) = axes.iter().find(|axis| axis.value == node.outputs[0]) else { continue };
                let shape = &self.shapes[constant.0];
                let variance = matches!(node.op, Op::BatchNorm { .. }) && input == 4;
                change(&mut poisoned, constant, |at, value| {
                    if pruned.contains(&along(shape, axis.axis, at)) {
                        *value = if variance { poison().abs() } else { poison() };
                    }
                });
            }
        }
        poisoned
    }

    fn compacted(&self, graph: &Graph) -> Graph {
        compact(graph, self.shapes, self.units, &self.keeps).expect("the keeps are legal")
    }
}

pub fn check(case: &RandomGraph) {
    let rng = &mut Rng::new(case.seed ^ 0x5eed);
    let (graph, shapes, units) = (&case.graph, &case.shapes, &case.units);
    let orders = random_orders(units, rng);
    let counts = random_counts(units, rng);
    let label = || case.describe(&orders.then(&Keeps::prefix(units, &counts)));

    let ordered = compact(graph, shapes, units, &orders).expect("orders are legal");
    let pruned = Pruned { graph: &ordered, shapes, units, keeps: Keeps::prefix(units, &counts) };
    let small = pruned.compacted(&ordered);
    let both = orders.then(&pruned.keeps);
    assert_eq!(small, compact(graph, shapes, units, &both).expect("they are legal"), "{}", label());
    small.check().unwrap_or_else(|error| panic!("{error}\n{}", label()));
    let small_shapes =
        small.infer(&Sizes::batch(case.batch)).unwrap_or_else(|error| panic!("{error}\n{}", label()));

    assert_eq!(cost_kept(graph, shapes, units, &counts), cost(&small, &small_shapes), "{}", label());
    let units_left = units.pruned(&pruned.keeps);
    for (value, segments) in units_left.segments.iter().enumerate().filter(|(_, s)| !s.is_empty()) {
        let left: usize = segments.iter().map(|s| s.channels.len()).sum();
        assert!(small_shapes[value].contains(&left), "{}", label());
    }

    let expected = outputs(&small, &small_shapes, &case.inputs);
    let outputs_of =
        |masked: Option<Graph>| masked.is_none_or(|graph| outputs(&graph, shapes, &case.inputs) == expected);
    assert!(outputs_of(pruned.masked()), "masked and compacted differ\n{}", label());

    let mut sign = 1.0;
    let mut thousand = || {
        sign = -sign;
        sign * 1e3
    };
    let poisoned = pruned.poisoned(&mut thousand);
    let moved = Pruned { graph: &poisoned, ..pruned };
    assert!(outputs_of(moved.masked()), "pruned channels are read\n{}", label());
    let poisoned = moved.poisoned(&mut || f32::NAN);
    assert!(moved.compacted(&poisoned) == small, "pruned parameters are kept\n{}", label());
}

/// Some of the seeds, so that the test harness spreads them over its threads.
fn check_seeds(first: u64) {
    for seed in seeds(first, 4, 1200) {
        verify(&RandomGraph::new(seed), &check);
    }
}

#[test]
fn random_networks_compact_exactly_1() {
    check_seeds(0);
}

#[test]
fn random_networks_compact_exactly_2() {
    check_seeds(1);
}

#[test]
fn random_networks_compact_exactly_3() {
    check_seeds(2);
}

#[test]
fn random_networks_compact_exactly_4() {
    check_seeds(3);
}

/// Reordering changes the order of additions alone.
#[test]
fn an_order_changes_outputs_by_rounding_alone() {
    for seed in 0..100 {
        let case = RandomGraph::new(seed);
        let orders = random_orders(&case.units, &mut Rng::new(seed));
        let ordered = compact(&case.graph, &case.shapes, &case.units, &orders).expect("orders are legal");
        let before = outputs(&case.graph, &case.shapes, &case.inputs);
        for (before, after) in before.iter().zip(outputs(&ordered, &case.shapes, &case.inputs)) {
            let largest = before.data.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            let distance = before.zip(&after, |a, b| (a - b).abs()).data.into_iter().fold(0.0, f64::max);
            assert!(distance <= 1e-9 * largest, "{distance} of {largest}\n{}", case.describe(&orders));
        }
    }
}

/// The networks are worth testing: most can be pruned, in several units, and every operator occurs.
#[test]
fn the_generator_covers_what_it_must() {
    let mut operators = std::collections::BTreeMap::new();
    let (mut units, mut prunable, mut repeated, mut heads) = (0, 0, 0, 0);
    for seed in 0..300 {
        let case = RandomGraph::new(seed);
        for node in &case.graph.nodes {
            *operators.entry(node.op.name()).or_insert(0) += 1;
        }
        units += case.units.units.len();
        prunable += usize::from(!case.units.units.is_empty());
        heads += usize::from(case.graph.outputs.len() > 1);
        let twice = |s: &Vec<Segment>| {
            s.iter().enumerate().any(|(i, a)| a.unit.is_some() && s[..i].iter().any(|b| a.unit == b.unit))
        };
        repeated += usize::from(case.units.segments.iter().any(twice));
    }
    assert!(prunable >= 240 && units >= 400, "{prunable} networks have {units} units");
    assert!(repeated >= 20 && heads >= 100, "{repeated} repeat a unit, {heads} have several outputs");
    assert!(operators.len() >= 60, "{operators:?}");
}

/// An analysis of the pruned network finds the units that are left, and more only where a grouped convolution or
/// normalisation has one group left and is an ordinary one.
#[test]
fn pruned_networks_have_the_same_units() {
    for seed in 0..300 {
        let case = RandomGraph::new(seed);
        let keeps = random_keeps(&case.units, &mut Rng::new(seed));
        let small = compact(&case.graph, &case.shapes, &case.units, &keeps).expect("the keeps are legal");
        let shapes = small.infer(&Sizes::batch(case.batch)).expect("it has shapes");
        if case.gathers() {
            continue;
        }
        let found = analyse(&small, &shapes);
        let left = case.units.pruned(&keeps);
        let expected: Vec<&Unit> = left.units.iter().filter(|unit| unit.channels > 1).collect();
        let same = |a: &Unit, b: &Unit| a.members == b.members && a.channels == b.channels;
        for unit in &expected {
            assert!(found.units.iter().any(|other| same(unit, other)), "{unit:?}\n{}", case.describe(&keeps));
        }
        let groups = |graph: &Graph| {
            let grouped = graph.nodes.iter().filter(|node| match &node.op {
                Op::Conv(conv) => conv.groups > 1,
                Op::ConvTranspose(conv) => conv.groups > 1,
                Op::Norm(norm) => matches!(norm.statistics, Statistics::Group { groups: 2.. }),
                _ => false,
            });
            grouped.count()
        };
        // What is moved may be freer than where it came from, once its neighbours are gone.
        let moves = case.graph.nodes.iter().any(|node| matches!(node.op, Op::Move(_) | Op::Reshape { .. }));
        if groups(&small) == groups(&case.graph) && !moves {
            assert_eq!(found.units.len(), expected.len(), "{}", case.describe(&keeps));
        }
    }
}
