//! Inputs and outputs keep their element types.

use super::*;
use crate::graph::{ElementType, Sizes};
use crate::onnx::encode;

/// `model` with a type for its input and for each output.
fn typed(mut model: ModelProto, input: DataType, outputs: &[(&str, DataType)]) -> ModelProto {
    let declare = |mut info: ValueInfoProto, element: DataType| {
        if let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_mut().unwrap().value.as_mut() {
            tensor.elem_type = Some(element as i32);
        }
        info
    };
    let graph = graph(&mut model);
    graph.input = vec![declare(info("x", &["N", "3", "8", "6"]), input)];
    graph.output = outputs.iter().map(|&(name, element)| declare(info(name, &[]), element)).collect();
    model
}

fn cast(from: &str, to: DataType, output: &str) -> NodeProto {
    NodeProto { attribute: vec![int("to", to as i64)], ..node("Cast", &[from], output) }
}

fn largest(then: Vec<NodeProto>) -> ModelProto {
    let mut model = model(17, "ArgMax", &["x"], vec![int("axis", 1), int("keepdims", 1)]);
    graph(&mut model).node.extend(then);
    model
}

/// Reads, writes, and reads again twice: the operators of the first file written, and the types that it declares.
fn written(model: &ModelProto) -> (Vec<String>, Vec<i32>) {
    let graph = read(model).unwrap();
    let bytes = encode(&graph).unwrap();
    let again = parse(&bytes, "m.onnx", None).unwrap();
    let sizes = Sizes::batch(2);
    assert_eq!(
        graph.infer(&sizes).unwrap()[graph.outputs[0].0],
        again.infer(&sizes).unwrap()[again.outputs[0].0]
    );
    let types = |graph: &Graph| -> Vec<ElementType> {
        graph.inputs.iter().chain(&graph.outputs).map(|&id| graph.element(id)).collect()
    };
    assert_eq!(types(&again), types(&graph));
    let third = parse(&encode(&again).unwrap(), "m.onnx", None).unwrap();
    assert_eq!(types(&third), types(&graph));
    let proto = ModelProto::decode(&bytes[..]).unwrap().graph.unwrap();
    let number = |info: &ValueInfoProto| {
        let type_proto::Value::TensorType(tensor) = info.r#type.as_ref().unwrap().value.as_ref().unwrap();
        tensor.elem_type()
    };
    let operators = proto.node.iter().map(|node| node.op_type().to_owned()).collect();
    (operators, proto.input.iter().chain(&proto.output).map(number).collect())
}

fn check(model: &ModelProto, operators: &[&str], types: &[DataType]) {
    let (found, numbers) = written(model);
    assert_eq!(found, operators);
    assert_eq!(numbers, types.iter().map(|&element| element as i32).collect::<Vec<_>>());
}

const FLOAT: DataType = DataType::Float;
const HALF: DataType = DataType::Float16;
const INDEX: DataType = DataType::Int64;

#[test]
fn floats_of_any_width() {
    let relu = model(17, "Relu", &["x"], vec![]);
    check(&typed(relu.clone(), FLOAT, &[("y", FLOAT)]), &["Relu"], &[FLOAT, FLOAT]);
    check(&typed(relu.clone(), HALF, &[("y", HALF)]), &["Cast", "Relu", "Cast"], &[HALF, HALF]);
    let wide = DataType::Double;
    check(&typed(relu, FLOAT, &[("y", wide)]), &["Relu", "Cast"], &[FLOAT, wide]);
}

#[test]
fn indices() {
    check(&typed(largest(vec![]), FLOAT, &[("y", INDEX)]), &["ArgMax"], &[FLOAT, INDEX]);
    let small = largest(vec![cast("y", DataType::Uint8, "z")]);
    let all = [("z", DataType::Uint8)];
    let operators = ["ArgMax", "Cast", "Identity", "Cast"];
    check(&typed(small.clone(), FLOAT, &all), &operators, &[FLOAT, DataType::Uint8]);
    let both = [("y", INDEX), ("z", DataType::Uint8)];
    check(&typed(small, FLOAT, &both), &operators, &[FLOAT, INDEX, DataType::Uint8]);
    let read_too = largest(vec![cast("y", FLOAT, "f"), node("Relu", &["f"], "z")]);
    let types = [FLOAT, INDEX, FLOAT];
    check(
        &typed(read_too, FLOAT, &[("y", INDEX), ("z", FLOAT)]),
        &["ArgMax", "Cast", "Identity", "Relu"],
        &types,
    );
}

#[test]
fn truths() {
    let equal = model(17, "Equal", &["x", "x"], vec![]);
    check(&typed(equal, HALF, &[("y", DataType::Bool)]), &["Cast", "Equal"], &[HALF, DataType::Bool]);
}

#[test]
fn what_cannot_be_kept_is_a_float() {
    let relu = model(17, "Relu", &["x"], vec![]);
    check(&typed(relu, FLOAT, &[("y", INDEX)]), &["Relu"], &[FLOAT, FLOAT]);
    let truth = typed(largest(vec![]), FLOAT, &[("y", DataType::Bool)]);
    check(&truth, &["ArgMax", "Cast"], &[FLOAT, FLOAT]);
}
