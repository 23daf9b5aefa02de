//! The form of a network that is trained: its file's constants stay what they are, batch normalisations use the batch's own
//! moments, and what follows a sum is fused with it where its gradient can be told from what is stored.

use super::{TrainError, concats, rows};
use crate::graph::{
    Activation, BatchNorm, Binary, Edit, Epilogue, Graph, Node, Op, Shapes, Sizes, Training, ValueId,
};
use crate::optimise::{fused, normalised};
use std::collections::BTreeSet;

/// What becomes of batch normalisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalisation {
    /// They normalise by the moments of each batch; scale and shift are trained. Moments of many pictures take their place
    /// in what is written ([`super::Moments`]).
    Train,
    /// They become part of the convolutions before them. Those that have none there keep their numbers.
    Fold,
}

/// A batch normalisation that takes its moments from the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The constants of the file that hold mean and variance.
    pub statistics: [ValueId; 2],
    /// The moments of a batch, `[2, C]`.
    pub moments: ValueId,
}

/// A network as it is trained, at one batch size.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The network.
    pub graph: Graph,
    /// The shape of every value.
    pub shapes: Shapes,
    /// Constants that are trained; they have the same ids in the network that [`prepared`] gives.
    pub trained: BTreeSet<ValueId>,
    /// In execution order.
    pub normalised: Vec<Normalised>,
}

/// The network whose constants are trained and which is written in the end: as in its file, but for matrix products in
/// their normal form, and without the batch normalisations that are to be folded.
///
/// # Errors
/// Where the graph has no meaning at `sizes`.
pub fn prepared(graph: &Graph, sizes: &Sizes, normalisation: Normalisation) -> Result<Graph, TrainError> {
    Ok(normalised(graph, sizes, normalisation == Normalisation::Fold)?)
}

/// The form of `graph` ([`prepared`]) that is trained. What nodes in `frozen` hold is not trained.
///
/// # Errors
/// Where the graph has no meaning at `sizes`.
pub fn forward(
    graph: &Graph,
    sizes: &Sizes,
    normalisation: Normalisation,
    frozen: &BTreeSet<String>,
) -> Result<Forward, TrainError> {
    let mut graph = fused(graph, sizes)?;
    split_epilogues(&mut graph.edit());
    let shapes = graph.infer(sizes)?;
    concats::by_sums(&mut graph, &shapes);
    rows::of_tokens(&mut graph, &shapes);
    let normalised = match normalisation {
        Normalisation::Train => by_moments(&mut graph, &shapes),
        Normalisation::Fold => Vec::new(),
    };
    let trained = trained(&graph, frozen);
    for node in &mut graph.nodes {
        if let Op::Conv(conv) = &mut node.op {
            // Weights that change are packed as they are, not transformed.
            conv.direct = true;
        }
    }
    let shapes = graph.infer(sizes)?;
    Ok(Forward { graph, shapes, trained, normalised })
}

/// Weights and biases of products, scales and shifts of normalisations and slopes that belong to nodes outside of
/// `frozen` and that nothing else reads.
fn trained(graph: &Graph, frozen: &BTreeSet<String>) -> BTreeSet<ValueId> {
    let mut trained = BTreeSet::new();
    let mut others = BTreeSet::new();
    for node in &graph.nodes {
        let parameters = match &node.op {
            Op::Conv(conv) => 1..node.inputs.len() - usize::from(conv.epilogue.has_residual()),
            Op::ConvTranspose(conv) => 1..node.inputs.len() - usize::from(conv.epilogue.has_residual()),
            Op::Gemm(_) => 1..node.inputs.len(),
            Op::Training(Training::BatchNorm(_)) => 2..4,
            Op::Norm(_) => 1..3,
            Op::Binary(Binary::PRelu) => 1..2,
            _ => 0..0,
        };
        for (at, &input) in node.inputs.iter().enumerate() {
            let floats = graph.constant(input).is_some_and(|tensor| tensor.f32s().is_ok());
            if parameters.contains(&at) && floats && !frozen.contains(&node.name) {
                trained.insert(input);
            } else {
                others.insert(input);
            }
        }
    }
    trained.difference(&others).copied().collect()
}

/// Lets batch normalisations with constants take their moments from the batch, together with the sum and the activation
/// after them.
fn by_moments(graph: &mut Graph, shapes: &Shapes) -> Vec<Normalised> {
    let mut normalised = Vec::new();
    let mut position = 0;
    while position < graph.nodes.len() {
        let node = graph.nodes[position].clone();
        let Op::BatchNorm { epsilon } = node.op else {
            position += 1;
            continue;
        };
        let After { addend, activation, output, nodes } = after(graph, shapes, node.outputs[0]);
        let [x, scale, shift, mean, variance] = [0, 1, 2, 3, 4].map(|input| node.inputs[input]);
        // A sum may need what is computed between.
        let place = if addend.is_some() { nodes[0] - 1 } else { position };
        let mut edit = graph.edit();
        nodes.iter().rev().chain([&position]).for_each(|&at| drop(edit.remove_node(at)));
        let moments = edit.add_value(&format!("{}/moments", node.name));
        let measure = Node {
            name: format!("{}/moments", node.name),
            op: Op::Training(Training::BatchMoments),
            inputs: vec![x],
            outputs: vec![moments],
        };
        let op = Op::Training(Training::BatchNorm(BatchNorm { epsilon, activation }));
        let inputs = [x, moments, scale, shift].into_iter().chain(addend).collect();
        edit.insert_node(place, Node { op, inputs, outputs: vec![output], ..node });
        edit.insert_node(place, measure);
        normalised.push(Normalised { statistics: [mean, variance], moments });
        position += if addend.is_some() { 0 } else { 2 };
    }
    normalised
}

/// What becomes part of the normalisation before it.
struct After {
    addend: Option<ValueId>,
    activation: Activation,
    /// What comes out.
    output: ValueId,
    /// The positions of the nodes, ascending.
    nodes: Vec<usize>,
}

/// The sum and the activation that follow the output of a normalisation and have gradients as part of it.
fn after(graph: &Graph, shapes: &Shapes, output: ValueId) -> After {
    let mut found = After { addend: None, activation: Activation::None, output, nodes: Vec::new() };
    let next = |value: ValueId| only_reader(graph, value).map(|at| (at, &graph.nodes[at]));
    if let Some((at, node)) = next(output)
        && let (Op::Binary(Binary::Add), &[a, b]) = (&node.op, &node.inputs[..])
    {
        let other = if a == output { b } else { a };
        if other != output && graph.constant(other).is_none() && shapes[other.0] == shapes[output.0] {
            found.addend = Some(other);
            found.output = node.outputs[0];
            found.nodes.push(at);
        }
    }
    if let Some((at, node)) = next(found.output)
        && let Op::Activation(activation) = node.op
        && activation.ends_sums()
        && (found.addend.is_none() || activation.tells_from_output())
    {
        found.activation = activation;
        found.output = node.outputs[0];
        found.nodes.push(at);
    }
    found
}

/// The position of the node that alone reads a value which is no output.
fn only_reader(graph: &Graph, value: ValueId) -> Option<usize> {
    match graph.consumers()[value.0][..] {
        [at] if !graph.is_output(value) => Some(at),
        _ => None,
    }
}

/// Takes epilogues off again whose derivative does not follow from what is stored.
fn split_epilogues(edit: &mut Edit<'_>) {
    let mut position = 0;
    while position < edit.graph().nodes.len() {
        let node = edit.graph().nodes[position].clone();
        let after = split(edit, &node);
        position += 1;
        let Some((sum, after)) = after else { continue };
        edit.replace_node(position - 1, sum);
        for node in after {
            edit.insert_node(position, node);
            position += 1;
        }
    }
}

/// The sum of a node without its epilogue, and the nodes that compute that.
fn split(edit: &mut Edit<'_>, node: &Node) -> Option<(Node, Vec<Node>)> {
    let mut sum = node.clone();
    let epilogue = match &mut sum.op {
        Op::Conv(conv) => &mut conv.epilogue,
        Op::ConvTranspose(conv) => &mut conv.epilogue,
        Op::Gemm(gemm) => &mut gemm.epilogue,
        _ => return None,
    };
    let (activation, added_last) = match *epilogue {
        Epilogue::Plain => return None,
        Epilogue::Activation(activation) | Epilogue::AddThenActivation(activation) => (activation, false),
        Epilogue::ActivationThenAdd(activation) => (activation, true),
    };
    if !added_last && activation.tells_from_output() {
        return None;
    }
    let adds_first = matches!(*epilogue, Epilogue::AddThenActivation(_));
    *epilogue = Epilogue::Plain;
    let residual = if adds_first || added_last { sum.inputs.pop() } else { None };
    let mut value = edit.add_value(&format!("{}/sum", node.name));
    sum.outputs = vec![value];
    let mut after: Vec<(&str, Op, Option<ValueId>)> = vec![("activation", Op::Activation(activation), None)];
    if let Some(residual) = residual {
        let added = ("added", Op::Binary(Binary::Add), Some(residual));
        after.insert(usize::from(added_last), added);
    }
    let last = after.len() - 1;
    let nodes = after.into_iter().enumerate().map(|(at, (part, op, other))| {
        let name = format!("{}/{part}", node.name);
        let output = if at == last { node.outputs[0] } else { edit.add_value(&name) };
        let inputs = [value].into_iter().chain(other).collect();
        value = output;
        Node { name, op, inputs, outputs: vec![output] }
    });
    Some((sum, nodes.collect()))
}
