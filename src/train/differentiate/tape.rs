//! The training graph while it is made.

use super::{Block, Derived, Differentiated};
use crate::graph::shape::output_shape;
use crate::graph::{Activation, Binary, Dim, Epilogue, Extent, Graph, Node, Op, Shapes, ValueId};
use crate::tensor::Tensor;
use crate::train::TrainError;
use std::collections::{BTreeMap, BTreeSet};

/// A graph, what is known of its gradients, and the node that is being differentiated.
pub(super) struct Tape<'a> {
    graph: Graph,
    shapes: Shapes,
    trained: &'a BTreeSet<ValueId>,
    /// Whether a value follows from something that is trained.
    needed: Vec<bool>,
    gradients: BTreeMap<ValueId, ValueId>,
    blocks: Vec<Block>,
    derived: Vec<Derived>,
    prefix: String,
}

impl<'a> Tape<'a> {
    pub(super) fn new(graph: Graph, shapes: Shapes, trained: &'a BTreeSet<ValueId>) -> Self {
        let mut needed = vec![false; graph.values.len()];
        for node in &graph.nodes {
            let follows = node.inputs.iter().any(|input| needed[input.0] || trained.contains(input));
            node.outputs.iter().for_each(|output| needed[output.0] = follows);
        }
        let (gradients, blocks, derived) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { graph, shapes, trained, needed, gradients, blocks, derived, prefix: String::new() }
    }

    /// Names what follows after a node.
    pub(super) fn begin(&mut self, node: &str) {
        node.clone_into(&mut self.prefix);
    }

    /// Whether the gradient of a value leads to something that is trained.
    pub(super) fn needs(&self, value: ValueId) -> bool {
        self.needed.get(value.0).copied().unwrap_or(false)
    }

    /// Whether a constant is trained.
    pub(super) fn trains(&self, value: ValueId) -> bool {
        self.trained.contains(&value)
    }

    /// The gradient of a value as far as it is known.
    pub(super) fn gradient(&self, value: ValueId) -> Option<ValueId> {
        self.gradients.get(&value).copied()
    }

    pub(super) fn shape(&self, value: ValueId) -> &[usize] {
        &self.shapes[value.0]
    }

    /// The contents of a constant.
    pub(super) fn contents(&self, value: ValueId) -> Option<&Tensor> {
        self.graph.constant(value)
    }

    /// Adds a node that computes `op` of `inputs`, called `part` of the one that is being differentiated.
    pub(super) fn node(&mut self, part: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId, TrainError> {
        let name = format!("{}/{part}", self.prefix);
        let given: Vec<&[usize]> = inputs.iter().map(|input| self.shapes[input.0].as_slice()).collect();
        let shape = output_shape(&op, &given)
            .map_err(|mismatch| TrainError::Shape { node: name.clone(), mismatch })?;
        let mut edit = self.graph.edit();
        let output = edit.add_value(&name);
        let end = edit.graph().nodes.len();
        edit.insert_node(end, Node { name, op, inputs: inputs.to_vec(), outputs: vec![output] });
        self.shapes.resize(output.0, Vec::new());
        self.shapes.push(shape);
        Ok(output)
    }

    /// A value with its elements in another shape.
    pub(super) fn reshaped(&mut self, value: ValueId, shape: &[usize]) -> Result<ValueId, TrainError> {
        if self.shape(value) == shape {
            return Ok(value);
        }
        self.node("reshaped", Op::Reshape { shape: extents(shape), allow_zero: false }, &[value])
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, part: &str, tensor: Tensor) -> ValueId {
        let shape = tensor.shape().to_vec();
        let value = self.graph.edit().add_constant(&format!("{}/{part}", self.prefix), tensor);
        self.shapes.resize(value.0, Vec::new());
        self.shapes.push(shape);
        value
    }

    /// A constant of `shape` filled with `number`.
    pub(super) fn filled(&mut self, part: &str, shape: Vec<usize>, number: f32) -> ValueId {
        let count = shape.iter().product();
        let tensor = Tensor::from_f32(shape, vec![number; count]).expect("as many elements as the shape has");
        self.constant(part, tensor)
    }

    /// The constant `source` with its elements in another order and of another shape: `elements` has for each that of
    /// the source. It follows the source when that is trained.
    pub(super) fn rearranged(
        &mut self,
        part: &str,
        source: ValueId,
        shape: Vec<usize>,
        elements: Vec<u32>,
    ) -> Result<ValueId, TrainError> {
        let weights = |reason: String| TrainError::Weights { value: part.to_owned(), reason };
        let tensor = self.contents(source).ok_or_else(|| weights("it is computed".to_owned()))?;
        let values = tensor.f32s().map_err(|error| weights(error.to_string()))?;
        let moved = elements.iter().map(|&element| values[element as usize]).collect();
        let tensor = Tensor::from_f32(shape, moved).map_err(|error| weights(error.to_string()))?;
        let value = self.constant(part, tensor);
        self.derived.push(Derived { value, source, elements });
        Ok(value)
    }

    /// A graph input.
    pub(super) fn input(&mut self, name: &str, shape: Vec<usize>) -> ValueId {
        let value = self.graph.edit().add_value(name);
        self.graph.values[value.0].dims = Some(shape.iter().map(|&extent| Dim::Fixed(extent)).collect());
        self.graph.inputs.push(value);
        self.shapes.resize(value.0, Vec::new());
        self.shapes.push(shape);
        value
    }

    /// Adds `gradient` to that of `value`; nothing where no one needs it.
    pub(super) fn add(&mut self, value: ValueId, gradient: ValueId) -> Result<(), TrainError> {
        let sum = match self.gradient(value) {
            None => gradient,
            Some(before) => self.node("sum", Op::Binary(Binary::Add), &[before, gradient])?,
        };
        self.gradients.insert(value, sum);
        Ok(())
    }

    /// Adds what `op` computes of `inputs` to the gradient of `value`, as part of that operator: what is known of it so
    /// far becomes the residual of its epilogue.
    pub(super) fn add_product(
        &mut self,
        value: ValueId,
        op: impl FnOnce(Epilogue) -> Op,
        inputs: &[ValueId],
    ) -> Result<(), TrainError> {
        let before = self.gradient(value);
        let added = Epilogue::AddThenActivation(Activation::None);
        let epilogue = if before.is_some() { added } else { Epilogue::Plain };
        let inputs: Vec<ValueId> = inputs.iter().copied().chain(before).collect();
        let sum = self.node("input", op(epilogue), &inputs)?;
        self.gradients.insert(value, sum);
        Ok(())
    }

    /// Takes `gradient` for that of the trained `constants`, one after another.
    pub(super) fn train(
        &mut self,
        constants: &[ValueId],
        gradient: ValueId,
        decays: bool,
    ) -> Result<(), TrainError> {
        if let Some(at) = self.blocks.iter().position(|block| block.constants == constants) {
            let before = self.blocks[at].gradient;
            self.blocks[at].gradient = self.node("sum", Op::Binary(Binary::Add), &[before, gradient])?;
            return Ok(());
        }
        let taken = |constant: &&ValueId| self.blocks.iter().any(|block| block.constants.contains(constant));
        if let Some(constant) = constants.iter().find(taken) {
            let value = self.graph.value(*constant).name.clone();
            let reason = "nodes of different kinds share it".to_owned();
            return Err(TrainError::Weights { value, reason });
        }
        self.blocks.push(Block { constants: constants.to_vec(), gradient, decays });
        Ok(())
    }

    /// The graph, whose outputs are then the gradients of all blocks too.
    pub(super) fn finish(mut self) -> Result<Differentiated, TrainError> {
        if self.blocks.is_empty() {
            return Err(TrainError::NothingToTrain(
                "no loss depends on a weight that is not frozen".to_owned(),
            ));
        }
        self.graph.outputs.extend(self.blocks.iter().map(|block| block.gradient));
        Ok(Differentiated {
            graph: self.graph,
            shapes: self.shapes,
            blocks: self.blocks,
            derived: self.derived,
            objectives: Vec::new(),
        })
    }
}

/// The dimensions of a shape as those of an operator.
pub(super) fn extents(shape: &[usize]) -> Vec<Extent> {
    shape.iter().map(|&extent| Extent::Fixed(extent as i64)).collect()
}
