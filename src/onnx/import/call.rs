//! One node of the file as the operators see it: attributes, constant inputs, ranks.

use super::Importer;
use super::attributes::Attributes;
use crate::graph::{ElementType, Extent, Op, ValueId};
use crate::onnx::proto::{NodeProto, TensorProto};
use crate::tensor::Tensor;
use std::sync::Arc;

/// What a node of the file is in the graph.
#[derive(Debug)]
pub(super) enum Meaning {
    /// One node, whose inputs are the first `operands` of the file's node.
    Node {
        /// The operator.
        op: Op,
        /// How many of the inputs are data; those after are constants that `op` holds.
        operands: usize,
    },
    /// Several operators of one input, one after the other.
    Chain(Vec<Op>),
    /// Several nodes, in order.
    Parts(Vec<Part>),
    /// A constant.
    Constant(Arc<Tensor>),
}

/// One of several nodes that a node of the file becomes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The operator.
    pub(super) op: Op,
    /// Its inputs.
    pub(super) inputs: Vec<Source>,
    /// Which output of the file's node it gives, if any. The first has the name of the file's node.
    pub(super) output: Option<usize>,
}

/// What a part reads.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// An input of the file's node.
    Input(usize),
    /// A new constant, named after the node with this suffix.
    Constant(&'static str, Arc<Tensor>),
    /// What an earlier part gives.
    Part(usize),
}

/// A node under import.
pub(super) struct Call<'a, 'b> {
    /// Its attributes.
    pub(super) attributes: Attributes<'a>,
    /// The file's opset.
    pub(super) opset: i64,
    importer: &'b mut Importer<'a>,
    node: &'a NodeProto,
}

impl<'a, 'b> Call<'a, 'b> {
    pub(super) fn new(importer: &'b mut Importer<'a>, node: &'a NodeProto) -> Result<Self, String> {
        Ok(Self { attributes: Attributes::new(node)?, opset: importer.opset, importer, node })
    }

    /// The operator type.
    pub(super) fn op(&self) -> &'a str {
        self.node.op_type()
    }

    /// The name of an input; empty where an optional one is missing.
    pub(super) fn input(&self, at: usize) -> &'a str {
        self.node.input.get(at).map_or("", String::as_str)
    }

    /// The number of inputs without missing ones at the end.
    pub(super) fn inputs(&self) -> usize {
        self.node.input.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)
    }

    /// An error where there are more inputs than an operator has.
    pub(super) fn at_most(&self, inputs: usize) -> Result<(), String> {
        match self.inputs() {
            found if found <= inputs => Ok(()),
            found => Err(format!("expected at most {inputs} inputs, found {found}")),
        }
    }

    /// A node whose inputs are all data.
    pub(super) fn whole(&self, op: Op) -> Result<Meaning, String> {
        Ok(Meaning::Node { op, operands: self.inputs() })
    }

    /// A node with one data input.
    pub(super) fn unary(&self, op: Op) -> Result<Meaning, String> {
        Ok(Meaning::Node { op, operands: 1 })
    }

    /// Whether something reads an output.
    pub(super) fn wants(&self, output: usize) -> bool {
        let importer = &self.importer;
        let read = |name: &str| importer.read.contains(name) || importer.conditions.contains(name);
        self.node.output.get(output).is_some_and(|name| read(name))
    }

    /// The constant at an input; `None` where the input is missing, an error where it is computed.
    pub(super) fn constant(&mut self, at: usize) -> Result<Option<Arc<Tensor>>, String> {
        let name = self.input(at);
        if name.is_empty() {
            return Ok(None);
        }
        let found = self.importer.constant(name)?;
        found
            .map(Some)
            .ok_or_else(|| format!("input {at} ({name}): expected a constant, found a computed value"))
    }

    /// The constant at an input if it is one.
    pub(super) fn known(&mut self, at: usize) -> Result<Option<Arc<Tensor>>, String> {
        self.importer.constant(self.input(at))
    }

    /// The integers of a constant input.
    pub(super) fn ints(&mut self, at: usize) -> Result<Option<Vec<i64>>, String> {
        let Some(tensor) = self.constant(at)? else {
            return Ok(None);
        };
        let ints = tensor.i64s().map_err(|error| format!("input {at} ({}): {error}", self.input(at)))?;
        Ok(Some(ints.to_vec()))
    }

    /// The integers of an input, which may depend on the sizes of a run.
    pub(super) fn extents(&mut self, at: usize) -> Result<Option<Vec<Extent>>, String> {
        let name = self.input(at);
        if name.is_empty() {
            return Ok(None);
        }
        match self.importer.known(name)? {
            Some(known) => Ok(Some(known.whole()?.to_vec())),
            None => Ok(self.ints(at)?.map(|ints| Extent::list(&ints))),
        }
    }

    /// The number of the first input among values.
    pub(super) fn value(&mut self) -> Result<ValueId, String> {
        self.first().map(ValueId)
    }

    /// The floats of a constant input.
    pub(super) fn floats(&mut self, at: usize) -> Result<Option<Vec<f32>>, String> {
        let Some(tensor) = self.constant(at)? else {
            return Ok(None);
        };
        let floats = tensor.f32s().map_err(|error| format!("input {at} ({}): {error}", self.input(at)))?;
        Ok(Some(floats.to_vec()))
    }

    /// The one float of a constant input.
    pub(super) fn scalar(&mut self, at: usize) -> Result<Option<f32>, String> {
        match self.floats(at)?.as_deref() {
            None => Ok(None),
            Some(&[value]) => Ok(Some(value)),
            Some(values) => {
                Err(format!("input {at} ({}): expected one number, found {}", self.input(at), values.len()))
            }
        }
    }

    /// The shape of a constant, by input.
    pub(super) fn constant_shape(&mut self, at: usize) -> Result<Option<Vec<usize>>, String> {
        Ok(self.known(at)?.map(|tensor| tensor.shape().to_vec()))
    }

    /// The number of dimensions of the first input.
    pub(super) fn rank(&mut self) -> Result<usize, String> {
        let id = self.first()?;
        Ok(self.importer.trace.rank(id))
    }

    /// The shape of the first input at the file's batch size, where it is known.
    pub(super) fn shape(&mut self) -> Result<Option<Vec<usize>>, String> {
        let id = self.first()?;
        Ok(self.importer.trace.shape(id).map(<[usize]>::to_vec))
    }

    /// The dimensions of the first input that do not depend on the batch, where its shape is known.
    pub(super) fn fixed(&mut self) -> Result<Option<Vec<Option<usize>>>, String> {
        let id = self.first()?;
        Ok(self.importer.trace.fixed(id))
    }

    fn first(&mut self) -> Result<usize, String> {
        match self.input(0) {
            "" => Err("input 0: expected a value, found none".to_owned()),
            name => Ok(self.importer.operand(name)?.0),
        }
    }

    /// `axis`, counted from the end where negative, from 0 to `last`.
    pub(super) fn axis(&mut self, axis: i64, last: usize) -> Result<usize, String> {
        let rank = self.rank()?;
        let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
        let found = counted.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis <= last);
        found.ok_or_else(|| format!("axis: expected -{rank} to {last}, found {axis}"))
    }

    /// The indices or truths that the first input has, see [`Graph::whole`](crate::graph::Graph::whole).
    pub(super) fn element(&mut self) -> Result<Option<ElementType>, String> {
        let id = self.first()?;
        Ok(self.importer.graph.whole(ValueId(id)))
    }

    /// Whether the output is read as a condition of `Where` and as nothing else.
    pub(super) fn is_condition(&self) -> bool {
        let output = self.node.output.first().map_or("", String::as_str);
        self.importer.conditions.contains(output) && !self.importer.read.contains(output)
    }

    /// Reads a tensor attribute.
    pub(super) fn tensor(&self, proto: &TensorProto) -> Result<Tensor, String> {
        super::tensors::tensor(proto, self.importer.folder)
    }

    /// The number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.node.output.len()
    }

    /// Checks that every attribute was asked for and that `meaning` gives every output that is there; outputs that
    /// nothing reads may be missing from several parts.
    pub(super) fn finish(self, meaning: &Meaning) -> Result<(), String> {
        let given = |output: usize| match meaning {
            Meaning::Parts(parts) => {
                parts.iter().any(|part| part.output == Some(output)) || !self.wants(output)
            }
            Meaning::Node { .. } | Meaning::Chain(_) | Meaning::Constant(_) => output == 0,
        };
        let outputs = self.node.output.iter().enumerate();
        let missing = outputs.filter(|(_, name)| !name.is_empty()).find(|&(output, _)| !given(output));
        match missing {
            Some((_, name)) if self.node.op_type() != "Dropout" => {
                Err(format!("expected one output, found a second one ({name}), which is not supported"))
            }
            _ => self.attributes.finish(),
        }
    }
}
