//! Which axes of a constant follow the channels of which values: what compaction slices, and what ties together the
//! nodes that share a constant.

use crate::graph::{Graph, Node, Op, ValueId};

/// An axis of a constant whose entries are, one to one, the channels of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The axis of the constant.
    pub axis: usize,
    /// The value whose channel axis it follows.
    pub value: ValueId,
}

/// A graph as the users of its constants see it.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The shape of every value, by id.
    pub shapes: &'a [Vec<usize>],
    /// The channel axis of every value, by id; 1 beyond the end.
    pub axes: &'a [usize],
}

impl Parameters<'_> {
    /// The axes of input number `input` of `node` that follow channels; none where it is read whole. `None` where
    /// the input is data (what flows through the network) and not a parameter of the node.
    pub fn axes(&self, node: &Node, input: usize) -> Option<Vec<Axis>> {
        parameter_axes(self, node, input)
    }

    /// The channel axis of a value.
    pub(super) fn axis(&self, value: ValueId) -> usize {
        self.axes.get(value.0).copied().unwrap_or(1)
    }

    /// The input of a node that makes channels of its own, by a sum over all that it reads, and the axis of that input
    /// which follows them (of a transposed convolution, those of one group). Units are named after such nodes.
    pub(super) fn filters(&self, node: &Node) -> Option<(usize, usize)> {
        match &node.op {
            Op::Conv(_) => Some((1, 0)),
            Op::ConvTranspose(_) => Some((1, 1)),
            Op::Gemm(gemm) => Some((1, usize::from(!gemm.trans_b))),
            Op::MatMul => self.product_filters(node),
            Op::BatchNorm { .. }
            | Op::Activation(_)
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
            | Op::Norm(_)
            | Op::Move(_)
            | Op::Squeeze { .. }
            | Op::Unsqueeze { .. }
            | Op::Training(_) => None,
        }
    }

    /// Whether the result of a node has channels of its own, wherever its inputs have theirs.
    pub(super) fn makes_channels(&self, node: &Node) -> bool {
        let constant = |value: &ValueId| self.graph.constant(*value).is_some();
        match &node.op {
            Op::MatMul => node.inputs.iter().any(constant),
            _ => self.filters(node).is_some(),
        }
    }

    /// The axis of `operand` that numpy broadcasting lays along the channels of `output`, unless it is stretched
    /// there.
    fn aligned(&self, operand: ValueId, output: ValueId) -> Option<Axis> {
        let (from, to) = (&self.shapes[operand.0], &self.shapes[output.0]);
        let along = self.axis(output);
        let axis = (from.len() + along).checked_sub(to.len())?;
        let whole = from.get(axis) == to.get(along) && to.get(along).is_some_and(|&channels| channels > 1);
        whole.then_some(Axis { axis, value: output })
    }
}

fn parameter_axes(parameters: &Parameters, node: &Node, input: usize) -> Option<Vec<Axis>> {
    let graph = parameters.graph;
    let output = node.outputs[0];
    let x = node.inputs[0];
    match &node.op {
        Op::Conv(conv) => {
            let residual = conv.epilogue.has_residual() && input + 1 == node.inputs.len();
            let mut axes = vec![Axis { axis: 0, value: output }];
            match input {
                0 => return None,
                _ if residual => return None,
                1 if conv.groups == 1 && parameters.axis(x) == 1 => axes.push(Axis { axis: 1, value: x }),
                _ => {}
            }
            Some(axes)
        }
        Op::ConvTranspose(conv) => {
            let residual = conv.epilogue.has_residual() && input + 1 == node.inputs.len();
            match input {
                0 => None,
                _ if residual => None,
                1 => {
                    let mut axes = Vec::new();
                    axes.extend((parameters.axis(x) == 1).then_some(Axis { axis: 0, value: x }));
                    axes.extend((conv.groups == 1).then_some(Axis { axis: 1, value: output }));
                    Some(axes)
                }
                _ => Some(vec![Axis { axis: 0, value: output }]),
            }
        }
        Op::BatchNorm { .. } => (input > 0).then(|| vec![Axis { axis: 0, value: output }]),
        Op::Binary(_) | Op::Where => {
            let value = node.inputs[input];
            graph.constant(value).map(|_| parameters.aligned(value, output).into_iter().collect())
        }
        Op::Gemm(gemm) => match input {
            0 => None,
            1 => {
                let (inner, outer) = if gemm.trans_b { (1, 0) } else { (0, 1) };
                let mut axes = vec![Axis { axis: outer, value: output }];
                if !gemm.trans_a && parameters.axis(x) == 1 {
                    axes.push(Axis { axis: inner, value: x });
                }
                Some(axes)
            }
            _ => {
                let value = node.inputs[input];
                graph.constant(value).map(|_| parameters.aligned(value, output).into_iter().collect())
            }
        },
        Op::Norm(norm) => parameters.norm(norm, node, input),
        Op::MatMul => parameters.product_parameters(node, input),
        Op::Activation(_)
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
        | Op::GlobalMaxPool
        | Op::Reduce(_)
        | Op::ArgMax(_)
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => None,
    }
}
