//! The invariants that every graph holds, checked after import and after every optimisation pass.

use super::error::mismatch;
use super::{Graph, GraphError, Mismatch, Node, ValueId, shape};
use std::collections::HashSet;

impl Graph {
    /// Checks that names are unique; that inputs have declared dimensions; that every node has one output and as
    /// many inputs as its operator takes, each a constant, a graph input or an earlier node's output; that no value
    /// is defined twice; and that graph outputs are defined.
    pub fn check(&self) -> Result<(), GraphError> {
        unique("value", self.values.iter().map(|value| value.name.as_str()))?;
        unique("node", self.nodes.iter().map(|node| node.name.as_str()))?;
        let mut defined: Vec<bool> = self.values.iter().map(|value| value.constant.is_some()).collect();
        for &input in &self.inputs {
            self.check_input(input, &defined).map_err(|mismatch| self.value_error(input, mismatch))?;
            defined[input.0] = true;
        }
        for node in &self.nodes {
            self.check_node(node, &defined).map_err(|mismatch| node.error(mismatch))?;
            defined[node.outputs[0].0] = true;
        }
        for &output in &self.outputs {
            if defined.get(output.0) != Some(&true) {
                return mismatch("graph output", "a definition", "none")
                    .map_err(|mismatch| self.value_error(output, mismatch));
            }
        }
        Ok(())
    }

    fn check_input(&self, input: ValueId, defined: &[bool]) -> Result<(), Mismatch> {
        match (self.values.get(input.0), defined.get(input.0)) {
            (Some(value), Some(false)) if value.dims.is_some() => Ok(()),
            (Some(_), Some(false)) => mismatch("graph input", "declared dimensions", "none"),
            (Some(_), _) => mismatch("graph input", "one definition", "two"),
            (None, _) => mismatch("graph input", "a value of the graph", format!("{input:?}")),
        }
    }

    fn check_node(&self, node: &Node, defined: &[bool]) -> Result<(), Mismatch> {
        shape::check_arity(&node.op, node.inputs.len())?;
        for input in &node.inputs {
            if defined.get(input.0) != Some(&true) {
                return mismatch(format!("input {}", self.label(*input)), "an earlier definition", "none");
            }
        }
        let &[output] = &node.outputs[..] else {
            return mismatch("number of outputs", 1, node.outputs.len());
        };
        match defined.get(output.0) {
            Some(false) => Ok(()),
            Some(true) => mismatch(format!("output {}", self.label(output)), "one definition", "two"),
            None => mismatch("output", "a value of the graph", format!("{output:?}")),
        }
    }

    fn label(&self, id: ValueId) -> String {
        self.values.get(id.0).map_or_else(|| format!("{id:?}"), |value| value.name.clone())
    }

    pub(super) fn value_error(&self, id: ValueId, mismatch: Mismatch) -> GraphError {
        GraphError::Value { value: self.label(id), mismatch: Box::new(mismatch) }
    }
}

impl Node {
    pub(super) fn error(&self, mismatch: Mismatch) -> GraphError {
        GraphError::Node { node: self.name.clone(), op: self.op.name(), mismatch: Box::new(mismatch) }
    }
}

fn unique<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), GraphError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(GraphError::Duplicate { kind, name: name.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::graph::{Activation, Builder, Graph, Op, ValueId};

    fn relu_twice() -> Graph {
        let mut b = Builder::new("g");
        let x = b.image("x", [1, 2, 2]);
        let y = b.activation(x, Activation::Relu);
        let z = b.activation(y, Activation::Tanh);
        b.output(z, "z");
        b.finish().unwrap()
    }

    fn broken(edit: impl Fn(&mut Graph)) -> String {
        let mut graph = relu_twice();
        edit(&mut graph);
        graph.check().expect_err("the edit breaks a rule").to_string()
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(broken(|g| g.values[1].name = "x".into()), "value name x is used twice");
        assert_eq!(broken(|g| g.nodes[1].name = "relu_0".into()), "node name relu_0 is used twice");
    }

    #[test]
    fn nodes_are_in_order() {
        assert_eq!(
            broken(|g| g.nodes.swap(0, 1)),
            "node tanh_1 (Tanh): input relu_0_out: expected an earlier definition, found none"
        );
    }

    #[test]
    fn nodes_have_the_inputs_and_outputs_of_their_operator() {
        assert_eq!(
            broken(|g| g.nodes[1].inputs.push(ValueId(0))),
            "node tanh_1 (Tanh): number of inputs: expected 1, found 2"
        );
        assert_eq!(
            broken(|g| g.nodes[1].inputs[0] = ValueId(9)),
            "node tanh_1 (Tanh): input ValueId(9): expected an earlier definition, found none"
        );
        assert_eq!(
            broken(|g| g.nodes[1].outputs.clear()),
            "node tanh_1 (Tanh): number of outputs: expected 1, found 0"
        );
        assert_eq!(
            broken(|g| g.nodes[1].outputs[0] = ValueId(1)),
            "node tanh_1 (Tanh): output relu_0_out: expected one definition, found two"
        );
        assert_eq!(
            broken(|g| g.nodes[0].op = Op::BatchNorm { epsilon: 1e-5 }),
            "node relu_0 (BatchNormalization): number of inputs: expected 5, found 1"
        );
    }

    #[test]
    fn inputs_are_declared_and_outputs_defined() {
        assert_eq!(
            broken(|g| g.values[0].dims = None),
            "value x: graph input: expected declared dimensions, found none"
        );
        assert_eq!(
            broken(|g| g.inputs.push(ValueId(0))),
            "value x: graph input: expected one definition, found two"
        );
        assert_eq!(
            broken(|g| {
                g.nodes.pop();
            }),
            "value z: graph output: expected a definition, found none"
        );
    }
}
