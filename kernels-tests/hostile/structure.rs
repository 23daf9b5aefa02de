//! Damage to the structure of a file: what decodes, but says something else than a network.

use crate::proto::tensor_proto::DataLocation;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::type_proto::Value;
use crate::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};
use crate::rng::Rng;
use crate::samples::OPERATORS;

const NUMBERS: [i64; 22] = [
    i64::MIN,
    i64::MIN + 1,
    -1 << 31,
    -1000,
    -4,
    -2,
    -1,
    0,
    1,
    2,
    3,
    5,
    7,
    64,
    4097,
    65_536,
    1 << 20,
    1 << 24,
    (1 << 31) - 1,
    1 << 32,
    1 << 62,
    i64::MAX,
];

const FLOATS: [f32; 12] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN_POSITIVE,
    -1.0,
    -0.0,
    0.0,
    0.5,
    1.0,
    3.0,
    1e9,
];

const WORDS: [&str; 24] = [
    "",
    "NOTSET",
    "VALID",
    "SAME_UPPER",
    "SAME_LOWER",
    "nearest",
    "linear",
    "cubic",
    "floor",
    "ceil",
    "asymmetric",
    "align_corners",
    "half_pixel",
    "pytorch_half_pixel",
    "half_pixel_symmetric",
    "tf_crop_and_resize",
    "reflect",
    "edge",
    "constant",
    "wrap",
    "DCR",
    "CRD",
    "tanh",
    "\u{0}",
];

const ATTRIBUTES: [&str; 24] = [
    "axis",
    "axes",
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "group",
    "auto_pad",
    "output_padding",
    "output_shape",
    "ceil_mode",
    "keepdims",
    "perm",
    "blocksize",
    "mode",
    "to",
    "value",
    "num_groups",
    "epsilon",
    "transA",
    "transB",
    "allowzero",
    "num_outputs",
    "split",
];

/// Changes a few things of `model`, most often one: what is nearly sound gets furthest.
pub fn damage(model: &mut ModelProto, rng: &mut Rng) {
    for _ in 0..rng.pick(&[1, 1, 1, 2, 4]) {
        once(model, rng);
    }
}

fn once(model: &mut ModelProto, rng: &mut Rng) {
    if rng.below(40) == 0 {
        match rng.place(&mut model.opset_import) {
            Some(set) if rng.below(3) > 0 => {
                set.version = Some(rng.pick(&[i64::MIN, -1, 0, 9, 11, 12, 13, 17, 18, 21, 99]))
            }
            Some(set) => set.domain = Some(rng.pick(&["ai.onnx", "com.example", ""]).to_owned()),
            None => {}
        }
        return;
    }
    let Some(graph) = &mut model.graph else { return };
    match rng.below(10) {
        0..=2 => attributes(graph, rng),
        3 | 4 => wiring(graph, rng),
        5 | 6 => initialiser(graph, rng),
        7 => nodes(graph, rng),
        8 => input(graph, rng),
        _ => edges(graph, rng),
    }
}

fn attributes(graph: &mut GraphProto, rng: &mut Rng) {
    let Some(node) = rng.place(&mut graph.node) else { return };
    if rng.below(6) == 0 {
        let ints = (0..rng.below(6)).map(|_| rng.pick(&NUMBERS)).collect();
        node.attribute.push(AttributeProto {
            name: Some(rng.pick(&ATTRIBUTES).to_owned()),
            r#type: Some(rng.pick(&[2, 7])),
            i: Some(rng.pick(&NUMBERS)),
            ints,
            ..AttributeProto::default()
        });
        return;
    }
    let at = rng.below(node.attribute.len());
    let Some(attribute) = node.attribute.get_mut(at) else { return };
    match rng.below(10) {
        0..=4 => value(attribute, rng),
        5 => drop(node.attribute.remove(at)),
        6 => attribute.name = Some(rng.pick(&ATTRIBUTES).to_owned()),
        7 => attribute.r#type = Some(rng.below(16) as i32),
        8 => drop(attribute.ints.pop()),
        _ => {
            let copy = attribute.clone();
            node.attribute.push(copy);
        }
    }
}

fn value(attribute: &mut AttributeProto, rng: &mut Rng) {
    if let Some(number) = rng.place(&mut attribute.ints) {
        *number = rng.pick(&NUMBERS);
    }
    if attribute.i.is_some() {
        attribute.i = Some(rng.pick(&NUMBERS));
    }
    if attribute.f.is_some() {
        attribute.f = Some(rng.pick(&FLOATS));
    }
    if attribute.s.is_some() {
        attribute.s = Some(rng.pick(&WORDS).as_bytes().to_vec());
    }
    if let Some(number) = rng.place(&mut attribute.floats) {
        *number = rng.pick(&FLOATS);
    }
    if let Some(held) = &mut attribute.t {
        tensor(held, rng);
    }
}

/// The name of something in the graph.
fn name(graph: &GraphProto, rng: &mut Rng) -> String {
    let mut names: Vec<&str> = graph.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
    names.extend(graph.input.iter().map(ValueInfoProto::name));
    names.extend(graph.initializer.iter().map(TensorProto::name));
    names.extend(["", "nowhere"]);
    rng.pick(&names).to_owned()
}

fn wiring(graph: &mut GraphProto, rng: &mut Rng) {
    let name = name(graph, rng);
    let Some(node) = rng.place(&mut graph.node) else { return };
    match rng.below(8) {
        0..=3 => rng.set(&mut node.input, &[name]),
        4 => node.input.push(name),
        5 => drop(node.input.pop()),
        6 => rng.set(&mut node.output, &[name]),
        _ => node.output.push(name),
    }
}

fn nodes(graph: &mut GraphProto, rng: &mut Rng) {
    let count = graph.node.len();
    let (at, other) = (rng.below(count), rng.below(count));
    let Some(node) = graph.node.get_mut(at) else { return };
    match rng.below(6) {
        0 | 1 => node.op_type = Some(rng.pick(&OPERATORS).to_owned()),
        2 => drop(graph.node.remove(at)),
        3 => {
            let copy = NodeProto { output: vec![format!("copy{}", rng.below(9))], ..node.clone() };
            graph.node.insert(other, copy);
        }
        4 => graph.node.swap(at, other),
        _ => node.domain = Some(rng.pick(&["", "ai.onnx", "com.microsoft"]).to_owned()),
    }
}

fn initialiser(graph: &mut GraphProto, rng: &mut Rng) {
    let at = rng.below(graph.initializer.len());
    let Some(held) = graph.initializer.get_mut(at) else { return };
    match rng.below(12) {
        0 => drop(graph.initializer.remove(at)),
        1 => {
            let copy = held.clone();
            graph.initializer.push(copy);
        }
        2 => {
            let elsewhere = ["../x", "/etc/passwd", "a/../../x", "", ".", "\u{0}", "no such file"];
            held.data_location = Some(DataLocation::External as i32);
            held.external_data = vec![
                entry("location", rng.pick(&elsewhere)),
                entry("offset", &rng.pick(&NUMBERS).to_string()),
                entry("length", &rng.pick(&NUMBERS).to_string()),
            ];
        }
        _ => tensor(held, rng),
    }
}

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: Some(key.to_owned()), value: Some(value.to_owned()) }
}

fn tensor(held: &mut TensorProto, rng: &mut Rng) {
    match rng.below(8) {
        0 => rng.set(&mut held.dims, &NUMBERS),
        1 => held.dims.push(rng.pick(&[0, 1, 2, 1 << 40, -1])),
        2 => drop(held.dims.pop()),
        3 => held.data_type = Some(rng.below(30) as i32),
        4 => drop(held.raw_data.as_mut().and_then(Vec::pop)),
        5 => held.name = Some("renamed".to_owned()),
        _ => numbers(held, rng),
    }
}

/// Replaces one number: of whole elements where the type is known, so that sizes and indices become extreme.
fn numbers(held: &mut TensorProto, rng: &mut Rng) {
    rng.set(&mut held.int64_data, &NUMBERS);
    rng.set(&mut held.float_data, &FLOATS);
    let Some(bytes) = &mut held.raw_data else { return };
    match held.data_type {
        Some(7) if bytes.len() >= 8 => {
            let at = 8 * rng.below(bytes.len() / 8);
            bytes[at..at + 8].copy_from_slice(&rng.pick(&NUMBERS).to_le_bytes());
        }
        Some(1) if bytes.len() >= 4 => {
            let at = 4 * rng.below(bytes.len() / 4);
            bytes[at..at + 4].copy_from_slice(&rng.pick(&FLOATS).to_le_bytes());
        }
        _ => {}
    }
}

fn input(graph: &mut GraphProto, rng: &mut Rng) {
    let at = rng.below(graph.input.len());
    let Some(info) = graph.input.get_mut(at) else { return };
    let Some(Value::TensorType(tensor)) = info.r#type.as_mut().and_then(|held| held.value.as_mut()) else {
        return;
    };
    let fixed = |number: i64| Dimension { value: Some(dimension::Value::DimValue(number)) };
    let named = |name: &str| Dimension { value: Some(dimension::Value::DimParam(name.to_owned())) };
    match (rng.below(9), &mut tensor.shape) {
        (0 | 1, Some(shape)) => rng.set(&mut shape.dim, &NUMBERS.map(fixed)),
        (2, Some(shape)) => rng.set(&mut shape.dim, &["n", "h", ""].map(named)),
        (3, Some(shape)) => drop(shape.dim.pop()),
        (4, Some(shape)) => shape.dim.push(fixed(rng.pick(&[1, 2, 1000]))),
        (5, shape) => *shape = None,
        (6, _) => tensor.elem_type = Some(rng.below(30) as i32),
        (7, _) => drop(graph.input.remove(at)),
        _ => {
            let copy = info.clone();
            graph.input.push(copy);
        }
    }
}

fn edges(graph: &mut GraphProto, rng: &mut Rng) {
    let name = name(graph, rng);
    match rng.below(4) {
        0 => drop(rng.place(&mut graph.output).map(|output| output.name = Some(name))),
        1 => graph.output.push(ValueInfoProto { name: Some(name), r#type: None }),
        2 => drop(graph.output.pop()),
        _ => drop(rng.place(&mut graph.input).map(|input| input.name = Some(name))),
    }
}
