//! What shapes come out, and which rule each wrong graph breaks.

use super::*;
use crate::graph::{
    Activation, Conv2d, Coordinates, Epilogue, Gemm, Interpolation, Pad, PadMode, Padding, Pool, Reduce,
    Reduction, Resize, Target, Value,
};

fn conv(kernel: [usize; 2], groups: usize) -> Conv2d {
    let pads = Padding::Explicit([1, 1, 1, 1]);
    Conv2d { pads, groups, ..Conv2d::new(kernel) }
}

fn pool(kernel: usize, stride: usize, pad: usize) -> Pool {
    Pool {
        kernel: [kernel; 2],
        strides: [stride; 2],
        pads: Padding::Explicit([pad; 4]),
        dilations: [1, 1],
        ceil_mode: false,
        count_include_pad: false,
    }
}

fn gemm(trans_a: bool, trans_b: bool) -> Op {
    Op::Gemm(Gemm { alpha: 1.0, beta: 1.0, trans_a, trans_b, epilogue: Epilogue::Plain })
}

fn reason(op: &Op, inputs: &[&[usize]]) -> String {
    output_shape(op, inputs).expect_err("the rule is broken").to_string()
}

#[test]
fn convolutions() {
    let x: &[usize] = &[2, 8, 10, 12];
    assert_eq!(output_shape(&Op::Conv(conv([3, 3], 1)), &[x, &[5, 8, 3, 3], &[5]]), Ok(vec![2, 5, 10, 12]));
    assert_eq!(output_shape(&Op::Conv(conv([1, 3], 4)), &[x, &[12, 2, 1, 3]]), Ok(vec![2, 12, 12, 12]));
    let mut fused = conv([3, 3], 1);
    fused.epilogue = Epilogue::AddThenActivation(Activation::Relu);
    let (op, w): (_, &[usize]) = (Op::Conv(fused), &[8, 8, 3, 3]);
    assert_eq!(output_shape(&op, &[x, w, x]), Ok(x.to_vec()));
    assert_eq!(output_shape(&op, &[x, w, &[8], x]), Ok(x.to_vec()));
    assert_eq!(reason(&op, &[x, w, &[8], w]), "residual: expected [2, 8, 10, 12], found [8, 8, 3, 3]");
    assert_eq!(reason(&op, &[x, w]), "number of inputs: expected 3 to 4, found 2");
}

#[test]
fn wrong_convolutions() {
    let x: &[usize] = &[1, 8, 10, 12];
    let why = |conv: Conv2d, weight: &[usize], bias: &[usize]| reason(&Op::Conv(conv), &[x, weight, bias]);
    assert_eq!(why(conv([3, 3], 1), &[5, 8, 5, 3], &[5]), "weight: expected kernel [3, 3], found [5, 3]");
    assert_eq!(
        why(conv([3, 3], 3), &[6, 2, 3, 3], &[6]),
        "groups: expected a divisor of 8 input channels, found 3"
    );
    assert_eq!(
        why(conv([3, 3], 4), &[6, 2, 3, 3], &[6]),
        "groups: expected a divisor of 6 output channels, found 4"
    );
    assert_eq!(
        why(conv([3, 3], 2), &[6, 8, 3, 3], &[6]),
        "weight: expected 4 input channels per group, found 8"
    );
    assert_eq!(why(conv([3, 3], 1), &[5, 8, 3, 3], &[4]), "bias: expected [5], found [4]");
    assert_eq!(
        why(conv([3, 3], 0), &[5, 8, 3, 3], &[5]),
        "groups: expected a divisor of 8 input channels, found 0"
    );
    let mut still = conv([3, 3], 1);
    still.strides = [1, 0];
    assert_eq!(why(still, &[5, 8, 3, 3], &[5]), "strides: expected at least 1, found [1, 0]");
    assert_eq!(
        why(conv([13, 3], 1), &[5, 8, 13, 3], &[5]),
        "input size with padding: expected at least 13x3, found 10x12 with pads [1, 1, 1, 1]"
    );
    let flat = reason(&Op::Conv(conv([3, 3], 1)), &[&[1, 8], &[5, 8, 3, 3]]);
    assert_eq!(flat, "input: expected rank 4 [N, C, H, W], found [1, 8]");
}

#[test]
fn pools() {
    let x: &[usize] = &[1, 3, 9, 8];
    assert_eq!(output_shape(&Op::MaxPool(pool(3, 2, 1)), &[x]), Ok(vec![1, 3, 5, 4]));
    assert_eq!(output_shape(&Op::GlobalAveragePool, &[x]), Ok(vec![1, 3, 1, 1]));
    assert_eq!(
        reason(&Op::AveragePool(pool(2, 2, 2)), &[x]),
        "pads: expected each less than the window 2x2, found [2, 2, 2, 2]"
    );
}

#[test]
fn resizes() {
    let to = |target| {
        let (coordinates, interpolation) = (Coordinates::HalfPixel, Interpolation::Linear);
        Op::Resize(Resize { target, coordinates, interpolation })
    };
    let x: &[usize] = &[1, 3, 10, 9];
    assert_eq!(output_shape(&to(Target::Scales([0.7, 1.5])), &[x]), Ok(vec![1, 3, 7, 13]));
    assert_eq!(output_shape(&to(Target::Sizes([1, 40])), &[x]), Ok(vec![1, 3, 1, 40]));
    assert_eq!(
        reason(&to(Target::Scales([0.05, 1.0])), &[x]),
        "output size: expected 1 to 16777216 pixels a side, found 0x9 from 10x9"
    );
    assert!(reason(&to(Target::Scales([f32::INFINITY, 1.0])), &[x]).starts_with("output size"));
    assert!(reason(&to(Target::Scales([f32::NAN, 1.0])), &[x]).starts_with("output size"));
}

#[test]
fn broadcasts() {
    let add = Op::Binary(Binary::Add);
    let x: &[usize] = &[2, 3, 4, 5];
    for other in [&[][..], &[1], &[5], &[3, 1, 1], &[1, 3, 1, 1], x] {
        assert_eq!(output_shape(&add, &[x, other]), Ok(x.to_vec()));
        assert_eq!(output_shape(&add, &[other, x]), Ok(x.to_vec()));
    }
    assert_eq!(output_shape(&add, &[&[3, 1], &[1, 4]]), Ok(vec![3, 4]));
    assert_eq!(
        reason(&add, &[x, &[3, 1]]),
        "dimension 2 of the second input [3, 1] against [2, 3, 4, 5]: expected 1 or 4, found 3"
    );
}

#[test]
fn concatenations() {
    let cat = |axis| Op::Concat { axis };
    assert_eq!(output_shape(&cat(1), &[&[1, 2, 4], &[1, 3, 4], &[1, 1, 4]]), Ok(vec![1, 6, 4]));
    assert_eq!(
        reason(&cat(1), &[&[1, 2, 4], &[1, 3, 5]]),
        "input 1: expected [1, 2, 4] in all but dimension 1, found [1, 3, 5]"
    );
    assert_eq!(reason(&cat(3), &[&[1, 2, 4]]), "axis: expected less than the rank 3, found 3");
    assert_eq!(reason(&cat(0), &[]), "number of inputs: expected 1 or more, found 0");
}

#[test]
fn reshapes() {
    let to = |shape: &[i64], allow_zero| Op::Reshape { shape: Extent::list(shape), allow_zero };
    let x: &[usize] = &[2, 3, 4];
    assert_eq!(output_shape(&to(&[0, -1], false), &[x]), Ok(vec![2, 12]));
    assert_eq!(output_shape(&to(&[4, 6], false), &[x]), Ok(vec![4, 6]));
    assert_eq!(output_shape(&to(&[0, 0, 2, -1], false), &[x]), Ok(vec![2, 3, 2, 2]));
    assert_eq!(reason(&to(&[-1, -1], false), &[x]), "target: expected at most one -1, found [-1, -1]");
    assert_eq!(reason(&to(&[-2], false), &[x]), "target: expected sizes, 0 or -1, found [-2]");
    assert_eq!(
        reason(&to(&[5, -1], false), &[x]),
        "target [5, -1]: expected the 24 elements of [2, 3, 4], found [5, 1]"
    );
    assert!(reason(&to(&[0, -1], true), &[x]).starts_with("target [0, -1]: expected the 24 elements"));
    assert!(reason(&to(&[1, 1, 1, 0], false), &[x]).contains("only where the input has a dimension"));
    assert!(reason(&to(&[i64::MAX, i64::MAX], false), &[x]).starts_with("target"));
}

#[test]
fn flattens_and_softmaxes() {
    let x: &[usize] = &[2, 3, 4, 5];
    for (axis, expected) in [(0, [1, 120]), (1, [2, 60]), (3, [24, 5]), (4, [120, 1])] {
        assert_eq!(output_shape(&Op::Flatten { axis }, &[x]), Ok(expected.to_vec()));
    }
    assert_eq!(reason(&Op::Flatten { axis: 5 }, &[x]), "axis: expected at most the rank 4, found 5");
    assert_eq!(output_shape(&Op::Softmax { axis: 3 }, &[x]), Ok(x.to_vec()));
    assert_eq!(reason(&Op::Softmax { axis: 4 }, &[x]), "axis: expected less than the rank 4, found 4");
}

#[test]
fn matrix_products() {
    assert_eq!(output_shape(&gemm(false, true), &[&[4, 7], &[5, 7], &[5]]), Ok(vec![4, 5]));
    assert_eq!(output_shape(&gemm(true, false), &[&[7, 4], &[7, 5], &[4, 1]]), Ok(vec![4, 5]));
    assert_eq!(
        reason(&gemm(false, false), &[&[4, 7], &[5, 7]]),
        "second matrix: expected 7 rows of the product's inner side, found 5"
    );
    assert_eq!(
        reason(&gemm(false, true), &[&[4, 7], &[5, 7], &[4]]),
        "added term: expected a shape that repeats to [4, 5], found [4]"
    );
    assert_eq!(reason(&gemm(false, true), &[&[4], &[5, 7]]), "first matrix: expected rank 2, found [4]");
}

#[test]
fn batch_norms_and_pads() {
    let norm = Op::BatchNorm { epsilon: 1e-5 };
    let (x, c): (&[usize], &[usize]) = (&[2, 3, 4, 5], &[3]);
    assert_eq!(output_shape(&norm, &[x, c, c, c, c]), Ok(x.to_vec()));
    assert_eq!(reason(&norm, &[x, c, c, c, &[4]]), "variance: expected [3], found [4]");
    let pad = |mode, margins| Op::Pad(Pad { margins, mode });
    assert_eq!(output_shape(&pad(PadMode::Constant(0.0), [1, 2, 3, 4]), &[x]), Ok(vec![2, 3, 8, 11]));
    assert_eq!(output_shape(&pad(PadMode::Reflect, [3, 4, 3, 4]), &[x]), Ok(vec![2, 3, 10, 13]));
    assert_eq!(
        reason(&pad(PadMode::Reflect, [4, 0, 0, 0]), &[x]),
        "pads: expected reflected margins of at most 3x4 pixels, found [4, 0, 0, 0]"
    );
    assert!(reason(&pad(PadMode::Edge, [usize::MAX, 0, 1, 0]), &[x]).starts_with("pads"));
}

fn graph(dims: Vec<Dim>, op: Op) -> Graph {
    let value = |name: &str, dims| Value { name: name.into(), dims, constant: None };
    let node = Node { name: "n".into(), op, inputs: vec![ValueId(0)], outputs: vec![ValueId(1)] };
    Graph {
        name: "g".into(),
        values: vec![value("x", Some(dims)), value("y", None)],
        nodes: vec![node],
        inputs: vec![ValueId(0)],
        outputs: vec![ValueId(1)],
        ..Graph::default()
    }
}

#[test]
fn the_batch_replaces_what_the_file_fixes() {
    let fixed = vec![Dim::Fixed(1), Dim::Fixed(6)];
    let follows = graph(fixed.clone(), Op::Reshape { shape: Extent::list(&[1, 2, 3]), allow_zero: false });
    assert_eq!(follows.infer(&Sizes::batch(4)).unwrap()[1], [4, 2, 3]);
    let folds = graph(fixed, Op::Reshape { shape: Extent::list(&[2, -1]), allow_zero: false });
    assert_eq!(folds.infer(&Sizes::batch(4)).unwrap()[1], [2, 12]);
}

#[test]
fn an_input_that_is_fixed_to_another_number_has_no_batch() {
    let mut graph = graph(vec![Dim::Fixed(3), Dim::Fixed(5)], Op::Binary(Binary::Add));
    graph.values.push(Value { name: "z".into(), dims: Some(vec![Dim::Fixed(5)]), constant: None });
    graph.inputs.push(ValueId(2));
    graph.nodes[0].inputs.push(ValueId(2));
    assert_eq!(graph.infer(&Sizes::batch(4)).unwrap()[1..], [vec![4, 5], vec![5]]);
}

#[test]
fn reductions_and_slopes() {
    let reduce = |axes: &[usize], keep_dims| {
        Op::Reduce(Reduce { reduction: Reduction::Sum, axes: axes.to_vec(), keep_dims })
    };
    let x: &[usize] = &[2, 3, 4];
    assert_eq!(output_shape(&reduce(&[0, 2], true), &[x]), Ok(vec![1, 3, 1]));
    assert_eq!(output_shape(&reduce(&[0, 2], false), &[x]), Ok(vec![3]));
    assert_eq!(output_shape(&reduce(&[0, 1, 2], false), &[x]), Ok(vec![]));
    assert_eq!(
        reason(&reduce(&[2, 1], true), &[x]),
        "axes: expected ascending ones below the rank 3, found [2, 1]"
    );
    assert_eq!(
        reason(&reduce(&[3], true), &[x]),
        "axes: expected ascending ones below the rank 3, found [3]"
    );
    let slope = Op::Binary(Binary::PRelu);
    assert_eq!(output_shape(&slope, &[x, &[3, 1]]), Ok(x.to_vec()));
    assert_eq!(
        reason(&slope, &[&[3, 4], x]),
        "slope: expected a shape that repeats to [3, 4], found [2, 3, 4]"
    );
    assert_eq!(output_shape(&Op::Where, &[&[4], &[3, 1], &[2, 1, 1]]), Ok(x.to_vec()));
}

#[test]
fn symbols_need_sizes() {
    let symbol = |name: &str| Dim::Symbol(name.into());
    let dims = vec![symbol("n"), symbol("h"), symbol("n")];
    let graph = graph(dims, Op::Identity);
    let error = graph.infer(&Sizes::batch(2)).unwrap_err();
    assert_eq!(error.to_string(), "input x: dimension 1 is h, expected a size for it, found none");
    let sizes = Sizes::new(2, [("h".to_owned(), 7)].into());
    assert_eq!(graph.infer(&sizes).unwrap()[1], [2, 7, 2]);
    let empty = Sizes::new(2, [("h".to_owned(), 0)].into());
    assert_eq!(
        graph.infer(&empty).unwrap_err().to_string(),
        "value x: dimension 1: expected at least 1, found 0"
    );
    assert_eq!(graph.infer(&Sizes::batch(0)), Err(GraphError::EmptyBatch));
}

#[test]
fn errors_name_the_node() {
    let graph = graph(vec![Dim::Fixed(1)], Op::GlobalAveragePool);
    let error = graph.infer(&Sizes::batch(1)).unwrap_err().to_string();
    assert_eq!(error, "node n (GlobalAveragePool): input: expected rank 3 or more [N, C, …], found [1]");
}

#[test]
fn sizes_that_shaders_cannot_index_are_errors() {
    let graph = graph(vec![Dim::Fixed(1), Dim::Fixed(1 << 31), Dim::Fixed(2)], Op::Identity);
    let error = graph.infer(&Sizes::batch(1)).unwrap_err().to_string();
    assert_eq!(error, "value x: shape: expected at most 4294967295 elements, found [1, 2147483648, 2]");
}

#[test]
fn declared_sizes_leave_dimension_0_as_it_is() {
    let mut b = crate::graph::Builder::new("net");
    let x = b.input("x", &[Dim::Fixed(3), Dim::Fixed(4)]);
    let y = b.input("y", &[Dim::Symbol("N".to_owned()), Dim::Fixed(4)]);
    let z = b.reshape(x, &[3, 2, 2]);
    b.output(z, "z");
    let graph = b.finish().unwrap();
    let shapes = graph.infer(&Sizes::declared()).unwrap();
    assert_eq!([&shapes[x.0], &shapes[y.0], &shapes[z.0]], [&vec![3, 4], &vec![1, 4], &vec![3, 2, 2]]);
    assert_eq!(graph.infer(&Sizes::batch(5)).unwrap()[z.0], [5, 2, 2]);
}

/// A few bytes can declare more channels than units have memory for.
#[test]
fn channels_beyond_memory_are_errors() {
    let wide = graph(vec![Dim::Fixed(1), Dim::Fixed(1 << 24), Dim::Fixed(1)], Op::Identity);
    let error = wide.infer(&Sizes::batch(1)).unwrap_err().to_string();
    let expected =
        "dimension 1 of all values up to this one: expected at most 16777216 in all, found 33554432";
    assert!(error.ends_with(expected), "{error}");
}
