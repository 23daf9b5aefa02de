//! What cannot be used is reported at once; what only looks unusual is read.

use super::*;
use crate::graph::Sizes;

/// `x -> LSTM -> a -> Relu -> b`, `x -> LSTM -> c`, `x -> Relu (with an attribute) -> d`, and more.
fn broken(declared: bool) -> ModelProto {
    let mut wrong = model(17, "LSTM", &["x"], vec![]);
    let graph = graph(&mut wrong);
    graph.node[0].output = vec!["a".into()];
    graph.node.push(node("Relu", &["a"], "b"));
    graph.node.push(node("LSTM", &["b"], "c"));
    let odd = NodeProto { attribute: vec![int("beta", 1)], ..node("Relu", &["x"], "d") };
    graph.node.push(odd);
    let tall = NodeProto { attribute: vec![int("axis", 7)], ..node("Concat", &["a", "a"], "e") };
    graph.node.push(tall);
    graph.node.push(node("TopK", &["e"], "y"));
    if declared {
        graph.value_info = vec![info("a", &["N", "3", "8", "6"]), info("c", &["N", "3", "8", "6"])];
    }
    wrong
}

#[test]
fn all_that_is_missing_is_reported_at_once() {
    let recurrent = "unknown operator at opset 17; recurrent layers are not supported: prune the part of the \
                     network before them";
    let topk = "unknown operator at opset 17; export without post-processing: boxes are filtered on the host";
    let expected = format!(
        "4 nodes cannot be used:\n  node n (LSTM) and 1 more: {recurrent}\n  node Relu_d (Relu): unknown attribute \
         beta; export without it\n  node TopK_y (TopK): {topk}"
    );
    assert_eq!(error(&broken(false)), expected);
    // Where the file declares what the unknown operator gives, what reads it is judged too.
    let expected = format!(
        "5 nodes cannot be used:\n  node n (LSTM) and 1 more: {recurrent}\n  node Relu_d (Relu): unknown attribute \
         beta; export without it\n  node Concat_e (Concat): axis: expected -4 to 3, found 7\n  node TopK_y (TopK): {topk}"
    );
    assert_eq!(error(&broken(true)), expected);
}

#[test]
fn one_missing_node_is_one_line() {
    let mut wrong = model(17, "LSTM", &["x"], vec![]);
    graph(&mut wrong).node[0].output = vec!["a".into()];
    graph(&mut wrong).node.push(node("Relu", &["a"], "y"));
    assert!(reason(&wrong).starts_with("unknown operator at opset 17; "));
}

#[test]
fn constants_can_be_outputs_and_inputs_cannot() {
    let mut constant = with(model(17, "Relu", &["x"], vec![]), vec![counting("c", &[2, 3])]);
    graph(&mut constant).output.push(info("c", &["2", "3"]));
    let read_back = read(&constant).unwrap();
    let shapes = read_back.infer(&Sizes::batch(1)).unwrap();
    let output = read_back.outputs[1];
    assert_eq!((read_back.value(output).name.as_str(), &shapes[output.0]), ("c", &vec![2, 3]));
    let again = parse(&crate::onnx::encode(&read_back).unwrap(), "m.onnx", None).unwrap();
    assert_eq!(again.infer(&Sizes::batch(1)).unwrap()[again.outputs[1].0], [2, 3]);
    let mut passed = model(17, "Relu", &["x"], vec![]);
    graph(&mut passed).output.push(info("x", &["N", "3", "8", "6"]));
    assert_eq!(
        error(&passed),
        "graph output x: expected a computed value, found a graph input; take it off the outputs"
    );
}

#[test]
fn casts() {
    let to = |data_type: DataType| vec![int("to", i64::from(data_type as i32))];
    assert_eq!(op(&model(17, "Cast", &["x"], to(DataType::Float16))), Op::Identity);
    assert!(
        reason(&model(17, "Cast", &["x"], to(DataType::Int64))).starts_with("to: expected a type of floats")
    );
    assert!(
        reason(&model(17, "Cast", &["x"], to(DataType::Bool))).starts_with("to: expected a type of floats")
    );
    let mut condition = model(17, "Cast", &["x"], to(DataType::Bool));
    graph(&mut condition).node[0].output = vec!["c".into()];
    graph(&mut condition).node.push(node("Where", &["c", "x", "x"], "y"));
    assert_eq!(read(&condition).unwrap().nodes[0].op, Op::Identity);
    let mut folded = with(model(17, "Cast", &["i"], to(DataType::Float)), vec![ints("i", &[2])]);
    graph(&mut folded).node[0].output = vec!["c".into()];
    graph(&mut folded).node.push(node("Mul", &["x", "c"], "y"));
    let folded = read(&folded).unwrap();
    let factor = folded.constant(folded.nodes[0].inputs[1]).unwrap();
    assert_eq!(factor.f32s().unwrap(), [2.0]);
}
