//! Distillation of features (arXiv 1412.6550): values inside of a network are compared with those of the network that it was
//! pruned from, where no channel of them went.

use super::TrainError;
use super::batch::Lesson;
use crate::graph::{Binary, Graph, Op, Shapes, Sizes, ValueId};
use crate::tasks::Goal;
use std::collections::{BTreeMap, BTreeSet};

/// The most values that are compared.
const MOST: usize = 4;

/// What a network `student` learns from values inside of `teacher`, beside `compared`, each counting `weight` times its mean
/// squared difference over the teacher's mean square, and the values of the teacher that these lessons compare with, in
/// their order.
///
/// Values of equal names and shapes are alike in both, as nothing of them was pruned. Of those of one resolution the
/// one is taken that most outputs follow from, the last of several: it has what most is computed from.
///
/// # Errors
/// [`TrainError::Features`] where no value has the same shape in both.
pub fn features(
    (student, teacher): (&Graph, &Graph),
    compared: &[Lesson],
    weight: f64,
    sizes: &Sizes,
) -> Result<(Vec<Lesson>, Vec<ValueId>), TrainError> {
    let (shapes, taught) = (student.infer(sizes)?, teacher.infer(sizes)?);
    let shown: BTreeMap<&str, ValueId> = teacher
        .nodes
        .iter()
        .map(|node| (teacher.value(node.outputs[0]).name.as_str(), node.outputs[0]))
        .collect();
    let alike = |value: ValueId| -> Option<ValueId> {
        let name = student.value(value).name.as_str();
        let known = compared.iter().any(|lesson| lesson.goal.output == name);
        shown.get(name).copied().filter(|other| !known && taught[other.0] == shapes[value.0])
    };
    let mut best: BTreeMap<[usize; 2], (usize, usize, ValueId, ValueId)> = BTreeMap::new();
    let followers = followers(student);
    for (at, value) in inner(student, &shapes) {
        let Some(other) = alike(value) else { continue };
        let resolution = [shapes[value.0][2], shapes[value.0][3]];
        let found = (followers[value.0].len(), at, value, other);
        let place = best.entry(resolution).or_insert(found);
        *place = (*place).max(found);
    }
    // In the order of execution, of which the last see most of a picture.
    let mut chosen: Vec<_> = best.into_values().map(|(_, at, value, other)| (at, value, other)).collect();
    chosen.sort_unstable();
    chosen.drain(..chosen.len().saturating_sub(MOST));
    if chosen.is_empty() {
        return Err(TrainError::Features);
    }
    let lesson = |(_, value, _): &(usize, ValueId, ValueId)| {
        let name = &student.value(*value).name;
        let goal = Goal::of_values(name, &shapes[value.0][1..]);
        Lesson { name: format!("{name} of the teacher"), task: 0, goal, weight, taught: true, relative: true }
    };
    Ok((chosen.iter().map(lesson).collect(), chosen.iter().map(|(_, _, other)| *other).collect()))
}

/// Maps that convolutions, sums and activations compute and that nothing is fused into, each with its node's position.
fn inner<'a>(graph: &'a Graph, shapes: &'a Shapes) -> impl Iterator<Item = (usize, ValueId)> + 'a {
    let consumers = graph.consumers();
    graph.nodes.iter().enumerate().filter_map(move |(at, node)| {
        let value = node.outputs[0];
        let computes = matches!(
            node.op,
            Op::Conv(_) | Op::BatchNorm { .. } | Op::Activation(_) | Op::Binary(Binary::Add)
        );
        let fuses = |&reader: &usize| {
            graph.nodes.get(reader).is_some_and(|node| {
                matches!(node.op, Op::BatchNorm { .. } | Op::Activation(_) | Op::Binary(Binary::Add))
            })
        };
        let whole = !matches!(consumers[value.0][..], [ref reader] if fuses(reader));
        let inside = shapes[value.0].len() == 4 && !graph.is_output(value) && !consumers[value.0].is_empty();
        (computes && whole && inside).then_some((at, value))
    })
}

/// The outputs that follow from every value.
fn followers(graph: &Graph) -> Vec<BTreeSet<ValueId>> {
    let mut followers = vec![BTreeSet::new(); graph.values.len()];
    for &output in &graph.outputs {
        followers[output.0].insert(output);
    }
    for node in graph.nodes.iter().rev() {
        let own: BTreeSet<ValueId> = node.outputs.iter().flat_map(|id| followers[id.0].clone()).collect();
        node.inputs.iter().for_each(|input| followers[input.0].extend(&own));
    }
    followers
}
