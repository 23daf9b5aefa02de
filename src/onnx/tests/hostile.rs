//! Damaged files: an error or another graph, never a panic.

use super::*;
use crate::onnx::OnnxError;

/// A model with something of every kind in it.
fn sample() -> Vec<u8> {
    let mut sample = model(12, "Conv", &["x", "w", "b"], vec![list("pads", &[1, 1, 1, 1]), int("group", 1)]);
    let constants = vec![
        counting("w", &[2, 3, 3, 3]),
        counting("b", &[2]),
        floats("lo", &[], &[0.0]),
        floats("s", &[4], &[1.0, 1.0, 2.0, 2.0]),
        ints("p", &[0, 0, 1, 1, 0, 0, 1, 1]),
        ints("t", &[0, -1]),
    ];
    let nodes = &mut graph(&mut sample).node;
    nodes[0].output = vec!["a".into()];
    let attributes = |node: NodeProto, attribute| NodeProto { attribute, ..node };
    nodes.extend([
        node("Clip", &["a", "lo"], "c"),
        attributes(node("Resize", &["c", "", "s"], "r"), vec![text("mode", "linear")]),
        node("Pad", &["r", "p"], "q"),
        attributes(node("MaxPool", &["q"], "m"), vec![list("kernel_shape", &[2, 2])]),
        attributes(node("Concat", &["m", "m"], "k"), vec![int("axis", -3)]),
        node("Softmax", &["k"], "f"),
        node("Reshape", &["f", "t"], "y"),
    ]);
    with(sample, constants).encode_to_vec()
}

#[test]
fn the_sample_is_whole() {
    assert_eq!(parse(&sample(), "m.onnx", None).unwrap().nodes.len(), 10);
}

#[test]
fn truncated_files_are_errors() {
    let bytes = sample();
    for length in 0..bytes.len() {
        let error = parse(&bytes[..length], "m.onnx", None).expect_err("a part is no model").to_string();
        assert!(error.starts_with("m.onnx: "), "{error}");
    }
    let other = parse(b"not a model", "m.onnx", None).unwrap_err();
    assert!(matches!(other, OnnxError::Decode { .. }));
    assert!(other.to_string().starts_with("m.onnx: expected an ONNX model, found other data: "));
}

/// A xorshift generator: the same damage on every machine.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

#[test]
fn damaged_files_never_panic() {
    let bytes = sample();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut errors = 0;
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=next(&mut state) % 4 {
            let at = next(&mut state) % damaged.len();
            damaged[at] ^= 1 << (next(&mut state) % 8);
        }
        match parse(&damaged, "m.onnx", None) {
            Ok(graph) => drop(graph.infer(&crate::graph::Sizes::batch(2))),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 5_000, "damage must reach the checks, only {errors} files were refused");
}

#[test]
fn nested_messages_do_not_exhaust_the_stack() {
    let mut inner = GraphProto::default();
    for _ in 0..200 {
        let g = Some(inner);
        let attribute = AttributeProto { g, ..attribute("body", AttributeType::Graph) };
        let node = NodeProto { attribute: vec![attribute], ..node("Loop", &[], "y") };
        inner = GraphProto { node: vec![node], ..GraphProto::default() };
    }
    let nested = ModelProto { graph: Some(inner), ..model(17, "Relu", &["x"], vec![]) };
    assert!(read(&nested).is_err());
}

#[test]
fn scalars_and_empty_tensors_are_refused() {
    let mut scalar = model(12, "Softmax", &["x"], vec![]);
    graph(&mut scalar).input = vec![info("x", &[])];
    assert_eq!(reason(&scalar), "input: expected at least one dimension, found a scalar");
    let empty =
        with(model(17, "Concat", &["x", "e"], vec![int("axis", 1)]), vec![floats("e", &[1, 0, 8, 6], &[])]);
    assert_eq!(reason(&empty), "input 1: expected at least one element, found [1, 0, 8, 6]");
    let nothing = with(model(17, "Add", &["x", "e"], vec![]), vec![floats("e", &[0], &[])]);
    assert_eq!(reason(&nothing), "input 1: expected at least one element, found [0]");
}

#[test]
fn windows_past_32_bits_are_refused() {
    let far = i64::from(i32::MAX);
    let attributes = |stride| {
        vec![
            list("kernel_shape", &[2, 2]),
            list("dilations", &[far, far]),
            list("pads", &[far, far, far, far]),
            list("strides", &[stride, stride]),
        ]
    };
    let pool = model(17, "MaxPool", &["x"], attributes(far));
    assert!(reason(&pool).starts_with("padded input and window: expected at most 2147483647 pixels a side"));
    let conv = with(model(17, "Conv", &["x", "w"], attributes(far)), vec![counting("w", &[1, 3, 2, 2])]);
    assert!(reason(&conv).starts_with("padded input and window: expected at most 2147483647 pixels a side"));
}
