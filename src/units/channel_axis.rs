//! Which dimension of every value holds its channels: 1 where nothing else follows from how the value is computed.

use super::axes::Parameters;
use crate::graph::{Graph, Move, Node, Op, Statistics, ValueId};
use crate::tensor::count;

/// The channel axis of every value of `graph`, whose values have `shapes`, by id.
///
/// A graph input has its channels in dimension 1 (in dimension 0 where it has but one). Transposes and reshapes move
/// the axis, matrix products with constants give their result the last one, window operators need and give dimension 1.
pub(super) fn channel_axes(graph: &Graph, shapes: &[Vec<usize>]) -> Vec<usize> {
    let mut axes: Vec<usize> = shapes.iter().map(|shape| default_axis(shape.len())).collect();
    // An input that is no image may have its channels anywhere.
    let image = |value: &ValueId| [2, 4].contains(&shapes[value.0].len());
    let mut known: Vec<bool> = vec![false; shapes.len()];
    for value in graph.inputs.iter().filter(|value| image(value)) {
        known[value.0] = true;
    }
    for node in &graph.nodes {
        let output = node.outputs[0];
        let rank = shapes[output.0].len();
        let axis = Rule { graph, shapes, axes: &axes, known: &known, node }.axis();
        let makes = Parameters { graph, shapes, axes: &axes }.makes_channels(node);
        known[output.0] = makes || node.inputs.iter().any(|input| known[input.0]);
        axes[output.0] = axis.filter(|&axis| axis < rank).unwrap_or(default_axis(rank));
    }
    axes
}

fn default_axis(rank: usize) -> usize {
    usize::from(rank > 1)
}

struct Rule<'a> {
    graph: &'a Graph,
    shapes: &'a [Vec<usize>],
    axes: &'a [usize],
    /// Whether it is known that a value's axis holds channels.
    known: &'a [bool],
    node: &'a Node,
}

impl Rule<'_> {
    /// The channel axis of the node's output; `None` for the usual one.
    fn axis(&self) -> Option<usize> {
        let x = self.node.inputs[0];
        let axis = self.axes[x.0];
        match &self.node.op {
            Op::Conv(_)
            | Op::ConvTranspose(_)
            | Op::BatchNorm { .. }
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::GlobalAveragePool
            | Op::GlobalMaxPool
            | Op::Resize(_)
            | Op::Pad(_)
            | Op::Gemm(_) => None,
            Op::Norm(norm) => match norm.statistics {
                Statistics::Instance | Statistics::Group { .. } => None,
                Statistics::Layer { .. } => Some(axis),
            },
            Op::Activation(_) | Op::Identity | Op::Softmax { .. } | Op::LogSoftmax { .. } => Some(axis),
            Op::Binary(_) | Op::Where | Op::Concat { .. } => self.joined(),
            Op::Flatten { .. } | Op::Reshape { .. } => self.regrouped(x),
            Op::Squeeze { axes } => without(axes, axis),
            Op::Unsqueeze { axes } => {
                (0..self.shapes[self.node.outputs[0].0].len()).filter(|at| !axes.contains(at)).nth(axis)
            }
            Op::MatMul => {
                let Self { graph, shapes, axes, known, node } = *self;
                Parameters { graph, shapes, axes }.product_output(node, known[x.0])
            }
            Op::Reduce(reduce) if reduce.keep_dims => Some(axis),
            Op::Reduce(reduce) => without(&reduce.axes, axis),
            Op::ArgMax(op) if op.keep_dims => Some(axis),
            Op::ArgMax(op) => without(&[op.axis], axis),
            Op::Move(Move::Transpose { perm }) => perm.iter().position(|&from| from == axis),
            Op::Move(Move::Expand { .. }) => {
                let grown = self.shapes[self.node.outputs[0].0].len().checked_sub(self.shapes[x.0].len())?;
                Some(axis + grown)
            }
            Op::Move(Move::Gather { axis: gathered, shape, .. }) => match axis {
                axis if axis < *gathered => Some(axis),
                axis if axis > *gathered => (axis + shape.len()).checked_sub(1),
                _ if shape.len() == 1 => Some(axis),
                _ => None,
            },
            Op::Move(Move::DepthToSpace { .. } | Move::SpaceToDepth { .. }) | Op::Training(_) => None,
            Op::Move(Move::Slice(_) | Move::Tile { .. } | Move::Pad { .. }) => Some(axis),
        }
    }

    fn computed(&self, value: ValueId) -> bool {
        self.graph.constant(value).is_none()
    }

    /// The axis of a computed operand that is not stretched along it, else of one that reaches it; the usual axis rather
    /// than another, so that a sum with what a convolution computes stays where that is.
    fn joined(&self) -> Option<usize> {
        let output = &self.shapes[self.node.outputs[0].0];
        let place = |value: &&ValueId| {
            let shape = &self.shapes[value.0];
            let axis = self.axes[value.0];
            let grown = output.len().checked_sub(shape.len())?;
            Some((shape.get(axis) != output.get(axis + grown), axis + grown))
        };
        let concat = matches!(self.node.op, Op::Concat { .. });
        let computed = self.node.inputs.iter().filter(|&&value| self.computed(value));
        let places = computed.filter_map(|value| place(&value));
        let usual = default_axis(output.len());
        places.min_by_key(|&(stretched, axis)| (stretched && !concat, axis != usual)).map(|(_, axis)| axis)
    }

    /// The output axis before which as many elements lie as before the channel axis of the input; the last of those
    /// where some have one element, unless the input's also starts there. The first axis is no batch, even of one image,
    /// where it was none before.
    fn regrouped(&self, x: ValueId) -> Option<usize> {
        let (from, to) = (&self.shapes[x.0], &self.shapes[self.node.outputs[0].0]);
        let axis = self.axes[x.0];
        let before = count(from.get(..axis)?);
        let mut found = None;
        for at in usize::from(axis > 0)..to.len() {
            if count(&to[..at]) == before {
                found = Some(at);
                if to[at] > 1 {
                    break;
                }
            }
        }
        if from.get(axis) == Some(&1) { None } else { found }
    }
}

/// Where `axis` is when `dropped` are gone.
fn without(dropped: &[usize], axis: usize) -> Option<usize> {
    (!dropped.contains(&axis)).then(|| axis - dropped.iter().filter(|&&gone| gone < axis).count())
}
