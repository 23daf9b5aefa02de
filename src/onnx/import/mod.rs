//! ONNX bytes to a graph: values by name, nodes in file order, every attribute accounted for.

mod arithmetic;
mod attributes;
mod call;
mod elements;
mod missing;
mod ops;
mod parts;
mod shuffle;
mod tensors;
mod trace;

use super::elements::declared;
use super::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use super::proto::{tensor_proto::DataType, tensor_shape_proto::dimension, type_proto};
use super::{Missing, OPSETS, OnnxError};
use crate::graph::{Dim, ElementType, Graph, Node, Op, Value, ValueId, free_name};
use crate::tensor::Tensor;
use call::{Call, Meaning};
use prost::Message;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use trace::Trace;

/// Reads an ONNX file. Half-precision tensors and inputs become `float32`.
pub fn load(path: &Path) -> Result<Graph, OnnxError> {
    let bytes = std::fs::read(path).map_err(|source| OnnxError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parse(&bytes, &path.display().to_string(), Some(folder))
}

/// Reads an ONNX model from memory. `source` names it in errors; external data is looked for in `folder`.
pub fn parse(bytes: &[u8], source: &str, folder: Option<&Path>) -> Result<Graph, OnnxError> {
    let file = source.to_owned();
    let model = match ModelProto::decode(bytes) {
        Ok(model) => model,
        Err(source) => return Err(OnnxError::Decode { file, source }),
    };
    let fail = |reason| OnnxError::Model { file: file.clone(), reason };
    let opset = opset(&model).map_err(fail)?;
    let graph = model.graph.as_ref().ok_or_else(|| fail("expected a graph, found none".to_owned()))?;
    let mut importer = Importer::new(graph, opset, folder).map_err(fail)?;
    let mut missing = Vec::new();
    for node in &graph.node {
        importer.node_or_missing(node, &mut missing);
    }
    match missing.len() {
        0 => {}
        1 => {
            let Missing { node, op, reason } = missing.swap_remove(0);
            return Err(OnnxError::Node { file, node, op, reason });
        }
        _ => return Err(OnnxError::Unsupported { file, nodes: missing }),
    }
    let mut graph = importer.finish(graph).map_err(fail)?;
    match graph.check() {
        Ok(()) => {
            shuffle::gather(&mut graph);
            Ok(graph)
        }
        Err(source) => Err(OnnxError::Graph { file, source }),
    }
}

/// Whether the first input of a node is a condition.
fn decides(node: &NodeProto) -> bool {
    node.op_type() == "Where" && !node.input.is_empty()
}

fn default_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn opset(model: &ModelProto) -> Result<i64, String> {
    let mut versions =
        model.opset_import.iter().filter(|set| default_domain(set.domain())).map(|set| set.version());
    let supported = format!("expected opset {} to {}", OPSETS.start(), OPSETS.end());
    let version = versions.next().ok_or_else(|| format!("{supported}, found none"))?;
    match versions.find(|&other| other != version) {
        Some(other) => Err(format!("{supported}, found both {version} and {other}")),
        None if OPSETS.contains(&version) => Ok(version),
        None => Err(format!("{supported}, found {version}")),
    }
}

/// A graph under import.
struct Importer<'a> {
    opset: i64,
    folder: Option<&'a Path>,
    graph: Graph,
    ids: HashMap<&'a str, ValueId>,
    /// Read when something asks for them, so that what nothing uses is not judged either.
    initialisers: HashMap<&'a str, &'a TensorProto>,
    /// Constants read so far: initialisers, `Constant` nodes and copies of both. Values come of those that are data.
    constants: HashMap<&'a str, Arc<Tensor>>,
    /// Integers that depend on the sizes of a run.
    extents: HashMap<&'a str, arithmetic::Known>,
    declared: HashMap<&'a str, Vec<Dim>>,
    trace: Trace,
    /// Outputs of nodes that cannot be used, and what is computed of them.
    presumed: HashSet<&'a str>,
    /// Every name in the file, for new ones to stay clear of.
    value_names: HashSet<&'a str>,
    given_node_names: HashSet<&'a str>,
    /// What nodes and graph outputs read, but for conditions.
    read: HashSet<&'a str>,
    /// What `Where` reads as its condition.
    conditions: HashSet<&'a str>,
    node_names: HashSet<String>,
    /// The name of the node being imported, for errors.
    current: String,
}

impl<'a> Importer<'a> {
    fn new(proto: &'a GraphProto, opset: i64, folder: Option<&'a Path>) -> Result<Self, String> {
        if !proto.sparse_initializer.is_empty() {
            return Err("expected dense initialisers, found a sparse one".to_owned());
        }
        let mut importer = Self {
            opset,
            folder,
            graph: Graph { name: proto.name().to_owned(), ..Graph::default() },
            ids: HashMap::new(),
            initialisers: HashMap::new(),
            constants: HashMap::new(),
            extents: HashMap::new(),
            declared: HashMap::new(),
            trace: Trace::default(),
            presumed: HashSet::new(),
            value_names: proto.node.iter().flat_map(|node| &node.output).map(String::as_str).collect(),
            given_node_names: proto.node.iter().map(NodeProto::name).collect(),
            read: (proto.node.iter().flat_map(|node| &node.input[usize::from(decides(node))..]))
                .map(String::as_str)
                .chain(proto.output.iter().map(ValueInfoProto::name))
                .collect(),
            conditions: (proto.node.iter().filter(|node| decides(node)))
                .map(|node| node.input[0].as_str())
                .collect(),
            node_names: HashSet::new(),
            current: String::new(),
        };
        for tensor in &proto.initializer {
            let name = tensor.name();
            if name.is_empty() || importer.initialisers.insert(name, tensor).is_some() {
                return Err(format!(
                    "expected initialisers of different names, found {name:?} twice or empty"
                ));
            }
            importer.value_names.insert(name);
        }
        for info in proto.value_info.iter().chain(&proto.output) {
            if let Some(dims) = dims(info) {
                importer.declared.insert(info.name(), dims);
            }
        }
        importer.value_names.extend(proto.input.iter().map(ValueInfoProto::name));
        for info in &proto.input {
            if !importer.initialisers.contains_key(info.name()) {
                importer.input(info).map_err(|reason| format!("input {}: {reason}", info.name()))?;
            }
        }
        importer.trace.start(&importer.graph);
        Ok(importer)
    }

    fn input(&mut self, info: &'a ValueInfoProto) -> Result<(), String> {
        let name = info.name();
        if name.is_empty() || self.ids.contains_key(name) {
            return Err("expected a name of its own, found an empty or repeated one".to_owned());
        }
        let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_ref().and_then(|t| t.value.as_ref())
        else {
            return Err("expected a tensor, found another type".to_owned());
        };
        match DataType::try_from(tensor.elem_type()) {
            Ok(DataType::Float | DataType::Float16) => {}
            Ok(other) => return Err(format!("expected FLOAT or FLOAT16, found {}", other.as_str_name())),
            Err(_) => return Err(format!("expected FLOAT or FLOAT16, found type {}", tensor.elem_type())),
        }
        let dims = dims(info).ok_or("expected a declared shape of sizes and names, found none")?;
        let id = self.add_value(name.to_owned(), Some(dims), None);
        self.ids.insert(name, id);
        self.graph.inputs.push(id);
        self.declare(id, info);
        Ok(())
    }

    fn node(&mut self, proto: &'a NodeProto) -> Result<(), String> {
        let output = proto.output.first().map_or("", String::as_str);
        self.current = self.node_name(proto, output);
        if !default_domain(proto.domain()) {
            return Err(format!("expected an operator of the domain ai.onnx, found {:?}", proto.domain()));
        }
        if output.is_empty() {
            return Err("expected an output, found none".to_owned());
        }
        if self.is_defined(output) {
            return Err(format!("output {output}: expected one definition, found two"));
        }
        if self.arithmetic(proto)? {
            return Ok(());
        }
        let mut call = Call::new(self, proto)?;
        let meaning = ops::meaning(&mut call)?;
        call.finish(&meaning)?;
        self.node_names.insert(self.current.clone());
        match meaning {
            Meaning::Constant(tensor) => {
                self.constants.insert(output, tensor);
                Ok(())
            }
            Meaning::Node { op, operands } => {
                let inputs = self.operands(proto, operands)?;
                let id = self.add_value(output.to_owned(), self.declared.get(output).cloned(), None);
                self.ids.insert(output, id);
                self.push(self.current.clone(), op, inputs, id)
            }
            Meaning::Chain(ops) => self.chain(proto, output, ops),
            Meaning::Parts(parts) => self.parts(proto, parts),
        }
    }

    /// Several nodes for one: the last has the name and output of the file's, those before names of their own.
    fn chain(&mut self, proto: &'a NodeProto, output: &'a str, ops: Vec<Op>) -> Result<(), String> {
        let mut inputs = self.operands(proto, 1)?;
        let last = ops.len() - 1;
        for (at, op) in ops.into_iter().enumerate() {
            let part = op.name().to_lowercase();
            let (node, value, dims) = if at == last {
                (self.current.clone(), output.to_owned(), self.declared.get(output).cloned())
            } else {
                let node = self.free_node_name(&format!("{}_{part}", self.current));
                self.node_names.insert(node.clone());
                (node, self.free_value_name(&format!("{output}_{part}")), None)
            };
            let id = self.add_value(value, dims, None);
            self.push(node, op, inputs, id)?;
            inputs = vec![id];
        }
        self.ids.insert(output, inputs[0]);
        Ok(())
    }

    fn push(&mut self, name: String, op: Op, inputs: Vec<ValueId>, output: ValueId) -> Result<(), String> {
        let node = Node { name, op, inputs, outputs: vec![output] };
        self.trace.node(&self.graph, &node).map_err(|mismatch| mismatch.to_string())?;
        self.graph.nodes.push(node);
        Ok(())
    }

    /// The first `count` inputs of a node as values of the graph.
    fn operands(&mut self, proto: &'a NodeProto, count: usize) -> Result<Vec<ValueId>, String> {
        (0..count)
            .map(|at| match proto.input.get(at).map_or("", String::as_str) {
                "" => Err(format!("input {at}: expected a value, found none")),
                name => self.operand(name),
            })
            .collect()
    }

    fn is_defined(&self, output: &str) -> bool {
        self.ids.contains_key(output)
            || self.constants.contains_key(output)
            || self.extents.contains_key(output)
            || self.initialisers.contains_key(output)
    }

    fn operand(&mut self, name: &'a str) -> Result<ValueId, String> {
        if let Some(&id) = self.ids.get(name) {
            return Ok(id);
        }
        let Some(tensor) = self.constant(name)? else {
            return Err(format!("input {name}: expected a value defined before, found none"));
        };
        tensor.f32s().map_err(|error| format!("input {name}: {error}"))?;
        let id = self.add_value(name.to_owned(), None, Some(tensor));
        self.ids.insert(name, id);
        Ok(id)
    }

    /// The constant called `name`, if there is one.
    fn constant(&mut self, name: &'a str) -> Result<Option<Arc<Tensor>>, String> {
        if let Some(tensor) = self.constants.get(name) {
            return Ok(Some(Arc::clone(tensor)));
        }
        if let Some(floats) = self.extents.get(name).and_then(arithmetic::Known::floats) {
            let tensor = Arc::new(floats.map_err(|error| format!("{name}: {error}"))?);
            self.constants.insert(name, Arc::clone(&tensor));
            return Ok(Some(tensor));
        }
        let Some(proto) = self.initialisers.get(name) else {
            return Ok(None);
        };
        let read = tensors::tensor(proto, self.folder);
        let tensor = Arc::new(read.map_err(|reason| format!("initialiser {name}: {reason}"))?);
        self.constants.insert(name, Arc::clone(&tensor));
        Ok(Some(tensor))
    }

    /// A computed value of the name of a constant, which gets another one.
    fn copied(&mut self, constant: ValueId) -> Result<ValueId, String> {
        let name = self.graph.value(constant).name.clone();
        let other = self.free_value_name(&format!("{name}_constant"));
        self.graph.values[constant.0].name = other;
        let node = self.free_node_name(&format!("Identity_{name}"));
        self.node_names.insert(node.clone());
        let id = self.add_value(name, None, None);
        self.push(node, Op::Identity, vec![constant], id)?;
        Ok(id)
    }

    fn add_value(&mut self, name: String, dims: Option<Vec<Dim>>, constant: Option<Arc<Tensor>>) -> ValueId {
        self.trace.value(constant.as_deref());
        self.graph.values.push(Value { name, dims, constant });
        ValueId(self.graph.values.len() - 1)
    }

    fn node_name(&self, proto: &NodeProto, output: &str) -> String {
        match proto.name() {
            "" => self.free_node_name(&format!("{}_{output}", proto.op_type())),
            name if self.node_names.contains(name) => self.free_node_name(name),
            name => name.to_owned(),
        }
    }

    fn free_node_name(&self, name: &str) -> String {
        free_name(name, |taken| self.node_names.contains(taken) || self.given_node_names.contains(taken))
    }

    fn free_value_name(&self, name: &str) -> String {
        let known = |taken: &str| self.graph.values.iter().any(|value| value.name == taken);
        free_name(name, |taken| self.value_names.contains(taken) || known(taken))
    }

    fn finish(mut self, proto: &'a GraphProto) -> Result<Graph, String> {
        if proto.output.is_empty() {
            return Err("expected a graph with outputs, found none".to_owned());
        }
        for info in &proto.output {
            let name = info.name();
            let mut id = self.operand(name).map_err(|reason| reason.replacen("input", "graph output", 1))?;
            if self.graph.inputs.contains(&id) {
                return Err(format!(
                    "graph output {name}: expected a computed value, found a graph input; take it off the outputs"
                ));
            }
            if self.graph.constant(id).is_some() {
                id = self.copied(id)?;
            }
            if self.graph.outputs.contains(&id) {
                return Err(format!("expected graph outputs of different names, found {name} twice"));
            }
            self.graph.outputs.push(id);
            self.declare(id, info);
        }
        Ok(self.graph)
    }

    /// Notes what the file stores an input or output as, where that is what the value can be without loss.
    fn declare(&mut self, id: ValueId, info: &ValueInfoProto) {
        let Some(element) = declared(info).filter(|&element| element != ElementType::F32) else { return };
        let fits = |own| element != ElementType::Bool || own == ElementType::Bool;
        if element.is_float() || self.graph.whole(id).is_some_and(fits) {
            self.graph.elements.insert(id, element);
        }
    }
}

/// The declared dimensions, or `None` where there is no shape or one of negative sizes. A dimension with neither
/// size nor name is named after the value.
fn dims(info: &ValueInfoProto) -> Option<Vec<Dim>> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    let shape = tensor.shape.as_ref()?;
    let dim = |(at, dim): (usize, &super::proto::tensor_shape_proto::Dimension)| match &dim.value {
        Some(dimension::Value::DimValue(size)) => usize::try_from(*size).ok().map(Dim::Fixed),
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => Some(Dim::Symbol(name.clone())),
        _ => Some(Dim::Symbol(format!("{}_{at}", info.name()))),
    };
    shape.dim.iter().enumerate().map(dim).collect()
}
