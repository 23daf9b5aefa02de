//! Reverse-mode differentiation: a network becomes one that computes the gradients of its losses as well, in nodes
//! behind its own. Plans, memory, the f64 reference and timings then work as for any network.

mod choices;
mod layout;
mod norm;
mod pointwise;
mod products;
mod spatial;
mod tape;

use super::TrainError;
use crate::graph::{Binary, Dim, Graph, LossKind, Node, Op, Shapes, Sizes, Training, ValueId};
use std::collections::BTreeSet;
use tape::Tape;

/// A loss on a graph output.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Its name, unique.
    pub name: String,
    /// The output that it judges.
    pub output: ValueId,
    /// What is judged of it: operators one after another.
    pub view: Vec<Op>,
    /// How.
    pub kind: LossKind,
}

/// Constants that are trained as one run of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The constants, one after another.
    pub constants: Vec<ValueId>,
    /// The output that holds their gradients, in the same order.
    pub gradient: ValueId,
    /// Whether weight decay concerns it: weights of products alone.
    pub decays: bool,
}

/// A constant of the training graph that is another one rearranged.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The constant.
    pub value: ValueId,
    /// What it is made of.
    pub source: ValueId,
    /// For every element, that of the source.
    pub elements: Vec<u32>,
}

/// The inputs of an objective.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveInputs {
    /// See [`Training::Loss`].
    pub labels: ValueId,
    /// `[1]`: the factor of its gradient.
    pub scale: ValueId,
}

/// A network with the gradients of its losses.
#[derive(Clone, Debug)]
pub struct Differentiated {
    /// Inputs: those of the network, then labels and scale of every objective. Outputs: those of the network, then the
    /// gradient of every block. All dimensions are numbers: shapes are those at [`Sizes::declared`].
    pub graph: Graph,
    /// The shape of every value.
    pub shapes: Shapes,
    /// What is trained, in the order of the gradients.
    pub blocks: Vec<Block>,
    /// Constants that follow others.
    pub derived: Vec<Derived>,
    /// Of every objective.
    pub objectives: Vec<ObjectiveInputs>,
}

/// Differentiates `graph`, which is in the form that [`super::forward()`] gives and whose values have `shapes`, with
/// respect to the constants in `trained`.
///
/// # Errors
/// [`TrainError::NoGradient`] names a node between a loss and what is trained that has none.
pub fn differentiate(
    graph: &Graph,
    shapes: &Shapes,
    trained: &BTreeSet<ValueId>,
    objectives: &[Objective],
) -> Result<Differentiated, TrainError> {
    let mut graph = graph.clone();
    for &input in &graph.inputs {
        graph.values[input.0].dims = Some(shapes[input.0].iter().map(|&extent| Dim::Fixed(extent)).collect());
    }
    let forward = graph.nodes.clone();
    let mut tape = Tape::new(graph, shapes.clone(), trained);
    let inputs = objectives.iter().map(|objective| judge(&mut tape, objective)).collect::<Result<_, _>>()?;
    for node in forward.iter().rev() {
        let output = node.outputs[0];
        if let Some(dy) = tape.gradient(output).filter(|_| tape.needs(output)) {
            back(&mut tape, node, dy)?;
        }
    }
    let mut done = tape.finish()?;
    done.objectives = inputs;
    done.shapes = done.graph.infer(&Sizes::declared())?;
    Ok(done)
}

/// Adds an objective's inputs and its gradient.
fn judge(tape: &mut Tape, objective: &Objective) -> Result<ObjectiveInputs, TrainError> {
    tape.begin(&format!("loss:{}", objective.name));
    let mut seen = Vec::new();
    let mut judged = objective.output;
    for (number, op) in objective.view.iter().enumerate() {
        let part = format!("view{number}");
        let value = tape.node(&part, op.clone(), &[judged])?;
        let name = format!("loss:{}/{part}", objective.name);
        seen.push(Node { name, op: op.clone(), inputs: vec![judged], outputs: vec![value] });
        judged = value;
    }
    let mut shape = tape.shape(judged).to_vec();
    if let Some(channels) = shape.get_mut(1) {
        *channels = objective.kind.label_channels(*channels);
    }
    let labels = tape.input(&format!("labels:{}", objective.name), shape);
    let scale = tape.input(&format!("scale:{}", objective.name), vec![1]);
    let loss = Op::Training(Training::Loss(objective.kind));
    let gradient = tape.node("gradient", loss, &[judged, labels, scale])?;
    tape.add(judged, gradient)?;
    for node in seen.iter().rev() {
        if let Some(dy) = tape.gradient(node.outputs[0]) {
            back(tape, node, dy)?;
        }
    }
    Ok(ObjectiveInputs { labels, scale })
}

/// Adds the gradients of what `node` reads and of its constants, `dy` being that of what it computes.
fn back(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    tape.begin(&node.name);
    let x = node.inputs[0];
    match &node.op {
        Op::Conv(conv) => products::conv(tape, node, conv, dy),
        Op::ConvTranspose(conv) => products::conv_transpose(tape, node, conv, dy),
        Op::Gemm(gemm) => products::gemm(tape, node, gemm, dy),
        Op::MatMul => products::mat_mul(tape, node, dy),
        Op::BatchNorm { epsilon } => pointwise::fixed_batch_norm(tape, node, *epsilon, dy),
        Op::Activation(activation) => pointwise::activation(tape, node, *activation, dy),
        Op::Binary(Binary::Add) => pointwise::sum(tape, node, dy),
        Op::Binary(Binary::Sub) => pointwise::difference(tape, node, dy),
        Op::Binary(Binary::Mul) => pointwise::product(tape, node, dy),
        Op::Binary(Binary::Div) => pointwise::quotient(tape, node, dy),
        Op::Binary(Binary::Pow) => choices::power(tape, node, dy),
        Op::Binary(Binary::Min | Binary::Max) => choices::extreme(tape, node, dy),
        Op::Binary(Binary::PRelu) => choices::slope(tape, node, dy),
        // It does not change where it changes little.
        Op::Binary(Binary::Equal) => Ok(()),
        Op::Where => choices::choice(tape, node, dy),
        Op::Norm(of) => norm::norm(tape, node, *of, dy),
        Op::Softmax { axis } => pointwise::softmax(tape, node, *axis, dy),
        Op::LogSoftmax { axis } => pointwise::log_softmax(tape, node, *axis, dy),
        Op::Concat { axis } => layout::concat(tape, node, *axis, dy),
        Op::Identity => tape.add(x, dy),
        Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze { .. } | Op::Unsqueeze { .. } => {
            layout::reshape(tape, x, dy)
        }
        Op::Move(of) => layout::moved(tape, node, of, dy),
        Op::Pad(pad) => layout::pad(tape, node, pad, dy),
        Op::MaxPool(pool) => spatial::max_pool(tape, node, pool.clone(), dy),
        Op::GlobalMaxPool => spatial::global_max_pool(tape, node, dy),
        Op::AveragePool(pool) => spatial::average_pool(tape, node, pool.clone(), dy),
        Op::GlobalAveragePool => spatial::mean(tape, x, &[2, 3], dy),
        Op::Reduce(reduce) => spatial::reduce(tape, node, reduce, dy),
        Op::Resize(resize) => spatial::resize(tape, node, resize, dy),
        Op::Training(Training::BatchNorm(norm)) => pointwise::batch_norm(tape, node, *norm, dy),
        // Its gradient is part of that of the normalisation.
        Op::Training(Training::BatchMoments) => Ok(()),
        Op::ArgMax(_) | Op::Training(_) => {
            Err(TrainError::no_gradient(node, "this operator is not differentiated"))
        }
    }
}
