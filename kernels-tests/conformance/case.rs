//! A node test of the `onnx` package: a file of one operator, its inputs and the outputs expected of it.

use crate::claim::{OLDEST, is_parameter};
use crate::proto::tensor_proto::DataType;
use crate::proto::type_proto::Value;
use crate::proto::{ModelProto, TensorProto, ValueInfoProto};
use half::f16;
use prost::Message;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A case as the package ships it.
pub struct Case {
    /// The name of its folder.
    pub name: String,
    /// The operators of its graph.
    pub operators: BTreeSet<String>,
    /// What the node is that the case was made of: of an expanded function, the function.
    pub subject: String,
    model: ModelProto,
    inputs: Vec<TensorProto>,
    outputs: Vec<TensorProto>,
}

/// A case ready to run.
pub struct Ready {
    /// The file, in which parameters are initialisers.
    pub bytes: Vec<u8>,
    /// Data, in graph order.
    pub inputs: Vec<Vec<f32>>,
    /// Expected outputs with their shapes, in graph order.
    pub outputs: Vec<(Vec<usize>, Vec<f32>)>,
}

/// Reads every case under `root`, by name.
///
/// # Panics
/// If a file cannot be read.
pub fn cases(root: &Path) -> Vec<Case> {
    let listed = fs::read_dir(root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut names: Vec<String> =
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.iter().filter_map(|name| read(root, name)).collect()
}

fn model(root: &Path, name: &str) -> Option<ModelProto> {
    let bytes = fs::read(root.join(name).join("model.onnx")).ok()?;
    Some(ModelProto::decode(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// One case; `None` where the folder holds none, or one of sequences or optional values instead of tensors.
fn read(root: &Path, name: &str) -> Option<Case> {
    let model = model(root, name)?;
    let graph = model.graph.as_ref()?;
    let tensors = |kind: &str, count: usize| -> Option<Vec<TensorProto>> {
        let file = |i| root.join(name).join("test_data_set_0").join(format!("{kind}_{i}.pb"));
        (0..count).map(|i| TensorProto::decode(&fs::read(file(i)).ok()?[..]).ok()).collect()
    };
    graph.input.iter().chain(&graph.output).try_for_each(|info| element_type(info).map(|_| ()))?;
    let inputs = tensors("input", graph.input.len())?;
    let outputs = tensors("output", graph.output.len())?;
    let operators: BTreeSet<String> = graph.node.iter().map(|node| node.op_type().to_owned()).collect();
    let subject = match name.split_once("_expanded") {
        Some((base, _)) => model_subject(root, base)?,
        None => graph.node.first()?.op_type().to_owned(),
    };
    Some(Case { name: name.to_owned(), operators, subject, inputs, outputs, model })
}

fn model_subject(root: &Path, name: &str) -> Option<String> {
    Some(model(root, name)?.graph?.node.first()?.op_type().to_owned())
}

/// The element type of a tensor; `None` for other types.
fn element_type(info: &ValueInfoProto) -> Option<i32> {
    let Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type())
}

impl Case {
    /// The opset of the default domain.
    pub fn opset(&self) -> i64 {
        self.model.opset_import.iter().find(|set| set.domain().is_empty()).map_or(0, |set| set.version())
    }

    /// Whether every operator is one of ONNX itself.
    pub fn plain(&self) -> bool {
        let graph = self.model.graph.as_ref().expect("a case has a graph");
        graph.node.iter().all(|node| matches!(node.domain(), "" | "ai.onnx"))
    }

    /// Whether an input and an output are `float32`.
    pub fn is_float(&self) -> bool {
        let graph = self.model.graph.as_ref().expect("a case has a graph");
        let float = |info: &ValueInfoProto| element_type(info) == Some(DataType::Float as i32);
        graph.input.iter().any(float) && graph.output.iter().any(float)
    }

    /// The case with its parameters as initialisers.
    ///
    /// # Errors
    /// An input or output whose element type has no meaning as a float.
    pub fn ready(&self) -> Result<Ready, String> {
        let mut model = self.model.clone();
        for set in &mut model.opset_import {
            set.version = Some(set.version().max(OLDEST));
        }
        let graph = model.graph.as_mut().expect("a case has a graph");
        let declared = std::mem::take(&mut graph.input);
        let mut inputs = Vec::new();
        for (at, (info, tensor)) in declared.into_iter().zip(&self.inputs).enumerate() {
            let data =
                matches!(DataType::try_from(tensor.data_type()), Ok(DataType::Float | DataType::Float16));
            if !data || is_parameter(&self.subject, at) {
                let name = info.name.clone();
                let data_type = Some(stored_type(&info, tensor));
                graph.initializer.push(TensorProto { name, data_type, ..tensor.clone() });
            } else {
                inputs.push(values(tensor)?);
                graph.input.push(info);
            }
        }
        let shape = |tensor: &TensorProto| tensor.dims.iter().map(|&dim| dim as usize).collect();
        let outputs: Result<_, String> =
            self.outputs.iter().map(|tensor| Ok((shape(tensor), values(tensor)?))).collect();
        Ok(Ready { bytes: model.encode_to_vec(), inputs, outputs: outputs? })
    }
}

/// The element type of a tensor as its case declares it. The package's bfloat16 data, which numpy has no type for, say
/// that they are 16-bit integers.
fn stored_type(info: &ValueInfoProto, tensor: &TensorProto) -> i32 {
    let bits = tensor.data_type() == DataType::Uint16 as i32;
    element_type(info)
        .filter(|&declared| bits && declared == DataType::Bfloat16 as i32)
        .unwrap_or(tensor.data_type())
}

/// The elements of a tensor as floats; booleans are 0 and 1.
fn values(tensor: &TensorProto) -> Result<Vec<f32>, String> {
    let raw = tensor.raw_data.as_deref().unwrap_or_default();
    Ok(match DataType::try_from(tensor.data_type()) {
        Ok(DataType::Float) if raw.is_empty() => tensor.float_data.clone(),
        Ok(DataType::Float) => words(raw, f32::from_le_bytes),
        Ok(DataType::Float16) => words(raw, |word| f16::from_le_bytes(word).to_f32()),
        Ok(DataType::Int64) => words(raw, |word| i64::from_le_bytes(word) as f32),
        Ok(DataType::Bool) => raw.iter().map(|&byte| f32::from(byte)).collect(),
        other => return Err(format!("the case holds elements of type {other:?}")),
    })
}

fn words<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&word| read(word)).collect()
}
