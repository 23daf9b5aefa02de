//! Inputs and outputs that the file stores as something else than floats.

use super::nodes::{Form, Writer, cast, proto};
use crate::graph::{ElementType, Node, ValueId, free_name};
use crate::onnx::elements::data_type;

impl Writer<'_> {
    /// Names the floats of inputs and outputs that are stored as something else.
    pub(super) fn name_floats(&mut self) {
        let graph = self.graph;
        for id in graph.inputs.iter().chain(&graph.outputs).copied() {
            if graph.element(id) != ElementType::F32 && graph.constant(id).is_none() {
                let name = self.new_name(&format!("{}_float", graph.value(id).name));
                self.floats.insert(id, name);
            }
        }
    }

    /// What nodes call a value.
    pub(super) fn name(&self, id: ValueId) -> &str {
        self.floats.get(&id).unwrap_or(&self.graph.value(id).name)
    }

    /// Writes what makes floats of inputs.
    pub(super) fn inputs(&mut self) {
        let graph = self.graph;
        for id in &graph.inputs {
            if let Some(floats) = self.floats.get(id).cloned() {
                self.cast(&graph.value(*id).name, ElementType::F32, floats);
            }
        }
    }

    /// Writes what makes outputs of floats, and constant ones.
    pub(super) fn outputs(&mut self) {
        let graph = self.graph;
        for &id in &graph.outputs {
            self.constant(id);
            let producer = graph.nodes.iter().find(|node| node.outputs.contains(&id));
            if producer.is_some_and(|node| node.op.element().is_some()) {
                continue;
            }
            if let Some(floats) = self.floats.get(&id).cloned() {
                self.cast(&floats, graph.element(id), graph.value(id).name.clone());
            }
        }
    }

    /// Writes a node that gives elements of type `own`: as the file stores them where they are an output, as floats where nodes
    /// read them or the file stores floats.
    pub(super) fn whole(&mut self, node: &Node, own: ElementType, form: Form, input: Vec<String>) {
        let id = node.outputs[0];
        let (stored, name) = (self.graph.element(id), self.graph.value(id).name.clone());
        let names = (node.name.as_str(), name.as_str());
        if stored == ElementType::F32 {
            let typed = self.helper(names, "typed", form, &input);
            self.nodes.push(proto(node.name.clone(), cast(data_type(stored)), vec![typed], name));
            return;
        }
        let typed = if stored == own {
            self.nodes.push(proto(node.name.clone(), form, input, name.clone()));
            name
        } else {
            let typed = self.helper(names, "typed", form, &input);
            self.nodes.push(proto(node.name.clone(), cast(data_type(stored)), vec![typed.clone()], name));
            typed
        };
        if self.graph.nodes.iter().any(|other| other.inputs.contains(&id)) {
            self.cast(&typed, ElementType::F32, self.name(id).to_owned());
        }
    }

    /// Writes what makes `to` of `from`.
    fn cast(&mut self, from: &str, element: ElementType, to: String) {
        let node = free_name(&format!("{to}_cast"), |name| self.node_names.contains(name));
        self.node_names.insert(node.clone());
        self.nodes.push(proto(node, cast(data_type(element)), vec![from.to_owned()], to));
    }
}
