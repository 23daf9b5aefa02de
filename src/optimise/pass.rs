//! What passes are: a look at one node, which ends in a rewrite, in a reason against it, or in nothing.

use crate::graph::{Edit, Graph, GraphError, Node, Shapes, Sizes, ValueId};

/// What a pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The nodes it rewrote or removed, by name.
    pub applied: Vec<String>,
    /// The nodes it looked at and left.
    pub skipped: Vec<Skipped>,
}

/// A node that a pass could have been meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The node's name.
    pub node: String,
    /// Why it stays as it is.
    pub reason: String,
}

/// One pass.
pub(super) struct Pass {
    /// Its name: that of its file.
    pub(super) name: &'static str,
    /// Its look at the node at a position.
    pub(super) visit: fn(&View, usize) -> Visit,
}

/// A change of the graph, decided on and not yet made.
pub(super) type Rewrite = Box<dyn FnOnce(&mut Edit<'_>)>;

/// `Ok(None)`: the node does not concern the pass. `Err`: it does, and this is why it stays.
pub(super) type Visit = Result<Option<Rewrite>, String>;

/// A graph as passes see it.
pub(super) struct View<'a> {
    pub(super) graph: &'a Graph,
    pub(super) shapes: Shapes,
    producers: Vec<Option<usize>>,
    consumers: Vec<Vec<usize>>,
}

impl Pass {
    /// Visits every node until no visit ends in a rewrite.
    pub(super) fn run(&self, edit: &mut Edit<'_>, sizes: &Sizes) -> Result<Outcome, GraphError> {
        let mut outcome = Outcome::default();
        while let Some((node, rewrite)) = self.first(&View::new(edit.graph(), sizes)?, &mut outcome.skipped) {
            rewrite(edit);
            outcome.applied.push(node);
        }
        Ok(outcome)
    }

    /// The first rewrite, and the nodes left before it.
    fn first(&self, view: &View, skipped: &mut Vec<Skipped>) -> Option<(String, Rewrite)> {
        skipped.clear();
        for (position, node) in view.graph.nodes.iter().enumerate() {
            match (self.visit)(view, position) {
                Ok(None) => {}
                Ok(Some(rewrite)) => return Some((node.name.clone(), rewrite)),
                Err(reason) => skipped.push(Skipped { node: node.name.clone(), reason }),
            }
        }
        None
    }
}

impl<'a> View<'a> {
    pub(super) fn new(graph: &'a Graph, sizes: &Sizes) -> Result<Self, GraphError> {
        let shapes = graph.infer(sizes)?;
        Ok(Self { graph, shapes, producers: graph.producers(), consumers: graph.consumers() })
    }

    /// The node at a position.
    pub(super) fn node(&self, position: usize) -> &'a Node {
        &self.graph.nodes[position]
    }

    /// The node that computes a value, and its position; `None` for graph inputs and constants.
    pub(super) fn producer(&self, value: ValueId) -> Option<(usize, &'a Node)> {
        self.producers[value.0].map(|position| (position, self.node(position)))
    }

    /// How often nodes read a value.
    pub(super) fn readers(&self, value: ValueId) -> usize {
        self.consumers[value.0].len()
    }

    /// An error where a value is needed beyond one read of it.
    pub(super) fn read_once(&self, value: ValueId) -> Result<(), String> {
        let name = &self.graph.value(value).name;
        if self.graph.is_output(value) {
            return Err(format!("{name} is a graph output"));
        }
        match self.readers(value) {
            1 => Ok(()),
            readers => Err(format!("{name} is read {readers} times")),
        }
    }

    /// The dimensions of a value.
    pub(super) fn shape(&self, value: ValueId) -> &[usize] {
        &self.shapes[value.0]
    }
}
