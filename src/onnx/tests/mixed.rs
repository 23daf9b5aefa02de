//! Operators of any number of inputs, of integers beside floats, and of a mask.

use super::*;

fn names(model: &ModelProto) -> Vec<&'static str> {
    read(model).unwrap().nodes.iter().map(|node| node.op.name()).collect()
}

#[test]
fn extremes_and_sums_take_two_at_a_time() {
    for (op, part) in [("Min", "Min"), ("Max", "Max"), ("Sum", "Add")] {
        assert_eq!(names(&model(17, op, &["x"], vec![])), ["Identity"]);
        assert_eq!(names(&model(17, op, &["x", "x"], vec![])), [part]);
        assert_eq!(names(&model(17, op, &["x", "x", "x", "x"], vec![])), [part; 3]);
    }
}

#[test]
fn exponents_and_conditions_may_be_integers() {
    let power = with(model(17, "Pow", &["x", "e"], vec![]), vec![ints("e", &[2])]);
    let graph = read(&power).unwrap();
    assert_eq!(graph.constant(graph.nodes[0].inputs[1]).unwrap().f32s().unwrap(), [2.0]);
    let choice = with(model(17, "Where", &["c", "x", "x"], vec![]), vec![ints("c", &[1])]);
    let graph = read(&choice).unwrap();
    assert_eq!(graph.constant(graph.nodes[0].inputs[0]).unwrap().f32s().unwrap(), [1.0]);
    let sum = with(model(17, "Add", &["x", "e"], vec![]), vec![ints("e", &[2])]);
    assert_eq!(reason(&sum), "input e: expected a tensor of float32, found one of int64");
}

#[test]
fn nothing_is_masked() {
    let mut dropout = model(17, "Dropout", &["x", "r", "t"], vec![]);
    graph(&mut dropout).node[0].output.push("mask".into());
    let on =
        TensorProto { data_type: Some(DataType::Bool as i32), int32_data: vec![1], ..floats("t", &[], &[]) };
    let with_ratio = |ratio: f32| with(dropout.clone(), vec![floats("r", &[], &[ratio]), on.clone()]);
    assert_eq!(names(&with_ratio(0.0)), ["Identity"]);
    let mut read_too = with_ratio(0.0);
    graph(&mut read_too).node.push(node("Relu", &["mask"], "z"));
    assert_eq!(names(&read_too), ["Identity", "Equal", "Relu"]);
    assert_eq!(
        reason(&with_ratio(0.5)),
        "training_mode: expected false, found true: only inference is supported"
    );
}

#[test]
fn a_transposed_left_matrix_is_turned_first() {
    let mut gemm = with(model(17, "Gemm", &["x", "b"], vec![int("transA", 1)]), vec![counting("b", &[2, 5])]);
    graph(&mut gemm).input = vec![info("x", &["2", "3"])];
    assert_eq!(names(&gemm), ["Transpose", "Gemm"]);
}
