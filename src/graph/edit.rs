//! The only way in which optimisation passes change a graph. Ids stay what they are: values are added at the end and
//! never removed, so what is known of a value by its id stays true.

use super::{Graph, Node, Value, ValueId};
use crate::tensor::Tensor;
use std::sync::Arc;

/// A graph under change. Whoever edits leaves a graph that passes [`Graph::check`].
#[derive(Debug)]
pub struct Edit<'a> {
    graph: &'a mut Graph,
}

impl Graph {
    /// Starts changing the graph.
    pub fn edit(&mut self) -> Edit<'_> {
        Edit { graph: self }
    }

    /// The position of the node that computes each value, by id.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.values.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            for output in &node.outputs {
                producers[output.0] = Some(at);
            }
        }
        producers
    }

    /// The positions of the nodes that read each value, by id, in execution order; a node that reads a value twice
    /// is listed twice. Graph outputs are not in it.
    pub fn consumers(&self) -> Vec<Vec<usize>> {
        let mut consumers = vec![Vec::new(); self.values.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                consumers[input.0].push(at);
            }
        }
        consumers
    }

    /// Whether a value is a graph output.
    pub fn is_output(&self, id: ValueId) -> bool {
        self.outputs.contains(&id)
    }
}

impl Edit<'_> {
    /// The graph as it stands.
    pub fn graph(&self) -> &Graph {
        self.graph
    }

    /// Adds a value that a node will compute. Its name is `name`, with a number where that is taken.
    pub fn add_value(&mut self, name: &str) -> ValueId {
        self.add(name, None)
    }

    /// Adds a constant. Its name is `name`, with a number where that is taken.
    pub fn add_constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.add(name, Some(Arc::new(tensor)))
    }

    /// Makes a value that nothing computes any more a constant.
    pub fn set_constant(&mut self, id: ValueId, tensor: Tensor) {
        self.graph.values[id.0].constant = Some(Arc::new(tensor));
    }

    /// Inserts a node before the one at `position`; its name gets a number where it is taken.
    ///
    /// # Panics
    /// If `position` is past the end.
    pub fn insert_node(&mut self, position: usize, mut node: Node) {
        node.name = free_name(&node.name, |name| self.graph.nodes.iter().any(|node| node.name == name));
        self.graph.nodes.insert(position, node);
    }

    /// Puts `node` in the place of the one at `position`.
    ///
    /// # Panics
    /// If there is no such position.
    pub fn replace_node(&mut self, position: usize, node: Node) {
        self.graph.nodes[position] = node;
    }

    /// Removes and returns a node.
    ///
    /// # Panics
    /// If there is no such position.
    pub fn remove_node(&mut self, position: usize) -> Node {
        self.graph.nodes.remove(position)
    }

    /// Lets every node that reads `from` read `to`. Graph outputs keep their value, and with it their name.
    pub fn redirect_uses(&mut self, from: ValueId, to: ValueId) {
        for input in self.graph.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            if *input == from {
                *input = to;
            }
        }
    }

    /// Removes every node whose output nothing reads or takes the size of, and returns how many there were. Values stay, so ids do too.
    pub fn drop_dead_nodes(&mut self) -> usize {
        let mut needed = vec![false; self.graph.values.len()];
        for output in &self.graph.outputs {
            needed[output.0] = true;
        }
        let before = self.graph.nodes.len();
        let mut live = Vec::with_capacity(before);
        for node in self.graph.nodes.drain(..).rev() {
            if node.outputs.iter().any(|output| needed[output.0]) {
                for input in node.inputs.iter().copied().chain(node.op.measured()) {
                    needed[input.0] = true;
                }
                live.push(node);
            }
        }
        live.reverse();
        self.graph.nodes = live;
        before - self.graph.nodes.len()
    }

    fn add(&mut self, name: &str, constant: Option<Arc<Tensor>>) -> ValueId {
        let name = free_name(name, |name| self.graph.values.iter().any(|value| value.name == name));
        self.graph.values.push(Value { name, dims: None, constant });
        ValueId(self.graph.values.len() - 1)
    }
}

/// `name`, or the first of `name_1`, `name_2`, … that is not taken.
pub(crate) fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let mut numbered = (1_u64..).map(|number| format!("{name}_{number}"));
    numbered.find(|candidate| !taken(candidate)).expect("a graph has fewer names than there are numbers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Builder, Op};

    fn chain() -> (Graph, [ValueId; 4]) {
        let mut b = Builder::new("g");
        let x = b.image("x", [1, 2, 2]);
        let y = b.activation(x, Activation::Relu);
        let copy = b.identity(y);
        let z = b.activation(copy, Activation::Tanh);
        b.output(z, "z");
        (b.finish().unwrap(), [x, y, copy, z])
    }

    #[test]
    fn a_bypassed_node_is_dead_and_ids_stay() {
        let (mut graph, [_, y, copy, z]) = chain();
        let values = graph.values.clone();
        let mut edit = graph.edit();
        edit.redirect_uses(copy, y);
        assert_eq!(edit.drop_dead_nodes(), 1);
        assert_eq!(edit.drop_dead_nodes(), 0);
        assert_eq!(graph.values, values);
        assert_eq!(graph.nodes.len(), 2);
        assert_eq!(graph.nodes[1].inputs, [y]);
        assert_eq!(graph.producers()[z.0], Some(1));
        assert_eq!(graph.consumers()[y.0], [1]);
        assert!(graph.consumers()[copy.0].is_empty() && graph.is_output(z) && !graph.is_output(y));
        graph.check().unwrap();
    }

    #[test]
    fn whole_dead_chains_go() {
        let (mut graph, [x, _, _, z]) = chain();
        let mut edit = graph.edit();
        let node = Node { inputs: vec![x], ..edit.graph().nodes[2].clone() };
        edit.replace_node(2, node);
        assert_eq!(edit.drop_dead_nodes(), 2);
        assert_eq!(graph.nodes[0].outputs, [z]);
        graph.check().unwrap();
    }

    #[test]
    fn added_names_are_unique() {
        let (mut graph, [_, y, ..]) = chain();
        let mut edit = graph.edit();
        let value = edit.add_value("x");
        let constant = edit.add_constant("x", Tensor::from_f32(vec![1], vec![1.0]).unwrap());
        edit.insert_node(
            1,
            Node {
                name: "relu_0".into(),
                op: Op::Binary(crate::graph::Binary::Add),
                inputs: vec![y, constant],
                outputs: vec![value],
            },
        );
        assert_eq!(graph.value(value).name, "x_1");
        assert_eq!(graph.value(constant).name, "x_2");
        assert_eq!(graph.nodes[1].name, "relu_0_1");
        graph.check().unwrap();
    }

    #[test]
    fn a_removed_nodes_value_can_become_constant() {
        let (mut graph, [_, y, ..]) = chain();
        let mut edit = graph.edit();
        let removed = edit.remove_node(0);
        assert_eq!(removed.outputs, [y]);
        edit.set_constant(y, Tensor::from_f32(vec![1, 1, 1, 1], vec![2.0]).unwrap());
        graph.check().unwrap();
    }
}
