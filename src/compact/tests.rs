//! Slices of every kind of constant and attribute, on constants that count up.

use super::{CompactError, compact};
use crate::graph::shape::output_shape;
use crate::graph::{
    Builder, Conv2d, ConvTranspose, Dim, Extent, Gemm, Graph, Move, Op, PadMode, Shapes, Sizes, SliceAxis,
    ValueId,
};
use crate::tensor::{Tensor, count};
use crate::units::{Keeps, Units, analyse};
use std::sync::Arc;

fn numbers(shape: &[usize]) -> Tensor {
    Tensor::from_f32(shape.to_vec(), (0..count(shape)).map(|i| i as f32).collect()).unwrap()
}

fn analysed(builder: Builder) -> (Graph, Shapes, Units) {
    let graph = builder.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(2)).unwrap();
    let units = analyse(&graph, &shapes);
    (graph, shapes, units)
}

/// The constant called `name`: its shape and elements.
fn constant(graph: &Graph, name: &str) -> (Vec<usize>, Vec<f32>) {
    let value = graph.values.iter().find(|value| value.name == name).unwrap();
    let tensor = value.constant.as_ref().unwrap();
    (tensor.shape().to_vec(), tensor.f32s().unwrap().to_vec())
}

/// `conv_0 [3 -> 4]` with bias, batch norm, a per-channel operand, and a head `conv_3 [4 -> 2]`.
fn chain() -> Builder {
    let mut b = Builder::new("net");
    let x = b.image("x", [3, 2, 2]);
    let y = b.conv(x, Conv2d::new([1, 1]), numbers(&[4, 3, 1, 1]), Some(numbers(&[4])));
    let y = b.batch_norm(y, [1, 2, 3, 4].map(|_| numbers(&[4])), 1e-5);
    let k = b.constant("k", numbers(&[1, 4, 1, 1]));
    let y = b.add(y, k);
    let y = b.conv(y, Conv2d::new([1, 1]), numbers(&[2, 4, 1, 1]), Some(numbers(&[2])));
    b.output(y, "y");
    b
}

#[test]
fn everything_along_channels_is_sliced_in_the_order_of_the_keeps() {
    let (graph, shapes, units) = analysed(chain());
    let small = compact(&graph, &shapes, &units, &Keeps(vec![vec![3, 1]])).unwrap();
    assert_eq!(constant(&small, "conv_0.weight"), (vec![2, 3, 1, 1], vec![9.0, 10.0, 11.0, 3.0, 4.0, 5.0]));
    for vector in ["conv_0.bias", "batchnormalization_1.scale", "batchnormalization_1.variance"] {
        assert_eq!(constant(&small, vector), (vec![2], vec![3.0, 1.0]), "{vector}");
    }
    assert_eq!(constant(&small, "k"), (vec![1, 2, 1, 1], vec![3.0, 1.0]));
    assert_eq!(constant(&small, "conv_3.weight"), (vec![2, 2, 1, 1], vec![3.0, 1.0, 7.0, 5.0]));
    assert_eq!((&small.inputs, &small.outputs), (&graph.inputs, &graph.outputs));
    small.infer(&Sizes::batch(5)).unwrap();
}

#[test]
fn what_does_not_change_is_shared() {
    let (graph, shapes, units) = analysed(chain());
    let same = compact(&graph, &shapes, &units, &Keeps::all(&units)).unwrap();
    assert_eq!(same, graph);
    let small = compact(&graph, &shapes, &units, &Keeps::prefix(&units, &[2])).unwrap();
    for (before, after) in graph.values.iter().zip(&small.values) {
        if let (Some(before_constant), Some(after_constant)) = (&before.constant, &after.constant) {
            assert_eq!(
                Arc::ptr_eq(before_constant, after_constant),
                before.name == "conv_3.bias",
                "{}",
                before.name
            );
        }
    }
}

#[test]
fn grouped_convolutions_lose_groups() {
    let mut b = Builder::new("net");
    let x = b.image("x", [1, 2, 2]);
    let y = b.conv(x, Conv2d::new([1, 1]), numbers(&[6, 1, 1, 1]), None);
    let y = b.conv(y, Conv2d { groups: 3, ..Conv2d::new([1, 1]) }, numbers(&[3, 2, 1, 1]), None);
    let y = b.conv(y, Conv2d::new([1, 1]), numbers(&[1, 3, 1, 1]), None);
    b.output(y, "y");
    let (graph, shapes, units) = analysed(b);
    let small = compact(&graph, &shapes, &units, &Keeps(vec![vec![2, 0]])).unwrap();
    assert_eq!(constant(&small, "conv_0.weight").1, [4.0, 5.0, 0.0, 1.0]);
    assert_eq!(constant(&small, "conv_1.weight"), (vec![2, 2, 1, 1], vec![4.0, 5.0, 0.0, 1.0]));
    assert_eq!(constant(&small, "conv_2.weight").1, [2.0, 0.0]);
    assert!(matches!(&small.nodes[1].op, Op::Conv(conv) if conv.groups == 2));
}

/// Trap 17: of a transposed convolution the first dimension of the weight holds inputs, and the second outputs.
#[test]
fn transposed_convolutions_are_sliced_the_other_way_round() {
    let mut b = Builder::new("net");
    let x = b.image("x", [1, 2, 2]);
    let y = b.conv(x, Conv2d::new([1, 1]), numbers(&[3, 1, 1, 1]), None);
    let y = b.conv_transpose(y, ConvTranspose::new([1, 2]), numbers(&[3, 4, 1, 2]), Some(numbers(&[4])));
    let grouped = ConvTranspose { groups: 2, ..ConvTranspose::new([1, 1]) };
    let y = b.conv_transpose(y, grouped, numbers(&[4, 3, 1, 1]), Some(numbers(&[6])));
    let y = b.conv(y, Conv2d::new([1, 1]), numbers(&[1, 6, 1, 1]), None);
    b.output(y, "y");
    let (graph, shapes, units) = analysed(b);
    let small = compact(&graph, &shapes, &units, &Keeps(vec![vec![2, 0], vec![1]])).unwrap();
    let weight = constant(&small, "convtranspose_1.weight");
    assert_eq!(weight, (vec![2, 2, 1, 2], vec![20.0, 21.0, 22.0, 23.0, 4.0, 5.0, 6.0, 7.0]));
    assert_eq!(constant(&small, "convtranspose_1.bias").1, [2.0, 3.0]);
    let weight = constant(&small, "convtranspose_2.weight");
    assert_eq!(weight, (vec![2, 3, 1, 1], vec![6.0, 7.0, 8.0, 9.0, 10.0, 11.0]));
    assert_eq!(constant(&small, "convtranspose_2.bias").1, [3.0, 4.0, 5.0]);
    assert_eq!(constant(&small, "conv_3.weight").1, [3.0, 4.0, 5.0]);
    assert!(matches!(&small.nodes[2].op, Op::ConvTranspose(conv) if conv.groups == 1));
}

#[test]
fn gemm_slices_features_in_blocks_either_way_round() {
    for trans_b in [false, true] {
        let mut b = Builder::new("net");
        let x = b.image("x", [1, 1, 2]);
        let y = b.conv(x, Conv2d::new([1, 1]), numbers(&[2, 1, 1, 1]), None);
        let y = b.flatten(y, 1);
        let gemm = Gemm { trans_b, ..Gemm::default() };
        let y = b.gemm(y, gemm, numbers(if trans_b { &[3, 4] } else { &[4, 3] }), Some(numbers(&[1, 3])));
        let y = b.gemm(y, Gemm::default(), numbers(&[3, 1]), None);
        b.output(y, "y");
        let (graph, shapes, units) = analysed(b);
        let small = compact(&graph, &shapes, &units, &Keeps(vec![vec![1], vec![2, 0]])).unwrap();
        let kept = if trans_b { [10.0, 11.0, 2.0, 3.0] } else { [8.0, 6.0, 11.0, 9.0] };
        assert_eq!(constant(&small, "gemm_2.weight"), (vec![2, 2], kept.to_vec()));
        assert_eq!(constant(&small, "gemm_2.bias"), (vec![1, 2], vec![2.0, 0.0]));
        assert_eq!(constant(&small, "gemm_3.weight"), (vec![2, 1], vec![2.0, 0.0]));
    }
}

#[test]
fn reshape_targets_and_declared_dimensions_follow() {
    for target in [&[0, 18][..], &[-1, 18], &[0, -1], &[0, 2, 9], &[2, 2, 3, 3], &[0, 0, -1]] {
        let mut b = Builder::new("net");
        let x = b.image("x", [1, 3, 3]);
        let y = b.conv(x, Conv2d::new([1, 1]), numbers(&[2, 1, 1, 1]), None);
        let z = b.reshape(y, target);
        let z = b.softmax(z, 0);
        let out = b.conv(y, Conv2d::new([1, 1]), numbers(&[1, 2, 1, 1]), None);
        b.output(out, "y");
        let mut graph = b.finish().unwrap();
        let dims = |shape: &[usize]| Some(shape.iter().map(|&n| Dim::Fixed(n)).collect());
        graph.values[y.0].dims = dims(&[2, 2, 3, 3]);
        let shapes = graph.infer(&Sizes::batch(2)).unwrap();
        let units = analyse(&graph, &shapes);
        let small = compact(&graph, &shapes, &units, &Keeps(vec![vec![1]])).unwrap();
        let inferred = small.infer(&Sizes::batch(2)).unwrap();
        assert_eq!(inferred[z.0][1] * 2, shapes[z.0][1], "{target:?}");
        assert_eq!(small.values[y.0].dims, dims(&[2, 1, 3, 3]));
    }
}

#[test]
fn a_shared_weight_is_sliced_once() {
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 1, 1]);
    let stem = b.conv(x, Conv2d::new([1, 1]), numbers(&[4, 4, 1, 1]), None);
    let weight = b.constant("w", numbers(&[4, 4, 1, 1]));
    let y = b.node(Op::Conv(Conv2d::new([1, 1])), &[stem, weight]);
    let y = b.node(Op::Conv(Conv2d::new([1, 1])), &[y, weight]);
    let y = b.conv(y, Conv2d::new([1, 1]), numbers(&[1, 4, 1, 1]), None);
    b.output(y, "y");
    let (graph, shapes, units) = analysed(b);
    let small = compact(&graph, &shapes, &units, &Keeps(vec![vec![0, 3]])).unwrap();
    assert_eq!(constant(&small, "w"), (vec![2, 2, 1, 1], vec![0.0, 3.0, 12.0, 15.0]));

    let mut apart = units.clone();
    apart.segments[graph.nodes[2].outputs[0].0][0].unit = None;
    let error = compact(&graph, &shapes, &apart, &Keeps(vec![vec![0, 3]])).unwrap_err();
    let expected = CompactError::Shared { node: "conv_2".into(), constant: "w".into() };
    assert_eq!(error, expected);
}

#[test]
fn illegal_keeps_are_refused_by_name() {
    let (graph, shapes, units) = analysed(chain());
    let refuse = |keeps| compact(&graph, &shapes, &units, &Keeps(keeps)).unwrap_err().to_string();
    assert_eq!(refuse(vec![]), "expected kept coordinates for 1 units, found 0");
    assert_eq!(refuse(vec![vec![]]), "unit conv_0: expected at least one kept coordinate, found none");
    assert_eq!(refuse(vec![vec![0, 4]]), "unit conv_0: expected kept coordinates below 4, found 4");
    assert_eq!(refuse(vec![vec![2, 2]]), "unit conv_0: coordinate 2 is kept twice");
    let mut foreign = units.clone();
    foreign.segments[graph.nodes[0].outputs[0].0][0].channels = vec![0, 1, 2];
    let error = compact(&graph, &shapes, &foreign, &Keeps(vec![vec![0]])).unwrap_err();
    assert_eq!(error.to_string(), "value conv_0_out: expected 4 channels in its segments, found 3");
}

#[test]
fn prunings_in_a_row_compose_and_sorting_restores_the_order() {
    let (graph, shapes, units) = analysed(chain());
    let (first, second) = (Keeps(vec![vec![3, 0, 2]]), Keeps(vec![vec![2, 0]]));
    let once = compact(&graph, &shapes, &units, &first).unwrap();
    let between = units.pruned(&first);
    let inferred = once.infer(&Sizes::batch(2)).unwrap();
    let twice = compact(&once, &inferred, &between, &second).unwrap();
    let both = Keeps::all(&units).then(&first).then(&second);
    assert_eq!(both, Keeps(vec![vec![2, 3]]));
    assert_eq!(twice, compact(&graph, &shapes, &units, &both).unwrap());
    assert_eq!(Keeps(vec![vec![3, 0, 2]]).sorted(), Keeps(vec![vec![0, 2, 3]]));
    assert_eq!(units.kept_channels(&first, ValueId(graph.nodes[0].outputs[0].0)), [3, 0, 2]);
}

/// A convolution to six channels, `op` of it, and a head on what that gives.
fn through(op: Move) -> (Graph, Shapes, Units) {
    let mut b = Builder::new("net");
    let x = b.image("x", [1, 2, 2]);
    let y = b.conv(x, Conv2d::new([1, 1]), numbers(&[6, 1, 1, 1]), None);
    let channels = output_shape(&Op::Move(op.clone()), &[&[2, 6, 2, 2]]).unwrap()[1];
    let y = b.node(Op::Move(op), &[y]);
    let y = b.conv(y, Conv2d::new([1, 1]), numbers(&[1, channels, 1, 1]), None);
    b.output(y, "y");
    analysed(b)
}

#[test]
fn trap_24_numbers_of_channels_in_attributes_follow() {
    let slice = |[start, end, step]: [i64; 3]| {
        let [start, end] = [start, end].map(Extent::Fixed);
        Move::Slice(vec![SliceAxis { axis: 1, start, end, step }])
    };
    let gather = |indices: &[i64]| {
        let indices = indices.to_vec();
        Move::Gather { axis: 1, shape: vec![indices.len()], indices }
    };
    let pad = |before, after| Move::pad(&[[0, 0], [before, after], [0, 0], [0, 0]], PadMode::Constant(1.0));
    for (op, keeps, expected) in [
        (slice([2, 5, 1]), vec![vec![1], vec![2, 0]], Op::Move(slice([1, 3, 1]))),
        (slice([1, 6, 2]), vec![vec![1, 0], vec![0, 2]], Op::Move(gather(&[1, 3]))),
        (slice([5, -7, -2]), vec![vec![0, 1, 2], vec![1, 0]], Op::Move(gather(&[3, 1]))),
        (gather(&[0, 3, 1, 4, 2, 5]), vec![vec![1, 4, 5]], Op::Move(slice([0, 3, 1]))),
        (gather(&[5, 4, 3, 2, 1, 0]), vec![vec![2, 4]], Op::Move(gather(&[1, 0]))),
        (pad(2, 1), vec![vec![0, 5]], Op::Move(pad(2, 1))),
    ] {
        let (graph, shapes, units) = through(op.clone());
        let keeps = Keeps(keeps);
        assert_eq!(keeps.0.len(), units.units.len(), "{op:?}: {:?}", units.units);
        let small = compact(&graph, &shapes, &units, &keeps).unwrap();
        assert_eq!(small.nodes[1].op, expected, "{op:?}");
        small.infer(&Sizes::batch(2)).unwrap();
    }
}
