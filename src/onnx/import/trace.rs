//! Ranks and shapes along an import: ranks make negative axes positive, shapes find wrong nodes while the file's
//! name is at hand.

use crate::graph::{Dim, Graph, Mismatch, Move, Node, Op, Reduce, Sizes};
use crate::tensor::Tensor;

/// What symbolic dimensions are taken for: multiples of 64 that still differ after ten halvings.
const GUESSES: [usize; 2] = [1088, 2240];

/// What is known of the values so far, by id. Shapes are followed at two batch sizes, which tells dimensions that
/// depend on the batch from others. Other symbolic dimensions are given two sizes as well, which may not fit the
/// network: a shape that fails then is only unknown.
#[derive(Debug, Default)]
pub(super) struct Trace {
    ranks: Vec<usize>,
    sizes: Vec<Sizes>,
    /// Whether symbolic dimensions other than the batch were given sizes.
    guessed: bool,
    shapes: [Vec<Option<Vec<usize>>>; 2],
}

impl Trace {
    /// Takes up the graph's inputs, which are all its values so far.
    pub(super) fn start(&mut self, graph: &Graph) {
        let declared = graph.inputs.first().and_then(|&id| graph.value(id).dims.as_ref()?.first());
        let batch = match declared {
            Some(Dim::Fixed(batch)) => (*batch).max(1),
            _ => 1,
        };
        let inputs = graph.inputs.iter().filter_map(|&id| graph.value(id).dims.as_ref());
        let symbols: Vec<&String> = inputs
            .flat_map(|dims| dims.iter().skip(1))
            .filter_map(|dim| match dim {
                Dim::Symbol(symbol) => Some(symbol),
                Dim::Fixed(_) => None,
            })
            .collect();
        self.guessed = !symbols.is_empty();
        self.sizes = [(batch, GUESSES[0]), (batch.saturating_add(1), GUESSES[1])]
            .map(|(batch, size)| {
                Sizes::new(batch, symbols.iter().map(|&name| (name.clone(), size)).collect())
            })
            .to_vec();
        for &input in &graph.inputs {
            self.ranks[input.0] = graph.value(input).dims.as_ref().map_or(0, Vec::len);
            for (shapes, sizes) in self.shapes.iter_mut().zip(&self.sizes) {
                shapes[input.0] = graph.input_shape(input, sizes).ok();
            }
        }
    }

    /// Makes room for a new value.
    pub(super) fn value(&mut self, constant: Option<&Tensor>) {
        self.ranks.push(constant.map_or(0, |tensor| tensor.shape().len()));
        for shapes in &mut self.shapes {
            shapes.push(constant.map(|tensor| tensor.shape().to_vec()));
        }
    }

    /// Sets the rank of a value of which no more is known.
    pub(super) fn set_rank(&mut self, value: usize, rank: usize) {
        self.ranks[value] = rank;
    }

    /// Follows a node that is about to be added to `graph`; an error where it is wrong at both batch sizes.
    pub(super) fn node(&mut self, graph: &Graph, node: &Node) -> Result<(), Mismatch> {
        let output = node.outputs[0].0;
        let rank = |at: usize| node.inputs.get(at).map_or(0, |input| self.ranks[input.0]);
        self.ranks[output] = output_rank(&node.op, &rank);
        let mut failures = Vec::new();
        for (shapes, sizes) in self.shapes.iter_mut().zip(&self.sizes) {
            if node.inputs.iter().any(|input| shapes[input.0].is_none()) {
                continue;
            }
            match graph.node_shape(node, shapes, sizes) {
                Ok(shape) => shapes[output] = Some(shape),
                Err(mismatch) => failures.push(mismatch),
            }
        }
        let wrong = failures.len() == self.sizes.len() && !self.guessed;
        if wrong { Err(failures.swap_remove(0)) } else { Ok(()) }
    }

    /// The number of dimensions.
    pub(super) fn rank(&self, value: usize) -> usize {
        self.ranks[value]
    }

    /// The shape at the file's batch size (1 where it has a name), where it is known.
    pub(super) fn shape(&self, value: usize) -> Option<&[usize]> {
        self.shapes[0][value].as_deref().filter(|_| !self.guessed)
    }

    /// Every dimension that does not depend on the batch, where the shape is known.
    pub(super) fn fixed(&self, value: usize) -> Option<Vec<Option<usize>>> {
        let [first, second] = &self.shapes;
        let (first, second) = (first[value].as_ref()?, second[value].as_ref()?);
        Some(first.iter().zip(second).map(|(a, b)| (a == b).then_some(*a)).collect())
    }
}

fn output_rank(op: &Op, rank: &dyn Fn(usize) -> usize) -> usize {
    match op {
        Op::Reshape { shape, .. } => shape.len(),
        Op::Flatten { .. } | Op::Gemm(_) => 2,
        Op::Binary(_) => rank(0).max(rank(1)),
        Op::Conv(_)
        | Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Concat { .. }
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Softmax { .. }
        | Op::Identity
        | Op::Pad(_)
        | Op::LogSoftmax { .. }
        | Op::GlobalMaxPool
        | Op::Norm(_)
        | Op::ConvTranspose(_) => rank(0),
        Op::Where => rank(0).max(rank(1)).max(rank(2)),
        Op::Reduce(Reduce { axes, keep_dims, .. }) => rank(0) - if *keep_dims { 0 } else { axes.len() },
        Op::ArgMax(op) => rank(0) - usize::from(!op.keep_dims),
        Op::MatMul => match (rank(0), rank(1)) {
            (1, 1) => 0,
            (1, other) | (other, 1) => other.saturating_sub(1),
            (a, b) => a.max(b),
        },
        Op::Move(Move::Expand { shape }) => rank(0).max(shape.len()),
        Op::Move(Move::Gather { shape, .. }) => rank(0) + shape.len() - 1,
        Op::Move(_) => rank(0),
        Op::Squeeze { axes } => rank(0) - axes.len(),
        Op::Unsqueeze { axes } => rank(0) + axes.len(),
        Op::Training(_) => unreachable!("no file has operators of training graphs"),
    }
}
