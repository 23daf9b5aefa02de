//! The index maps: for every operator, which channels of its inputs and output live or die together.

use super::axes::{Axis, Parameters};
use super::coupling::{Blocks, Couplings, Link, Pin};
use crate::graph::{Gemm, Graph, Node, Op, ValueId};

/// One use of a constant: the node, and the axes that follow channels (none where it is read as data).
struct Use {
    node: usize,
    axes: Vec<Axis>,
}

/// Everything that the operators, inputs, outputs and shared constants of a graph say about its channels.
pub(super) fn couplings(graph: &Graph, shapes: &[Vec<usize>], axes: &[usize]) -> Couplings {
    let parameters = Parameters { graph, shapes, axes };
    let uses = uses(&parameters);
    let mut found = Couplings {
        channels: channel_extents(&parameters, &uses),
        links: Vec::new(),
        pins: Vec::new(),
        cuts: Vec::new(),
    };
    for (kind, ids) in [("input", &graph.inputs), ("output", &graph.outputs)] {
        for &value in ids {
            let reason = format!("graph {kind} {}", graph.value(value).name);
            let sliced = uses[value.0].iter().flat_map(|u| &u.axes).map(|axis| axis.value);
            found.pins.extend(sliced.chain([value]).map(|value| Pin { value, reason: reason.clone() }));
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        Mapper { parameters, graph, shapes, node, index, found: &mut found }.map();
    }
    for (constant, uses) in uses.iter().enumerate().filter(|(_, uses)| uses.len() > 1) {
        share(graph, ValueId(constant), uses, &mut found);
    }
    found
}

fn uses(parameters: &Parameters) -> Vec<Vec<Use>> {
    let graph = parameters.graph;
    let mut uses: Vec<Vec<Use>> = graph.values.iter().map(|_| Vec::new()).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        for (input, &value) in node.inputs.iter().enumerate() {
            if graph.constant(value).is_some() {
                let axes = parameters.axes(node, input).unwrap_or_default();
                uses[value.0].push(Use { node: index, axes });
            }
        }
    }
    uses
}

fn channel_extents(parameters: &Parameters, uses: &[Vec<Use>]) -> Vec<usize> {
    let Parameters { graph, shapes, .. } = *parameters;
    let data_extent = |value: usize| shapes[value].get(parameters.axis(ValueId(value))).copied().unwrap_or(0);
    let mut channels: Vec<usize> = (0..graph.values.len()).map(data_extent).collect();
    for (value, uses) in uses.iter().enumerate().filter(|(value, _)| graph.values[*value].constant.is_some())
    {
        let operand = |u: &Use| {
            matches!(graph.nodes[u.node].op, Op::BatchNorm { .. } | Op::Binary(_) | Op::Norm(_) | Op::Where)
        };
        let per_channel = uses.first().filter(|first| operand(first) && agree(uses));
        let is_data = |u: &Use| {
            let node = &graph.nodes[u.node];
            (0..node.inputs.len()).any(|i| node.inputs[i].0 == value && parameters.axes(node, i).is_none())
        };
        channels[value] = match per_channel.and_then(|first| first.axes.first()) {
            Some(axis) => shapes[value][axis.axis],
            None if uses.iter().any(is_data) => channels[value],
            None => 0,
        };
    }
    channels
}

fn agree(uses: &[Use]) -> bool {
    let axes = |u: &Use| u.axes.iter().map(|a| a.axis).collect::<Vec<_>>();
    uses.windows(2).all(|pair| axes(&pair[0]) == axes(&pair[1]))
}

/// A constant that several inputs read has one set of kept entries: the channels that they follow are coupled, or
/// stay where the uses differ.
fn share(graph: &Graph, constant: ValueId, uses: &[Use], found: &mut Couplings) {
    let agree = agree(uses);
    for (first, other) in uses[..1].iter().cycle().zip(&uses[1..]) {
        for (a, b) in first.axes.iter().zip(&other.axes).filter(|_| agree) {
            let whole = |axis: &Axis| Blocks { value: axis.value, start: 0, block: 1 };
            let count = found.channels[a.value.0].min(found.channels[b.value.0]);
            found.links.push(Link { a: whole(a), b: whole(b), count, node: other.node, cuts: true });
        }
    }
    if !agree {
        let names: Vec<&str> = uses.iter().map(|u| graph.nodes[u.node].name.as_str()).collect();
        let constant = &graph.value(constant).name;
        let reason = format!("constant {constant} is used differently by {}", names.join(", "));
        let values = uses.iter().flat_map(|u| &u.axes).map(|axis| axis.value);
        found.pins.extend(values.map(|value| Pin { value, reason: reason.clone() }));
    }
}

pub(super) struct Mapper<'a> {
    pub(super) parameters: Parameters<'a>,
    graph: &'a Graph,
    pub(super) shapes: &'a [Vec<usize>],
    pub(super) node: &'a Node,
    index: usize,
    pub(super) found: &'a mut Couplings,
}

impl Mapper<'_> {
    fn map(&mut self) {
        self.pin_data_constants();
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        match &self.node.op {
            Op::Conv(conv) => self.conv(conv.groups, x, y),
            Op::BatchNorm { .. } => {
                self.same(x, y);
                for &vector in &self.node.inputs[1..] {
                    self.vector(vector, y);
                }
            }
            Op::Activation(_)
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::GlobalAveragePool
            | Op::Resize(_)
            | Op::Identity
            | Op::Pad(_) => self.same(x, y),
            Op::Binary(_) | Op::Where => self.broadcast(y),
            Op::Concat { axis } => self.concat(*axis, y),
            Op::Flatten { .. } | Op::Reshape { .. } => self.regroup(x, y),
            Op::Gemm(gemm) => self.gemm(gemm, x, y),
            Op::GlobalMaxPool => self.same(x, y),
            Op::Reduce(op) => self.reduce(&op.axes, op.keep_dims),
            Op::ArgMax(op) => {
                self.reduce(&[op.axis], op.keep_dims);
                if op.axis == self.parameters.axis(x) {
                    self.pin(x, "counts the channels");
                }
            }
            Op::Norm(norm) => self.norm(norm, x, y),
            Op::ConvTranspose(conv) => self.conv(conv.groups, x, y),
            Op::MatMul => self.product(y),
            Op::Move(op) => self.moved(op),
            Op::Squeeze { axes } => self.squeezed(axes),
            Op::Unsqueeze { axes } => self.unsqueezed(axes),
            Op::Training(_) => {
                for value in [&self.node.inputs[..], &[y]].concat() {
                    self.pin(value, "trains");
                }
            }
            Op::Softmax { axis } | Op::LogSoftmax { axis } => {
                self.same(x, y);
                if *axis == self.parameters.axis(y) {
                    self.pin(y, "normalises over channels");
                }
            }
        }
    }

    /// A reduction: of every channel by itself, or of those channels that live, which leaves one.
    fn reduce(&mut self, axes: &[usize], keep_dims: bool) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        let axis = self.parameters.axis(x);
        let gone = axes.iter().filter(|&&gone| gone < axis && !keep_dims).count();
        if axes.contains(&axis) {
            self.pin(y, "reduces the channels");
        } else if self.parameters.axis(y) == axis - gone && self.channels(x) == self.channels(y) {
            let whole = |value| Blocks { value, start: 0, block: 1 };
            self.link(whole(x), whole(y), self.channels(x));
        } else {
            self.pin(x, "moves its channels to another axis");
            self.pin(y, "has its channels in another axis than what it reads");
        }
    }

    pub(super) fn channels(&self, value: ValueId) -> usize {
        self.found.channels[value.0]
    }

    pub(super) fn pin(&mut self, value: ValueId, does: &str) {
        let reason = format!("{} {} {does}", self.node.op.name(), self.node.name);
        self.found.pins.push(Pin { value, reason });
    }

    pub(super) fn link(&mut self, a: Blocks, b: Blocks, count: usize) {
        self.found.links.push(Link { a, b, count, node: self.index, cuts: true });
    }

    /// As [`Mapper::link`], of channels that are in another order: cuts stay where they are.
    pub(super) fn shuffle(&mut self, a: Blocks, b: Blocks, count: usize) {
        self.found.links.push(Link { a, b, count, node: self.index, cuts: false });
    }

    /// Channel `c` of one is channel `c` of the other.
    pub(super) fn same(&mut self, a: ValueId, b: ValueId) {
        let (from, to) = (self.channels(a), self.channels(b));
        if !self.is_constant(a) && !self.aligned(a, b) {
            self.pin(a, "reads its channels along another axis");
            self.pin(b, "has its channels along another axis than what it reads");
        } else if from == to {
            let whole = |value| Blocks { value, start: 0, block: 1 };
            self.link(whole(a), whole(b), from);
        } else {
            self.pin(a, "changes the number of channels");
            self.pin(b, "changes the number of channels");
        }
    }

    /// Whether the channel axes of two values are the same one, counted from the end.
    fn aligned(&self, a: ValueId, b: ValueId) -> bool {
        let from_end = |value: ValueId| {
            self.shapes[value.0].len() - self.parameters.axis(value).min(self.shapes[value.0].len())
        };
        from_end(a) == from_end(b)
    }

    /// The size of a broadcast operand along the channels of what it is broadcast to.
    fn along(&self, operand: ValueId, y: ValueId) -> usize {
        let (from, to) = (&self.shapes[operand.0], &self.shapes[y.0]);
        let at = (from.len() + self.parameters.axis(y)).checked_sub(to.len());
        at.and_then(|at| from.get(at)).copied().unwrap_or(1)
    }

    fn pin_data_constants(&mut self) {
        for (input, &value) in self.node.inputs.iter().enumerate() {
            let data = self.parameters.axes(self.node, input).is_none();
            if data && self.is_constant(value) {
                let name = &self.graph.value(value).name;
                self.pin(value, &format!("reads constant {name} as data"));
            }
        }
    }

    fn is_constant(&self, value: ValueId) -> bool {
        self.graph.constant(value).is_some()
    }

    /// A convolution mixes its inputs and is free in its outputs; one of several groups loses whole groups, inputs and
    /// outputs together. Equal counts from every group would be legal too, but not both at once: a channel would then
    /// be kept by two units.
    fn conv(&mut self, groups: usize, x: ValueId, y: ValueId) {
        let there = self.reads_dimension_1(x);
        let (inputs, outputs) = (self.channels(x), self.channels(y));
        if groups > 1 && !there {
            self.pin(y, "computes groups of channels that are not in dimension 1");
        } else if groups > 1 {
            let blocks = |value, channels: usize| Blocks { value, start: 0, block: channels / groups };
            self.link(blocks(x, inputs), blocks(y, outputs), groups);
        }
        for (input, &value) in self.node.inputs.iter().enumerate().skip(1) {
            if self.parameters.axes(self.node, input).is_none() {
                self.same(value, y);
            } else if !self.is_constant(value) {
                for pinned in [x, y, value] {
                    self.pin(pinned, "computes with weights that are not constant");
                }
            }
        }
    }

    /// A scale, shift, mean or variance.
    pub(super) fn vector(&mut self, vector: ValueId, y: ValueId) {
        if !self.is_constant(vector) {
            self.pin(vector, "normalises by a vector that is not constant");
            self.pin(y, "normalises by a vector that is not constant");
        } else if self.channels(vector) > 0 {
            self.same(vector, y);
        }
    }

    fn broadcast(&mut self, y: ValueId) {
        for &operand in &self.node.inputs {
            self.operand(operand, y);
        }
    }

    /// One operand of a broadcasting operator.
    fn operand(&mut self, operand: ValueId, y: ValueId) {
        if self.is_constant(operand) {
            if self.channels(operand) > 0 && self.channels(operand) == self.channels(y) {
                self.same(operand, y);
            }
        } else if self.aligned(operand, y) && self.channels(operand) == self.channels(y) {
            self.same(operand, y);
        } else {
            let one = self.channels(operand) == 1;
            self.pin(
                operand,
                if one { "broadcasts its one channel" } else { "broadcasts it along channels" },
            );
            if self.along(operand, y) > 1 {
                self.pin(y, "reads along its channels what has other channels");
            }
        }
    }

    fn concat(&mut self, axis: usize, y: ValueId) {
        let mut start = 0;
        for &operand in &self.node.inputs {
            if axis == self.parameters.axis(y) {
                let count = self.shapes[operand.0][axis];
                if start > 0 {
                    self.found.cuts.push((y, start));
                }
                if self.parameters.axis(operand) != axis {
                    self.pin(operand, "joins it along another axis than its channels");
                    self.pin(y, "joins channels with what has others");
                    start += count;
                    continue;
                }
                let from = Blocks { value: operand, start: 0, block: 1 };
                self.link(from, Blocks { value: y, start, block: 1 }, count);
                start += count;
            } else {
                self.same(operand, y);
            }
        }
    }

    fn gemm(&mut self, gemm: &Gemm, a: ValueId, y: ValueId) {
        self.reads_dimension_1(a);
        if gemm.trans_a {
            self.pin(a, "reads its input transposed");
        }
        let b = self.node.inputs[1];
        if !self.is_constant(b) {
            for value in [a, b, y] {
                self.pin(value, "computes with weights that are not constant");
            }
        }
        if let Some(&c) = self.node.inputs.get(2)
            && !self.is_constant(c)
        {
            self.operand(c, y);
        }
    }
}
