//! Multiply-accumulates and parameters, of a graph as it is or as a pruning would leave it.

use super::axes::Parameters;
use super::{Keeps, Units};
use crate::graph::{Graph, Node, Op, ValueId};
use crate::tensor::count;
use std::collections::BTreeSet;
use std::iter::Sum;
use std::ops::Add;

/// What a network or a node costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of Conv, ConvTranspose (margins that are cut off included), Gemm and MatMul for the whole
    /// batch that the shapes are of. FLOPs are twice that.
    pub macs: u64,
    /// Elements of weights, biases, and batch-norm scales and shifts; running statistics and other constants are
    /// not parameters. What several nodes share counts once, for the first of them.
    pub params: u64,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { macs: self.macs + other.macs, params: self.params + other.params }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// The cost of a graph whose values have `shapes`.
pub fn cost(graph: &Graph, shapes: &[Vec<usize>]) -> Cost {
    node_costs(graph, shapes).into_iter().sum()
}

/// The cost of every node, in order.
pub fn node_costs(graph: &Graph, shapes: &[Vec<usize>]) -> Vec<Cost> {
    node_costs_kept(graph, shapes, &Units::default(), &[])
}

/// The cost that compaction to `keep[u]` coordinates of every unit `u` would leave; units beyond the end of `keep`
/// are whole.
pub fn cost_kept(graph: &Graph, shapes: &[Vec<usize>], units: &Units, keep: &[usize]) -> Cost {
    node_costs_kept(graph, shapes, units, keep).into_iter().sum()
}

/// As [`cost_kept`], for every node.
pub fn node_costs_kept(graph: &Graph, shapes: &[Vec<usize>], units: &Units, keep: &[usize]) -> Vec<Cost> {
    let mut counter = Counter { graph, shapes, units, keep, seen: BTreeSet::new() };
    graph.nodes.iter().map(|node| counter.node(node)).collect()
}

impl Keeps {
    /// The cost of what these keeps leave.
    pub fn cost(&self, graph: &Graph, shapes: &[Vec<usize>], units: &Units) -> Cost {
        cost_kept(graph, shapes, units, &self.counts())
    }
}

struct Counter<'a> {
    graph: &'a Graph,
    shapes: &'a [Vec<usize>],
    units: &'a Units,
    keep: &'a [usize],
    /// Constants that are already counted.
    seen: BTreeSet<ValueId>,
}

impl Counter<'_> {
    fn node(&mut self, node: &Node) -> Cost {
        let output = &self.shapes[node.outputs[0].0];
        let (parameters, macs) = match &node.op {
            Op::Conv(conv) => {
                let bias = usize::from(node.inputs.len() > 2 + usize::from(conv.epilogue.has_residual()));
                let positions = output[0] * count(&output[2..]);
                (1..2 + bias, positions as u64 * self.elements(node, 1))
            }
            Op::ConvTranspose(conv) => {
                let bias = usize::from(node.inputs.len() > 2 + usize::from(conv.epilogue.has_residual()));
                let input = &self.shapes[node.inputs[0].0];
                let positions = input[0] * count(&input[2..]);
                (1..2 + bias, positions as u64 * self.elements(node, 1))
            }
            Op::Gemm(_) => (1..node.inputs.len(), output[0] as u64 * self.elements(node, 1)),
            Op::MatMul => (0..2, self.product(node)),
            Op::BatchNorm { .. } | Op::Norm(_) => (1..3, 0),
            Op::Activation(_)
            | Op::Binary(_)
            | Op::Concat { .. }
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::GlobalAveragePool
            | Op::Resize(_)
            | Op::Flatten { .. }
            | Op::Reshape { .. }
            | Op::Softmax { .. }
            | Op::Identity
            | Op::Pad(_)
            | Op::LogSoftmax { .. }
            | Op::Where
            | Op::GlobalMaxPool
            | Op::Reduce(_)
            | Op::ArgMax(_)
            | Op::Move(_)
            | Op::Squeeze { .. }
            | Op::Unsqueeze { .. }
            | Op::Training(_) => return Cost::default(),
        };
        let mut params = 0;
        for input in parameters {
            let value = node.inputs[input];
            if self.graph.constant(value).is_some() && self.seen.insert(value) {
                params += self.elements(node, input);
            }
        }
        Cost { macs, params }
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters { graph: self.graph, shapes: self.shapes, axes: &self.units.axes }
    }

    /// The multiply-accumulates of a matrix product: what stays of its result, times what stays of what it sums over.
    fn product(&self, node: &Node) -> u64 {
        let output = node.outputs[0];
        let mut shape = self.shapes[output.0].clone();
        if let (Some(live), Some(axis)) =
            (self.units.live_channels(self.keep, output), shape.get_mut(self.parameters().axis(output)))
        {
            *axis = live;
        }
        let summed = (0..2).find(|&input| self.parameters().product_sums_over(node, input));
        let live = summed.and_then(|input| self.units.live_channels(self.keep, node.inputs[input]));
        let whole = self.shapes[node.inputs[0].0].last().copied().unwrap_or(1);
        (count(&shape) * live.unwrap_or(whole)) as u64
    }

    /// The elements that stay of a parameter.
    fn elements(&self, node: &Node, input: usize) -> u64 {
        let mut shape = self.shapes[node.inputs[input].0].clone();
        for axis in self.parameters().axes(node, input).unwrap_or_default() {
            if let Some(live) = self.units.live_channels(self.keep, axis.value) {
                shape[axis.axis] = live;
            }
        }
        count(&shape) as u64
    }
}
