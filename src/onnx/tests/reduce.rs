//! Reductions: where axes come from, over opsets, and what is written is read back.

use super::*;
use crate::graph::{Activation, ArgMax, Builder, Reduce, Reduction, Sizes};
use crate::onnx::encode;

fn reduce(reduction: Reduction, axes: &[usize], keep_dims: bool) -> Op {
    Op::Reduce(Reduce { reduction, axes: axes.to_vec(), keep_dims })
}

#[test]
fn axes_are_an_attribute_or_an_input() {
    for (name, reduction) in [
        ("ReduceMean", Reduction::Mean),
        ("ReduceSum", Reduction::Sum),
        ("ReduceMax", Reduction::Max),
        ("ReduceL2", Reduction::L2),
    ] {
        let attribute = model(11, name, &["x"], vec![list("axes", &[-1, 1]), int("keepdims", 0)]);
        assert_eq!(op(&attribute), reduce(reduction, &[1, 3], false));
        let input = with(model(18, name, &["x", "axes"], vec![]), vec![ints("axes", &[-1, 2])]);
        assert_eq!(op(&input), reduce(reduction, &[2, 3], true));
        assert_eq!(read(&input).unwrap().nodes[0].inputs.len(), 1);
        assert_eq!(op(&model(13, name, &["x"], vec![])), reduce(reduction, &[0, 1, 2, 3], true));
        assert_eq!(op(&model(18, name, &["x"], vec![int("noop_with_empty_axes", 1)])), Op::Identity);
    }
    let twice = model(13, "ReduceMean", &["x"], vec![list("axes", &[1, -3])]);
    assert_eq!(reason(&twice), "axes: expected each axis once, found [1, -3]");
    let beyond = model(13, "ReduceMean", &["x"], vec![list("axes", &[4])]);
    assert_eq!(reason(&beyond), "axis: expected -4 to 3, found 4");
}

#[test]
fn global_pools_of_other_ranks_are_reductions() {
    for (name, whole, reduction) in [
        ("GlobalAveragePool", Op::GlobalAveragePool, Reduction::Mean),
        ("GlobalMaxPool", Op::GlobalMaxPool, Reduction::Max),
    ] {
        assert_eq!(op(&model(11, name, &["x"], vec![])), whole);
        let mut line = model(11, name, &["x"], vec![]);
        graph(&mut line).input = vec![info("x", &["N", "3", "5"])];
        assert_eq!(op(&line), reduce(reduction, &[2], true));
        graph(&mut line).input = vec![info("x", &["N", "3"])];
        assert_eq!(reason(&line), "input: expected rank 3 or more [N, C, …], found rank 2");
    }
}

#[test]
fn indices_of_maxima() {
    let usual = ArgMax { axis: 0, keep_dims: true, last: false };
    assert_eq!(op(&model(13, "ArgMax", &["x"], vec![])), Op::ArgMax(usual));
    let last = vec![int("axis", -3), int("keepdims", 0), int("select_last_index", 1)];
    let expected = ArgMax { axis: 1, keep_dims: false, last: true };
    assert_eq!(op(&model(13, "ArgMax", &["x"], last)), Op::ArgMax(expected));
}

#[test]
fn logarithms_of_softmax_join_axes_before_opset_13() {
    assert_eq!(op(&model(13, "LogSoftmax", &["x"], vec![])), Op::LogSoftmax { axis: 3 });
    let joined = read(&model(12, "LogSoftmax", &["x"], vec![int("axis", 2)])).unwrap();
    assert_eq!(joined.nodes[1].op, Op::LogSoftmax { axis: 1 });
    assert_eq!(joined.infer(&Sizes::batch(5)).unwrap()[joined.outputs[0].0], [5, 3, 8, 6]);
}

#[test]
fn what_is_written_is_read_back() {
    for late in [false, true] {
        for op in [
            reduce(Reduction::Mean, &[1, 3], false),
            reduce(Reduction::Sum, &[2, 3], true),
            reduce(Reduction::Max, &[0], true),
            reduce(Reduction::L2, &[1], true),
            Op::GlobalMaxPool,
            Op::LogSoftmax { axis: 2 },
        ] {
            let mut b = Builder::new("net");
            let x = b.image("x", [4, 6, 8]);
            // An operator of a later opset, with which axes are inputs.
            let y = b.activation(x, if late { Activation::Mish } else { Activation::Relu });
            let y = b.node(op.clone(), &[y]);
            b.output(y, "y");
            let graph = b.finish().unwrap();
            let read = parse(&encode(&graph).unwrap(), "m.onnx", None).unwrap();
            assert_eq!(read.nodes[1].op, op);
            assert_eq!(read.nodes[1].inputs.len(), 1);
            let shape = |graph: &Graph| graph.infer(&Sizes::batch(3)).unwrap()[graph.outputs[0].0].clone();
            assert_eq!(shape(&read), shape(&graph));
        }
    }
}
