//! Pools over other than two spatial axes.

use super::*;
use crate::graph::{Extent, Padding, Pool};

/// `model` over an input of other dimensions.
fn over(mut model: ModelProto, dims: &[&str]) -> ModelProto {
    graph(&mut model).input = vec![info("x", dims)];
    model
}

#[test]
fn pools_over_one_and_three_axes_are_pools_over_two() {
    let attributes = vec![list("kernel_shape", &[3]), list("pads", &[1, 0])];
    let row = over(model(17, "MaxPool", &["x"], attributes), &["N", "3", "w"]);
    let graph = read(&row).unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.op.name()).collect();
    assert_eq!(names, ["Unsqueeze", "MaxPool", "Squeeze"]);
    let window = Pool { pads: Padding::Explicit([0, 1, 0, 0]), ..Pool::new([1, 3]) };
    assert_eq!(graph.nodes[1].op, Op::MaxPool(window));

    let attributes =
        vec![list("kernel_shape", &[2, 3, 1]), list("strides", &[2, 1, 1]), int("count_include_pad", 1)];
    let volume = over(model(17, "AveragePool", &["x"], attributes), &["N", "3", "4", "5", "6"]);
    let graph = read(&volume).unwrap();
    let shape = |dims: &[i64]| Op::Reshape { shape: Extent::list(dims), allow_zero: false };
    let pool =
        |kernel, strides| Op::AveragePool(Pool { strides, count_include_pad: true, ..Pool::new(kernel) });
    let expected = [
        shape(&[0, 12, 5, 6]),
        pool([3, 1], [1, 1]),
        shape(&[0, 3, 4, 18]),
        pool([2, 1], [2, 1]),
        shape(&[0, 3, 2, 3, 6]),
    ];
    assert_eq!(graph.nodes.iter().map(|node| node.op.clone()).collect::<Vec<_>>(), expected);
}

#[test]
fn axes_that_are_none_are_named() {
    let volume = |dims: &[&str]| {
        let attributes = vec![list("kernel_shape", &[2, 2, 2])];
        reason(&over(model(17, "MaxPool", &["x"], attributes), dims))
    };
    assert!(volume(&["N", "3", "d", "4", "4"]).contains("a shape in which only the batch has a name"));
    assert_eq!(
        volume(&["N", "3", "4", "4"]),
        "kernel_shape: expected 2 numbers, one for each spatial axis, found [2, 2, 2]"
    );
}
