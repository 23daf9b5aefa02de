//! Where a network is cut when candidates differ in one unit only: nodes that compute the same for all of them run
//! once, the others for each.

use crate::graph::{Graph, Node, Op, Shapes, ValueId};
use crate::units::Units;
use std::collections::BTreeSet;

/// An optimised graph, its shapes at some batch size, and how its channels are cut.
#[derive(Clone, Copy, Debug)]
pub(in crate::evaluate) struct Whole<'a> {
    pub graph: &'a Graph,
    pub shapes: &'a Shapes,
    pub units: &'a Units,
    pub batch: usize,
}

/// Which values the channels of a unit decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evaluate) enum Touch {
    /// Those whose numbers depend on how many of its channels are kept. What holds the unit's channels and computes
    /// each from itself alone is not among them: its kept channels are what they are when nothing is pruned.
    Numbers,
    /// Those that hold its channels, too: they depend on the order of its channels.
    Order,
}

impl Whole<'_> {
    /// The nodes that the channels of `unit` touch, and what they make depend on them. A value that cannot be handed
    /// from one session to another is computed on the side that reads it. `together` lists outputs that are read
    /// together: where one is touched, all are.
    pub(in crate::evaluate) fn touched(
        &self,
        unit: usize,
        touch: Touch,
        together: &[Vec<ValueId>],
    ) -> Vec<bool> {
        let producers = self.graph.producers();
        let mut nodes = vec![false; self.graph.nodes.len()];
        loop {
            let mut values = vec![false; self.graph.values.len()];
            for (at, node) in self.graph.nodes.iter().enumerate() {
                nodes[at] |=
                    node.inputs.iter().any(|input| values[input.0]) || self.begins(node, unit, touch);
                node.outputs.iter().for_each(|output| values[output.0] |= nodes[at]);
            }
            let crossing = crossing(self.graph, &nodes);
            let stuck = crossing.into_iter().filter(|value| !self.is_portable(*value));
            let left = together.iter().filter(|outputs| outputs.iter().any(|output| values[output.0]));
            let left = left.flatten().copied().filter(|output| !values[output.0]);
            let pulled: Vec<usize> = stuck.chain(left).filter_map(|value| producers[value.0]).collect();
            if pulled.is_empty() {
                return nodes;
            }
            pulled.into_iter().for_each(|at| nodes[at] = true);
        }
    }

    /// Whether a node depends on the unit's channels, whatever its inputs do.
    fn begins(&self, node: &Node, unit: usize, touch: Touch) -> bool {
        let holds = |value: &ValueId| self.holds(*value, unit);
        let reads = node.inputs.iter().any(|input| self.graph.constant(*input).is_none() && holds(input));
        match touch {
            Touch::Order => reads || node.outputs.iter().any(holds),
            Touch::Numbers => reads && !self.is_channelwise(node, unit),
        }
    }

    fn holds(&self, value: ValueId, unit: usize) -> bool {
        let segments = self.units.segments.get(value.0).map_or(&[][..], Vec::as_slice);
        segments.iter().any(|segment| segment.unit.is_some_and(|(found, _)| found == unit))
    }

    /// Whether every channel of the unit in the output follows from the same channel of the inputs alone.
    fn is_channelwise(&self, node: &Node, unit: usize) -> bool {
        let (input, output) = (node.inputs[0], node.outputs[0]);
        let alike = self.units.segments.get(input.0) == self.units.segments.get(output.0);
        let of_one = match &node.op {
            Op::Activation(_)
            | Op::Binary(_)
            | Op::BatchNorm { .. }
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::GlobalAveragePool
            | Op::GlobalMaxPool
            | Op::Resize(_)
            | Op::Identity => true,
            Op::Concat { axis } => *axis == 1,
            Op::Conv(conv) => {
                let channels = [input, output].map(|value| self.shapes[value.0][1]);
                !self.holds(input, unit) || (channels == [conv.groups; 2] && alike)
            }
            Op::Flatten { .. }
            | Op::Reshape { .. }
            | Op::Gemm(_)
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::Pad(_)
            | Op::Where
            | Op::Reduce(_)
            | Op::ArgMax(_)
            | Op::Norm(_)
            | Op::MatMul
            | Op::ConvTranspose(_)
            | Op::Move(_)
            | Op::Squeeze { .. }
            | Op::Unsqueeze { .. }
            | Op::Training(_) => false,
        };
        let in_place = |value: &ValueId| {
            self.graph.constant(*value).is_some() || !self.holds(*value, unit) || self.is_plain(*value)
        };
        of_one && self.holds(output, unit) && node.inputs.iter().chain(&node.outputs).all(in_place)
    }

    /// Whether a value can leave one session and enter another, picture by picture.
    pub(in crate::evaluate) fn is_portable(&self, value: ValueId) -> bool {
        let shape = &self.shapes[value.0];
        self.graph.inputs.contains(&value)
            || (shape.len() >= 2 && shape[0] == self.batch && self.is_plain(value))
    }

    /// Whether a value has its channels in dimension 1, stored in their order, and its segments cover them.
    fn is_plain(&self, value: ValueId) -> bool {
        let segments = self.units.segments.get(value.0).map_or(&[][..], Vec::as_slice);
        let channels: Vec<usize> = segments.iter().flat_map(|segment| &segment.channels).copied().collect();
        let extent = self.shapes[value.0].get(1).copied().unwrap_or(1);
        let covers = channels.is_empty() || channels.len() == extent;
        self.units.axis(value) == 1 && channels.is_sorted() && covers
    }
}

/// What the nodes of `inside` read that others compute or that enters the graph, in order of their ids.
pub(in crate::evaluate) fn crossing(graph: &Graph, inside: &[bool]) -> Vec<ValueId> {
    let (mut read, mut computed) = (BTreeSet::new(), BTreeSet::new());
    for (node, _) in graph.nodes.iter().zip(inside).filter(|(_, inside)| **inside) {
        read.extend(node.inputs.iter().copied().filter(|input| graph.constant(*input).is_none()));
        computed.extend(node.outputs.iter().copied());
    }
    read.difference(&computed).copied().collect()
}

/// The nodes needed for `wanted`, given the values `known`.
pub(in crate::evaluate) fn needed(
    graph: &Graph,
    wanted: &[ValueId],
    known: impl Fn(ValueId) -> bool,
) -> Vec<bool> {
    let mut missing: BTreeSet<ValueId> = wanted.iter().copied().filter(|value| !known(*value)).collect();
    let mut nodes = vec![false; graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate().rev() {
        if node.outputs.iter().any(|output| missing.contains(output)) {
            nodes[at] = true;
            missing.extend(node.inputs.iter().copied().filter(|input| !known(*input)));
        }
    }
    nodes
}

/// The part of a graph that has the nodes of `inside`, reads `inputs` and computes `outputs`. Ids stay.
pub(in crate::evaluate) fn part(
    graph: &Graph,
    inside: &[bool],
    inputs: Vec<ValueId>,
    outputs: Vec<ValueId>,
) -> Graph {
    let nodes = graph.nodes.iter().zip(inside).filter(|(_, inside)| **inside);
    let nodes = nodes.map(|(node, _)| node.clone()).collect();
    let (name, values) = (graph.name.clone(), graph.values.clone());
    Graph { name, values, nodes, inputs, outputs, ..Graph::default() }
}
