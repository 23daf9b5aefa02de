//! A graph to ONNX bytes, in one canonical form: opset 17 (a later one where an operator needs it), every attribute written
//! out, constants as initialisers.

mod attributes;
mod edges;
mod moves;
mod nodes;
mod outputs;
mod reduce;
mod resize;
mod sizes;

use super::elements::data_type;
use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{
    GraphProto, ModelProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType, type_proto,
};
use super::{IR_VERSION, OnnxError};
use crate::graph::{Activation, Dim, Graph, Norm, Op, Statistics, ValueId};
use crate::tensor::{Data, Tensor};
use nodes::Writer;
use prost::Message;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The most bytes that protobuf readers take.
const LIMIT: usize = i32::MAX as usize;

/// Writes a graph as ONNX bytes. Values and nodes keep their names, inputs and outputs their element types; SiLU becomes `Sigmoid` and `Mul`. Constants that
/// no node reads are left out. A node with a fused epilogue is an error: it exists in optimised graphs only.
pub fn encode(graph: &Graph) -> Result<Vec<u8>, OnnxError> {
    graph.check()?;
    let mut writer = Writer::new(graph, opset(graph));
    writer.inputs();
    for node in &graph.nodes {
        writer.node(node)?;
    }
    writer.outputs();
    let outputs = outputs::declared(graph)?;
    let info = |(id, dims): (&ValueId, Vec<Dim>)| value_info(graph, *id, &dims);
    let inputs = graph.inputs.iter().map(|id| (id, graph.value(*id).dims.clone().unwrap_or_default()));
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(opset(graph)) }],
        producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(GraphProto {
            name: Some(graph.name.clone()),
            input: inputs.map(info).collect(),
            output: graph.outputs.iter().zip(outputs).map(info).collect(),
            node: writer.nodes,
            initializer: writer.initialisers,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };
    match model.encoded_len() {
        bytes if bytes > LIMIT => Err(OnnxError::TooLarge { bytes, limit: LIMIT }),
        _ => Ok(model.encode_to_vec()),
    }
}

/// Writes a graph to a file, which is replaced as a whole or not at all.
pub fn save(graph: &Graph, path: &Path) -> Result<(), OnnxError> {
    let bytes = encode(graph)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|source| {
        // The write's own error is the one to report; a temporary file may not even exist.
        let _ = std::fs::remove_file(&temporary);
        OnnxError::Write { path: path.to_owned(), source }
    })
}

/// The least opset from 17 on that has every operator in the form it is written in.
fn opset(graph: &Graph) -> i64 {
    let since = |op: &Op| match op {
        Op::Resize(resize) if resize::is_new(resize) => 19,
        Op::AveragePool(pool) if pool.dilations != [1, 1] => 19,
        Op::Activation(Activation::Mish) => 18,
        Op::Norm(Norm { statistics: Statistics::Group { .. }, .. }) => 21,
        Op::Activation(Activation::Gelu { .. }) => 20,
        Op::Conv(_)
        | Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Binary(_)
        | Op::Concat { .. }
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Gemm(_)
        | Op::Softmax { .. }
        | Op::Identity
        | Op::Pad(_)
        | Op::LogSoftmax { .. }
        | Op::Where
        | Op::GlobalMaxPool
        | Op::Reduce(_)
        | Op::ArgMax(_)
        | Op::Norm(_)
        | Op::MatMul
        | Op::ConvTranspose(_)
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => 17,
    };
    graph.nodes.iter().map(|node| since(&node.op)).max().unwrap_or(17)
}

fn value_info(graph: &Graph, id: ValueId, dims: &[Dim]) -> ValueInfoProto {
    let dim = |dim: &Dim| Dimension {
        value: Some(match dim {
            Dim::Fixed(size) => dimension::Value::DimValue(*size as i64),
            Dim::Symbol(symbol) => dimension::Value::DimParam(symbol.clone()),
        }),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let elem_type = Some(data_type(graph.element(id)) as i32);
    let tensor = type_proto::Tensor { elem_type, shape: Some(shape) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)) };
    ValueInfoProto { name: Some(graph.value(id).name.clone()), r#type: Some(r#type) }
}

fn tensor(name: String, tensor: &Tensor) -> TensorProto {
    let (data_type, raw) = match tensor.data() {
        Data::F32(values) => (DataType::Float, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        Data::I64(values) => (DataType::Int64, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    };
    TensorProto {
        name: Some(name),
        dims: tensor.shape().iter().map(|&size| size as i64).collect(),
        data_type: Some(data_type as i32),
        raw_data: Some(raw),
        ..TensorProto::default()
    }
}
