//! Which channels must go together: units, their members, and how every value's channel axis is cut into segments.

mod axes;
mod channel_axis;
mod classes;
mod cost;
mod coupling;
mod cuts;
mod keeps;
mod map;
mod moves;
mod norm;
mod product;
mod runs;
#[cfg(test)]
mod tests;

pub use axes::{Axis, Parameters};
pub use cost::{Cost, cost, cost_kept, node_costs, node_costs_kept};

use crate::graph::{Graph, Node, Op, Statistics, ValueId};
use std::ops::Range;

/// Channels of a value that belong to a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The value whose channel axis (see [`Units::axis`]; dimension 0 for per-channel constant vectors) is meant.
    pub value: ValueId,
    /// The first channel of every coordinate of the unit: adjacent ones, or apart behind a channel shuffle or a
    /// depth-to-space.
    pub starts: Vec<usize>,
    /// How many adjacent channels one coordinate of the unit has: 1, or more behind `Flatten`, a depthwise
    /// multiplier or a grouped convolution. Coordinate `k` is channels `starts[k] .. starts[k] + block`.
    pub block: usize,
}

impl Member {
    /// The channels of coordinate `k`.
    pub fn channels(&self, k: usize) -> Range<usize> {
        self.starts[k]..self.starts[k] + self.block
    }
}

/// A closed set of coupled channel coordinates: removing coordinate `k` of it removes it from every member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Stable name: that of the first convolution (or Gemm) in execution order that produces it, with `#N` appended
    /// where one node's outputs are cut into several units.
    pub id: String,
    /// The number of coordinates.
    pub channels: usize,
    /// Everywhere it appears, in value order.
    pub members: Vec<Member>,
    /// What computes its channels from constants, in value order.
    pub producers: Vec<Producer>,
}

/// A node that computes channels of a unit from weights of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Its place in the graph.
    pub node: usize,
    /// The member that it computes.
    pub member: usize,
    /// Which of its inputs holds the weights.
    pub weight: usize,
    /// The axis of the weights that follows the channels; of a transposed convolution that of one group's.
    pub axis: usize,
}

/// Channels that no pruning may remove, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The node that produces them.
    pub node: String,
    /// How many.
    pub channels: usize,
    /// Which node forbids it, in words.
    pub reason: String,
}

/// Channels of a value that are stored together: one appearance of a unit, or a run of pinned channels. The segments
/// of a value, in stored order, cover its channel axis exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The unit (index into [`Units::units`]) and its block size here; `None` where pinned.
    pub unit: Option<(usize, usize)>,
    /// The channels, block by block in coordinate order: the order in which they are stored.
    pub channels: Vec<usize>,
}

/// The units of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// All prunable units, in execution order of their first producer.
    pub units: Vec<Unit>,
    /// What is pinned, with reasons.
    pub pinned: Vec<Pinned>,
    /// For every value of the graph (by id) that has a channel axis, its segments; empty for others.
    pub segments: Vec<Vec<Segment>>,
    /// For every value (by id), the dimension that holds its channels.
    pub axes: Vec<usize>,
}

impl Units {
    /// The segments of a value's channel axis.
    pub fn segments(&self, value: ValueId) -> &[Segment] {
        &self.segments[value.0]
    }

    /// The dimension of a value that holds its channels: 1 where nothing else is known, 0 for a value of rank 1.
    pub fn axis(&self, value: ValueId) -> usize {
        self.axes.get(value.0).copied().unwrap_or(1)
    }
}

/// The coordinates that stay, for every unit in order: `keeps.0[u]` lists kept coordinates of unit `u`, in the order
/// in which the compacted tensors will store them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeps(pub Vec<Vec<usize>>);

/// Finds the units of an imported graph whose values have `shapes`. Graph inputs and outputs keep their channels, and
/// so does everything that no index map proves free.
pub fn analyse(graph: &Graph, shapes: &[Vec<usize>]) -> Units {
    let mut fixed = graph.clone();
    fixed.fix(shapes);
    let graph = &fixed;
    let axes = channel_axis::channel_axes(graph, shapes);
    let parameters = Parameters { graph, shapes, axes: &axes };
    let mut couplings = map::couplings(graph, shapes, &axes);
    loop {
        let cuts = cuts::spread(&couplings);
        let classes = classes::Classes::find(&couplings);
        let found = runs::units(&parameters, &couplings, &classes, &cuts);
        let scattered = scattered_groups(graph, &found);
        if scattered.is_empty() {
            return Units { axes, ..found };
        }
        couplings.pins.extend(scattered);
    }
}

/// Pins for group normalisations whose groups a unit does not hold one after another, as what computes them must.
fn scattered_groups(graph: &Graph, units: &Units) -> Vec<coupling::Pin> {
    let grouped = |op: &Op| matches!(op, Op::Norm(norm) if matches!(norm.statistics, Statistics::Group { groups: 2.. }));
    let adjacent = |segment: &Segment| segment.channels.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let scattered = |node: &&Node| {
        let segments = units.segments[node.inputs[0].0].iter();
        grouped(&node.op)
            && segments.filter(|segment| segment.unit.is_some()).any(|segment| !adjacent(segment))
    };
    let pin = |node: &Node| coupling::Pin {
        value: node.inputs[0],
        reason: format!("{} {} has groups that others scatter", node.op.name(), node.name),
    };
    graph.nodes.iter().filter(scattered).map(pin).collect()
}
