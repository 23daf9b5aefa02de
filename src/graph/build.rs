//! Builds graphs in code, one call per operator; names are generated.

use super::{
    Activation, Binary, Conv2d, ConvTranspose, Dim, Extent, Gemm, Graph, GraphError, Node, Op, Pad, Pool,
    Resize, Value, ValueId,
};
use crate::tensor::Tensor;
use std::sync::Arc;

/// A graph under construction.
///
/// ```
/// use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Sizes};
/// use wgpu_pagcp::tensor::Tensor;
///
/// let mut b = Builder::new("net");
/// let x = b.image("x", [3, 8, 8]);
/// let weight = Tensor::from_f32(vec![4, 3, 1, 1], vec![0.5; 12])?;
/// let y = b.conv(x, Conv2d::new([1, 1]), weight, None);
/// let y = b.activation(y, Activation::Relu);
/// b.output(y, "y");
/// let graph = b.finish()?;
/// assert_eq!(graph.infer(&Sizes::batch(2))?[y.0], [2, 4, 8, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    graph: Graph,
}

impl Builder {
    /// An empty graph called `name`.
    pub fn new(name: &str) -> Self {
        Self { graph: Graph { name: name.to_owned(), ..Graph::default() } }
    }

    /// A graph input with declared dimensions; dimension 0 is the batch.
    pub fn input(&mut self, name: &str, dims: &[Dim]) -> ValueId {
        let id = self.value(name.to_owned(), Some(dims.to_vec()), None);
        self.graph.inputs.push(id);
        id
    }

    /// A graph input `[N, channels, height, width]` with the symbolic batch `N`.
    pub fn image(&mut self, name: &str, size: [usize; 3]) -> ValueId {
        let mut dims = vec![Dim::Symbol("N".to_owned())];
        dims.extend(size.map(Dim::Fixed));
        self.input(name, &dims)
    }

    /// A constant.
    pub fn constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.value(name.to_owned(), None, Some(Arc::new(tensor)))
    }

    /// A node of any operator; its name is the ONNX operator in lower case with a number, its value's name that with
    /// `_out`.
    pub fn node(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = self.next_name(op.name());
        let output = self.value(format!("{name}_out"), None, None);
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    /// A convolution with its constants.
    pub fn conv(&mut self, x: ValueId, conv: Conv2d, weight: Tensor, bias: Option<Tensor>) -> ValueId {
        let name = self.next_name("Conv");
        let mut inputs = vec![x, self.constant(&format!("{name}.weight"), weight)];
        inputs.extend(bias.map(|bias| self.constant(&format!("{name}.bias"), bias)));
        self.node(Op::Conv(conv), &inputs)
    }

    /// A transposed convolution with its constants.
    pub fn conv_transpose(
        &mut self,
        x: ValueId,
        conv: ConvTranspose,
        weight: Tensor,
        bias: Option<Tensor>,
    ) -> ValueId {
        let name = self.next_name("ConvTranspose");
        let mut inputs = vec![x, self.constant(&format!("{name}.weight"), weight)];
        inputs.extend(bias.map(|bias| self.constant(&format!("{name}.bias"), bias)));
        self.node(Op::ConvTranspose(conv), &inputs)
    }

    /// A batch normalisation; `parameters` are scale, shift, mean and variance, each `[C]`.
    pub fn batch_norm(&mut self, x: ValueId, parameters: [Tensor; 4], epsilon: f32) -> ValueId {
        let name = self.next_name("BatchNormalization");
        let mut inputs = vec![x];
        for (part, tensor) in ["scale", "shift", "mean", "variance"].into_iter().zip(parameters) {
            inputs.push(self.constant(&format!("{name}.{part}"), tensor));
        }
        self.node(Op::BatchNorm { epsilon }, &inputs)
    }

    /// A pointwise function.
    pub fn activation(&mut self, x: ValueId, activation: Activation) -> ValueId {
        self.node(Op::Activation(activation), &[x])
    }

    /// A pointwise function of two values.
    pub fn binary(&mut self, binary: Binary, a: ValueId, b: ValueId) -> ValueId {
        self.node(Op::Binary(binary), &[a, b])
    }

    /// `a + b`.
    pub fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Add, a, b)
    }

    /// `a b`.
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Mul, a, b)
    }

    /// Joins values along an axis.
    pub fn concat(&mut self, values: &[ValueId], axis: usize) -> ValueId {
        self.node(Op::Concat { axis }, values)
    }

    /// A maximum over windows.
    pub fn max_pool(&mut self, x: ValueId, pool: Pool) -> ValueId {
        self.node(Op::MaxPool(pool), &[x])
    }

    /// A mean over windows.
    pub fn average_pool(&mut self, x: ValueId, pool: Pool) -> ValueId {
        self.node(Op::AveragePool(pool), &[x])
    }

    /// A mean over all positions.
    pub fn global_average_pool(&mut self, x: ValueId) -> ValueId {
        self.node(Op::GlobalAveragePool, &[x])
    }

    /// A spatial resize.
    pub fn resize(&mut self, x: ValueId, resize: Resize) -> ValueId {
        self.node(Op::Resize(resize), &[x])
    }

    /// Two dimensions, cut at `axis`.
    pub fn flatten(&mut self, x: ValueId, axis: usize) -> ValueId {
        self.node(Op::Flatten { axis }, &[x])
    }

    /// Other dimensions; 0 copies, -1 is inferred.
    pub fn reshape(&mut self, x: ValueId, shape: &[i64]) -> ValueId {
        self.node(Op::Reshape { shape: Extent::list(shape), allow_zero: false }, &[x])
    }

    /// A matrix product with its constants.
    pub fn gemm(&mut self, a: ValueId, gemm: Gemm, b: Tensor, c: Option<Tensor>) -> ValueId {
        let name = self.next_name("Gemm");
        let mut inputs = vec![a, self.constant(&format!("{name}.weight"), b)];
        inputs.extend(c.map(|c| self.constant(&format!("{name}.bias"), c)));
        self.node(Op::Gemm(gemm), &inputs)
    }

    /// A softmax along an axis.
    pub fn softmax(&mut self, x: ValueId, axis: usize) -> ValueId {
        self.node(Op::Softmax { axis }, &[x])
    }

    /// A copy.
    pub fn identity(&mut self, x: ValueId) -> ValueId {
        self.node(Op::Identity, &[x])
    }

    /// Spatial padding.
    pub fn pad(&mut self, x: ValueId, pad: Pad) -> ValueId {
        self.node(Op::Pad(pad), &[x])
    }

    /// Makes `value` a graph output called `name`.
    pub fn output(&mut self, value: ValueId, name: &str) {
        self.graph.values[value.0].name = name.to_owned();
        self.graph.outputs.push(value);
    }

    /// The graph, once it passes [`Graph::check`].
    pub fn finish(self) -> Result<Graph, GraphError> {
        self.graph.check()?;
        Ok(self.graph)
    }

    fn next_name(&self, op: &str) -> String {
        format!("{}_{}", op.to_lowercase(), self.graph.nodes.len())
    }

    fn value(&mut self, name: String, dims: Option<Vec<Dim>>, constant: Option<Arc<Tensor>>) -> ValueId {
        self.graph.values.push(Value { name, dims, constant });
        ValueId(self.graph.values.len() - 1)
    }
}
