//! Memory for time (arXiv 1604.06174): of the values of a network only those are kept that cross some cuts of it; what
//! lies between is computed once more, when gradients come to need it. The nodes are the same, and so are all numbers.

use super::Differentiated;
use crate::graph::{Graph, Node, Shapes, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// Values of less than this share of all are kept wherever they are.
const SMALL: u64 = 1000;

/// `trained`, whose first `forward` nodes are the network, with the network cut into `parts` parts, of which gradients
/// compute all but the last again. How many nodes are computed twice comes with it.
pub fn recomputed(trained: &Differentiated, forward: usize, parts: usize) -> (Differentiated, usize) {
    let mut done = trained.clone();
    let nodes = std::mem::take(&mut done.graph.nodes);
    let kept = kept(trained, forward, parts);
    let mut again = Again {
        graph: done.graph,
        shapes: done.shapes,
        nodes: &nodes,
        made: BTreeMap::new(),
        copies: BTreeMap::new(),
        kept,
    };
    for (position, node) in nodes[..forward].iter().enumerate() {
        again.made.extend(node.outputs.iter().map(|output| (*output, position)));
    }
    again.graph.nodes = nodes[..forward].to_vec();
    for node in &nodes[forward..] {
        let inputs = node.inputs.iter().map(|&input| again.value(input)).collect();
        again.graph.nodes.push(Node { inputs, ..node.clone() });
    }
    let twice = again.copies.len();
    (Differentiated { graph: again.graph, shapes: again.shapes, ..done }, twice)
}

/// A graph in the making, whose later nodes read copies of earlier values.
struct Again<'a> {
    graph: Graph,
    shapes: Shapes,
    nodes: &'a [Node],
    /// The forward node that computes a value.
    made: BTreeMap<ValueId, usize>,
    copies: BTreeMap<ValueId, ValueId>,
    kept: BTreeSet<ValueId>,
}

impl Again<'_> {
    /// What stands for `value` from now on: itself where it is kept, or no value of the network.
    fn value(&mut self, value: ValueId) -> ValueId {
        let Some(&position) = self.made.get(&value).filter(|_| !self.kept.contains(&value)) else {
            return value;
        };
        if let Some(&copy) = self.copies.get(&value) {
            return copy;
        }
        let node = &self.nodes[position];
        let inputs = node.inputs.iter().map(|&input| self.value(input)).collect();
        let name = format!("{}/again", node.name);
        let outputs: Vec<ValueId> = node.outputs.iter().map(|&output| self.copy(output)).collect();
        self.graph.nodes.push(Node { name, op: node.op.clone(), inputs, outputs });
        self.copies[&value]
    }

    fn copy(&mut self, value: ValueId) -> ValueId {
        let name = format!("{}/again", self.graph.value(value).name);
        let copy = self.graph.edit().add_value(&name);
        self.shapes.resize(copy.0, Vec::new());
        self.shapes.push(self.shapes[value.0].clone());
        self.copies.insert(value, copy);
        copy
    }
}

/// The values of the network that are kept: outputs, what crosses a cut, what is computed after the last one, and what is
/// small.
fn kept(trained: &Differentiated, forward: usize, parts: usize) -> BTreeSet<ValueId> {
    let nodes = &trained.graph.nodes[..forward];
    let bytes = |value: &ValueId| 4 * trained.shapes[value.0].iter().product::<usize>() as u64;
    let mut last: BTreeMap<ValueId, usize> = BTreeMap::new();
    for (position, node) in nodes.iter().enumerate() {
        last.extend(node.inputs.iter().map(|&input| (input, position)));
    }
    let sizes: Vec<u64> = nodes.iter().map(|node| node.outputs.iter().map(bytes).sum()).collect();
    let whole: u64 = sizes.iter().sum();
    // For every position, what nodes before it compute and nodes from it on read.
    let crosses = |position: usize, node: usize, value: &ValueId| {
        node < position && last.get(value).is_some_and(|&reader| reader >= position)
    };
    let crossing = |position: usize| -> u64 {
        let values =
            nodes.iter().enumerate().flat_map(|(at, node)| node.outputs.iter().map(move |value| (at, value)));
        values.filter(|(at, value)| crosses(position, *at, value)).map(|(_, value)| bytes(value)).sum()
    };
    let cuts = cuts(&sizes, parts, crossing);
    let end = cuts.last().copied().unwrap_or(0);
    let mut kept: BTreeSet<ValueId> = trained.graph.outputs.iter().copied().collect();
    for (at, node) in nodes.iter().enumerate() {
        let keeps = |value: &&ValueId| {
            at >= end || bytes(value) < whole / SMALL || cuts.iter().any(|&cut| crosses(cut, at, value))
        };
        kept.extend(node.outputs.iter().filter(keeps));
    }
    kept
}

/// Where to cut nodes whose values have `sizes` bytes into `parts` parts: near where these would be equal, at the positions
/// that the fewest bytes cross.
fn cuts(sizes: &[u64], parts: usize, crossing: impl Fn(usize) -> u64) -> Vec<usize> {
    let mut before = 0;
    let sums: Vec<u64> = sizes
        .iter()
        .map(|size| {
            before += size;
            before - size
        })
        .collect();
    let (whole, parts) = (before, parts as u64);
    let nearest = |part: u64| {
        let [from, to] = [2 * part - 1, 2 * part + 1].map(|half| whole * half / (2 * parts));
        let near = (0..sums.len()).filter(|&at| (from..to).contains(&sums[at]));
        near.min_by_key(|&at| crossing(at))
    };
    (1..parts).filter_map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_where_least_crosses_near_equal_parts() {
        let sizes = [10; 12];
        // Little crosses at 3 and at 8, and nothing at the beginning, which is no place for a cut.
        let crossing = |at: usize| {
            if at == 0 {
                0
            } else if at == 3 || at == 8 {
                1
            } else {
                5
            }
        };
        assert_eq!(cuts(&sizes, 3, crossing), [3, 8]);
        assert_eq!(cuts(&sizes, 1, crossing), Vec::<usize>::new());
    }
}
