//! What a network is at a glance, as plain data for `inspect` and its JSON: inputs, outputs, layers.

use super::{Dim, Graph, ValueId, attributes};
use serde::{Serialize, Serializer};

/// A graph without its contents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The graph's name.
    pub name: String,
    /// Graph inputs, in order.
    pub inputs: Vec<Port>,
    /// Graph outputs, in order.
    pub outputs: Vec<Port>,
    /// Nodes, in execution order.
    pub layers: Vec<Layer>,
}

/// A graph input or output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its declared dimensions, numbers and names; the inferred ones where an output has none declared.
    pub dims: Vec<Dim>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its ONNX operator.
    pub op: &'static str,
    /// Its attributes, as [`attributes`] writes them.
    pub attributes: String,
    /// The names of what it reads, constants included.
    pub inputs: Vec<String>,
    /// The name of what it computes.
    pub output: String,
    /// The dimensions of what it computes.
    pub shape: Vec<usize>,
}

impl Graph {
    /// The summary of a graph whose values have `shapes`, by id.
    pub fn summary(&self, shapes: &[Vec<usize>]) -> Summary {
        let name = |id: ValueId| self.value(id).name.clone();
        let port = |&id: &ValueId| {
            let inferred = || shapes[id.0].iter().map(|&size| Dim::Fixed(size)).collect();
            Port { name: name(id), dims: self.value(id).dims.clone().unwrap_or_else(inferred) }
        };
        let layers = self.nodes.iter().map(|node| Layer {
            name: node.name.clone(),
            op: node.op.name(),
            attributes: attributes(&node.op),
            inputs: node.inputs.iter().map(|&input| name(input)).collect(),
            output: name(node.outputs[0]),
            shape: shapes[node.outputs[0].0].clone(),
        });
        Summary {
            name: self.name.clone(),
            inputs: self.inputs.iter().map(port).collect(),
            outputs: self.outputs.iter().map(port).collect(),
            layers: layers.collect(),
        }
    }
}

impl Serialize for Dim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(size) => size.serialize(serializer),
            Self::Symbol(name) => name.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Builder, Conv2d, Sizes};
    use crate::tensor::Tensor;

    #[test]
    fn summaries_are_json() {
        let mut b = Builder::new("net");
        let x = b.image("x", [1, 4, 4]);
        let weight = Tensor::from_f32(vec![2, 1, 3, 3], vec![0.0; 18]).unwrap();
        let y = b.conv(x, Conv2d::new([3, 3]), weight, None);
        b.output(y, "y");
        let graph = b.finish().unwrap();
        let summary = graph.summary(&graph.infer(&Sizes::batch(1)).unwrap());
        let expected = serde_json::json!({
            "name": "net",
            "inputs": [{"name": "x", "dims": ["N", 1, 4, 4]}],
            "outputs": [{"name": "y", "dims": [1, 2, 2, 2]}],
            "layers": [{
                "name": "conv_0",
                "op": "Conv",
                "attributes": "kernel=3x3",
                "inputs": ["x", "conv_0.weight"],
                "output": "y",
                "shape": [1, 2, 2, 2]
            }]
        });
        assert_eq!(serde_json::to_value(summary).unwrap(), expected);
    }
}
