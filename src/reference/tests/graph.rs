//! The interpreter: every value by id, and errors that name what is wrong.

use super::{array, conv2d};
use crate::graph::{Activation, Binary, Dim, Extent, Graph, Node, Op, Sizes, Value, ValueId};
use crate::reference::{Array, ReferenceError, bounds, run};
use crate::tensor::Tensor;
use std::sync::Arc;

/// `y = relu(conv(x)) + reshape(x)`, made by hand: the interpreter needs no builder.
fn graph() -> Graph {
    let value = |name: &str| Value { name: name.to_owned(), dims: None, constant: None };
    let mut graph = Graph { values: ["x", "w", "c", "r", "t", "y"].map(value).to_vec(), ..Graph::default() };
    let dims = [Dim::Symbol("N".to_owned()), Dim::Fixed(1), Dim::Fixed(1), Dim::Fixed(2)];
    graph.values[0].dims = Some(dims.to_vec());
    let weight = Tensor::from_f32(vec![1, 1, 1, 1], vec![2.0]).unwrap();
    graph.values[1].constant = Some(Arc::new(weight));
    let node = |op: Op, inputs: &[usize], output: usize| Node {
        name: format!("node{output}"),
        op,
        inputs: inputs.iter().map(|&i| ValueId(i)).collect(),
        outputs: vec![ValueId(output)],
    };
    graph.nodes = vec![
        node(Op::Conv(conv2d(1, 1)), &[0, 1], 2),
        node(Op::Activation(Activation::Relu), &[2], 3),
        node(Op::Reshape { shape: Extent::list(&[0, 1, -1, 2]), allow_zero: false }, &[0], 4),
        node(Op::Binary(Binary::Add), &[3, 4], 5),
    ];
    (graph.inputs, graph.outputs) = (vec![ValueId(0)], vec![ValueId(5)]);
    graph
}

#[test]
fn every_value_is_computed_at_the_batch_asked_for() {
    let graph = graph();
    let shapes = graph.infer(&Sizes::batch(2)).unwrap();
    let x = array(&[2, 1, 1, 2], "1 -2 3 -4");
    let values = run(&graph, &shapes, std::slice::from_ref(&x)).unwrap();
    let expected = ["1 -2 3 -4", "", "2 -4 6 -8", "2 0 6 0", "1 -2 3 -4", "3 -2 9 -4"];
    for (value, expected) in values.iter().zip(expected) {
        let value = value.as_ref().unwrap();
        if !expected.is_empty() {
            assert_eq!(*value, array(&[2, 1, 1, 2], expected));
        }
    }
    let bounded = bounds(&graph, &shapes, &values).unwrap();
    let results: Vec<&Array> = bounded.iter().map(|b| &b.expected).collect();
    assert_eq!(results, values[2..].iter().flatten().collect::<Vec<_>>());
}

#[test]
fn wrong_inputs_are_named() {
    let graph = graph();
    let shapes = graph.infer(&Sizes::batch(1)).unwrap();
    assert_eq!(run(&graph, &shapes, &[]), Err(ReferenceError::Inputs { expected: 1, found: 0 }));
    let error = run(&graph, &shapes, &[array(&[1, 2], "1 2")]).unwrap_err();
    assert_eq!(error.to_string(), "value x: expected shape [1, 1, 1, 2], found [1, 2]");
    let mut wrong = shapes.clone();
    wrong[2] = vec![1, 1, 2, 1];
    let error = run(&graph, &wrong, &[array(&[1, 1, 1, 2], "1 2")]).unwrap_err();
    assert_eq!(error.to_string(), "node node2 (Conv): output: expected [1, 1, 2, 1], found [1, 1, 1, 2]");
}
