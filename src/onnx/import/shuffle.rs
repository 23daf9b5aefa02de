//! Channel shuffles: PyTorch writes them as `Reshape -> Transpose -> Reshape`, which says nothing of channels that a
//! pruning could keep. Here they become a `Gather` of channels.

use crate::graph::{Dim, Graph, Move, Node, Op, Sizes, ValueId};

/// Sizes that stand for symbolic dimensions: the pattern must hold at both.
const SIZES: [usize; 2] = [64, 96];

/// Replaces every channel shuffle of `graph` that is one at any size.
pub(super) fn gather(graph: &mut Graph) {
    let known: Vec<_> = SIZES.iter().filter_map(|&size| graph.infer(&sizes(graph, size)).ok()).collect();
    let [first, second] = &known[..] else { return };
    let producers = graph.producers();
    let consumers = graph.consumers();
    let mut found = Vec::new();
    for (position, node) in graph.nodes.iter().enumerate() {
        let before = |value: ValueId| producers[value.0].map(|at| &graph.nodes[at]);
        let Some(shuffle) = Shuffle::ending(node, &before) else { continue };
        let alone = |value: &ValueId| consumers[value.0].len() == 1 && !graph.is_output(*value);
        if !shuffle.between.iter().all(alone) {
            continue;
        }
        let groups = [first, second].map(|shapes| shuffle.groups(shapes));
        if let [Some(groups), Some(again)] = groups
            && groups == again
        {
            found.push((position, shuffle.input, groups));
        }
    }
    let any = !found.is_empty();
    for (position, input, [groups, each]) in found {
        let indices = (0..groups * each).map(|to| (to % groups * each + to / groups) as i64).collect();
        let op = Op::Move(Move::Gather { axis: 1, indices, shape: vec![groups * each] });
        let node = Node { op, inputs: vec![input], ..graph.nodes[position].clone() };
        graph.edit().replace_node(position, node);
    }
    if any {
        graph.edit().drop_dead_nodes();
    }
}

/// Every symbolic dimension but the batch at one size.
fn sizes(graph: &Graph, size: usize) -> Sizes {
    let mut sizes = Sizes::batch(2);
    for dim in graph.inputs.iter().filter_map(|&id| graph.value(id).dims.as_ref()).flatten() {
        if let Dim::Symbol(name) = dim {
            sizes.symbols.insert(name.clone(), size);
        }
    }
    for dim in graph.inputs.iter().filter_map(|&id| graph.value(id).dims.as_ref()?.first()) {
        if let Dim::Symbol(name) = dim {
            sizes.symbols.insert(name.clone(), 2);
        }
    }
    sizes
}

/// What may be a shuffle: two reshapes around a transpose that swaps the axes behind the first.
struct Shuffle {
    input: ValueId,
    between: [ValueId; 2],
    output: ValueId,
}

impl Shuffle {
    fn ending<'a>(last: &Node, before: &impl Fn(ValueId) -> Option<&'a Node>) -> Option<Self> {
        let reshapes = |node: &Node| matches!(node.op, Op::Reshape { .. });
        let transpose = before(last.inputs[0]).filter(|_| reshapes(last))?;
        let Op::Move(Move::Transpose { perm }) = &transpose.op else { return None };
        let swapped = |(at, &from): (usize, &usize)| from == [0, 2, 1].get(at).copied().unwrap_or(at);
        let first = before(transpose.inputs[0]).filter(|node| reshapes(node))?;
        (perm.len() > 2 && perm.iter().enumerate().all(swapped)).then_some(Self {
            input: first.inputs[0],
            between: [transpose.inputs[0], last.inputs[0]],
            output: last.outputs[0],
        })
    }

    /// The number of groups and the channels of each, where the shapes are those of a shuffle.
    fn groups(&self, shapes: &[Vec<usize>]) -> Option<[usize; 2]> {
        let (from, split, to) = (&shapes[self.input.0], &shapes[self.between[0].0], &shapes[self.output.0]);
        let [images, channels, rest @ ..] = &from[..] else { return None };
        let [split_images, groups, each, split_rest @ ..] = &split[..] else { return None };
        let whole = groups * each == *channels && images == split_images;
        (whole && rest == split_rest && from == to).then_some([*groups, *each])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Builder};

    fn shuffle(shapes: [&[i64]; 2], perm: &[usize], fork: bool) -> Graph {
        let mut b = Builder::new("net");
        let x = b.image("x", [6, 2, 3]);
        let x = b.activation(x, Activation::Relu);
        let y = b.reshape(x, shapes[0]);
        let z = b.node(Op::Move(Move::Transpose { perm: perm.to_vec() }), &[y]);
        let z = b.reshape(z, shapes[1]);
        b.output(z, "z");
        if fork {
            b.output(y, "y");
        }
        let mut graph = b.finish().unwrap();
        gather(&mut graph);
        graph.check().unwrap();
        graph
    }

    #[test]
    fn a_shuffle_is_a_gather_of_channels() {
        let graph = shuffle([&[-1, 3, 2, 2, 3], &[-1, 6, 2, 3]], &[0, 2, 1, 3, 4], false);
        let indices = vec![0, 2, 4, 1, 3, 5];
        assert_eq!(graph.nodes.len(), 2);
        assert_eq!(graph.nodes[1].op, Op::Move(Move::Gather { axis: 1, indices, shape: vec![6] }));
        assert_eq!(graph.nodes[1].inputs, graph.nodes[0].outputs);
    }

    #[test]
    fn other_reshapes_and_transposes_stay() {
        assert_eq!(shuffle([&[-1, 3, 2, 2, 3], &[-1, 6, 3, 2]], &[0, 2, 1, 3, 4], false).nodes.len(), 4);
        assert_eq!(shuffle([&[-1, 3, 2, 2, 3], &[-1, 6, 2, 3]], &[0, 2, 1, 4, 3], false).nodes.len(), 4);
        assert_eq!(shuffle([&[-1, 6, 1, 6], &[-1, 6, 2, 3]], &[0, 2, 1, 3], false).nodes.len(), 4);
        assert_eq!(shuffle([&[-1, 3, 2, 2, 3], &[-1, 6, 2, 3]], &[0, 2, 1, 3, 4], true).nodes.len(), 4);
    }
}
