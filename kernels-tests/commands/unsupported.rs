//! Networks that use what is not supported: every command says at once all that is missing, and what to do about it.

use crate::bench::{BUNDLED, Bench, run};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, ModelProto};
use crate::refused::refused;
use prost::Message;
use std::fs;

/// The small network with two operators that are none of ours, an attribute that is not known, and one with a value
/// that is not.
fn unsupported(bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
    let mut model = ModelProto::decode(bytes).unwrap();
    let nodes = &mut model.graph.as_mut().unwrap().node;
    let mut named = Vec::new();
    let mut spoil = |op: &str, skip: usize, as_op: &str, attribute: Option<AttributeProto>| {
        let node = nodes.iter_mut().filter(|node| node.op_type() == op).nth(skip).unwrap();
        node.op_type = Some(as_op.to_owned());
        node.attribute.extend(attribute);
        named.push(format!("node {} ({as_op})", node.name()));
    };
    let int = |name: &str| AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Int as i32),
        i: Some(3),
        ..AttributeProto::default()
    };
    spoil("Relu", 0, "LSTM", None);
    spoil("Relu", 1, "NonMaxSuppression", None);
    spoil("Relu", 0, "Relu", Some(int("threshold")));
    spoil("Resize", 0, "Resize", Some(int("antialias")));
    (model.encode_to_vec(), named)
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let bench = Bench::new();
    let (bytes, named) = unsupported(&bench.read("small.onnx"));
    let model = bench.text("missing.onnx");
    fs::write(&model, bytes).unwrap();
    let advice = [
        "missing.onnx: 4 nodes cannot be used",
        "recurrent layers are not supported: prune the part of the network before them",
        "export without post-processing: boxes are filtered on the host",
        "unknown attribute threshold; export without it",
        "antialias",
    ];
    let culprits: Vec<&str> = named.iter().map(String::as_str).chain(advice).collect();
    for args in [&["inspect", &model][..], &["verify", &model], &["bench", BUNDLED, &model]] {
        let done = run(args);
        refused(&done, &culprits);
        assert_eq!(done.stderr.matches("\n  node ").count(), 4, "{done:?}");
    }
}
