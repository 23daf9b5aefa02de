//! ONNX files from short texts.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::type_proto::{Tensor, Value};
use crate::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto,
};

/// A file of operator set 18, or what a line `opset N` says, with the input `x` of dimensions `dims`, where a negative one stands for a name.
///
/// One node a line: `Op inputs -> outputs | attribute=value …`, where a value is an integer, a float with a point, a
/// list of integers in brackets, or a word; a missing input is an empty name between two spaces. `# name floats|ints
/// dims [: numbers]` is a constant: its numbers are repeated to its size; without numbers they are random, from -1 to 1,
/// or from 0.5 to 1.5 where the kind is `positive`. Outputs are the values whose names begin with `y`.
pub fn model(text: &str, dims: &[i64]) -> ModelProto {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (constants, mut nodes): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|line| line.starts_with('#'));
    let mut version = 18;
    nodes.retain(|line| match line.strip_prefix("opset ") {
        Some(given) => {
            version = given.parse().expect("a number");
            false
        }
        None => true,
    });
    let info = |name: &str, dims: &[i64]| ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(Value::TensorType(Tensor {
                elem_type: Some(DataType::Float as i32),
                shape: (!dims.is_empty())
                    .then(|| TensorShapeProto { dim: dims.iter().map(|&d| dimension(d)).collect() }),
            })),
        }),
    };
    let nodes: Vec<NodeProto> = nodes.into_iter().map(node).collect();
    let outputs = nodes.iter().flat_map(|node| &node.output).filter(|name| name.starts_with('y'));
    let graph = GraphProto {
        output: outputs.map(|name| info(name, &[])).collect(),
        name: Some("g".to_owned()),
        initializer: constants.into_iter().map(constant).collect(),
        input: vec![info("x", dims)],
        node: nodes,
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { version: Some(version), ..OperatorSetIdProto::default() }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

fn dimension(size: i64) -> Dimension {
    let value = if size < 0 {
        dimension::Value::DimParam(format!("d{}", -size))
    } else {
        dimension::Value::DimValue(size)
    };
    Dimension { value: Some(value) }
}

fn node(line: &str) -> NodeProto {
    let (line, attributes) = line.split_once(" | ").unwrap_or((line, ""));
    let (inputs, outputs) = line.split_once(" -> ").expect("a node has outputs");
    let mut inputs = inputs.split(' ').map(str::to_owned);
    NodeProto {
        op_type: inputs.next(),
        input: inputs.collect(),
        output: outputs.split(' ').map(str::to_owned).collect(),
        attribute: attributes.split(' ').filter(|part| !part.is_empty()).map(attribute).collect(),
        ..NodeProto::default()
    }
}

fn attribute(text: &str) -> AttributeProto {
    let (name, value) = text.split_once('=').expect("an attribute has a value");
    let held = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    if let Some(list) = value.strip_prefix('[') {
        let ints = list.trim_end_matches(']').split(',').map(|part| part.parse().expect("an integer"));
        return AttributeProto { r#type: Some(AttributeType::Ints as i32), ints: ints.collect(), ..held };
    }
    match (value.parse(), value.parse()) {
        (Ok(i), _) => AttributeProto { r#type: Some(AttributeType::Int as i32), i: Some(i), ..held },
        (_, Ok(f)) => AttributeProto { r#type: Some(AttributeType::Float as i32), f: Some(f), ..held },
        _ => {
            let s = Some(value.as_bytes().to_vec());
            AttributeProto { r#type: Some(AttributeType::String as i32), s, ..held }
        }
    }
}

fn constant(line: &str) -> TensorProto {
    let (declared, numbers) = line.split_once(" : ").unwrap_or((line, ""));
    let parts: Vec<&str> = declared.split(' ').collect();
    let &[_, name, kind, dims] = &parts[..] else { panic!("expected # name kind dims, found {line}") };
    let dims: Vec<i64> = dims.split(',').map(|dim| dim.parse().expect("a size")).collect();
    let count = dims.iter().product::<i64>() as usize;
    let given = numbers.split(',').filter(|part| !part.is_empty());
    let mut tensor = TensorProto { name: Some(name.to_owned()), dims, ..TensorProto::default() };
    if kind == "ints" {
        tensor.data_type = Some(DataType::Int64 as i32);
        let given: Vec<i64> = given.map(|part| part.parse().expect("an integer")).collect();
        tensor.int64_data = given.into_iter().cycle().take(count).collect();
    } else {
        let given: Vec<f32> = given.map(|part| part.parse().expect("a number")).collect();
        let values = if given.is_empty() { random(name, kind == "positive", count) } else { given };
        tensor.data_type = Some(DataType::Float as i32);
        let bytes = values.iter().cycle().take(count).flat_map(|value| value.to_le_bytes());
        tensor.raw_data = Some(bytes.collect());
    }
    tensor
}

/// Numbers that follow from a name.
fn random(name: &str, positive: bool, count: usize) -> Vec<f32> {
    let mut state =
        name.bytes().fold(0x9e37_79b9_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let scaled = |value: f32| if positive { 1.0 + value / 2.0 } else { value };
    (0..count).map(|_| scaled(next())).collect()
}
