//! Small models made field by field, as files would hold them.

mod arithmetic;
mod elements;
mod errors;
mod external;
mod hostile;
mod missing;
mod mixed;
mod norms;
mod operators;
mod pools;
mod reduce;
mod round_trip;

use super::parse;
use super::proto::attribute_proto::AttributeType;
use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, tensor_proto::DataType, type_proto,
};
use crate::graph::{Graph, Op};
use prost::Message;

/// A model of one input `x`, and one output `y` of node `n`.
fn model(opset: i64, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> ModelProto {
    let node = NodeProto { name: Some("n".into()), attribute: attributes, ..node(op, inputs, "y") };
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(opset) }],
        graph: Some(GraphProto {
            name: Some("g".into()),
            node: vec![node],
            input: vec![info("x", &["N", "3", "8", "6"])],
            output: vec![info("y", &[])],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: Some(op.into()),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

/// A float value; dimensions that are not numbers are names.
fn info(name: &str, dims: &[&str]) -> ValueInfoProto {
    let dim = |dim: &&str| Dimension {
        value: Some(match dim.parse() {
            Ok(size) => dimension::Value::DimValue(size),
            Err(_) => dimension::Value::DimParam((*dim).to_owned()),
        }),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(DataType::Float as i32), shape: Some(shape) };
    let r#type = Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)) });
    ValueInfoProto { name: Some(name.into()), r#type }
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

fn with(mut model: ModelProto, tensors: Vec<TensorProto>) -> ModelProto {
    graph(&mut model).initializer.extend(tensors);
    model
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(DataType::Float as i32),
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// Floats that count up from 0.
fn counting(name: &str, dims: &[i64]) -> TensorProto {
    let values: Vec<f32> = (0..dims.iter().product()).map(|value: i64| value as f32).collect();
    floats(name, dims, &values)
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: vec![values.len() as i64],
        data_type: Some(DataType::Int64 as i32),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

fn attribute(name: &str, r#type: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(r#type as i32), ..AttributeProto::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

fn list(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

fn read(model: &ModelProto) -> Result<Graph, String> {
    parse(&model.encode_to_vec(), "m.onnx", None).map_err(|error| error.to_string())
}

/// The one node's operator.
fn op(model: &ModelProto) -> Op {
    let graph = read(model).unwrap();
    assert_eq!(graph.nodes.len(), 1);
    graph.nodes[0].op.clone()
}

/// The error, which begins with the file's name.
fn error(model: &ModelProto) -> String {
    let error = read(model).expect_err("the model is wrong");
    error.strip_prefix("m.onnx: ").expect("errors begin with the file").to_owned()
}

/// The reason of an error that names the one node.
fn reason(model: &ModelProto) -> String {
    let error = error(model);
    let op = graph(&mut model.clone()).node[0].op_type.clone().unwrap();
    let prefix = format!("node n ({op}): ");
    error.strip_prefix(&prefix).unwrap_or_else(|| panic!("{error} does not begin with {prefix}")).to_owned()
}
