//! What each operator and attribute becomes, over opsets.

use super::*;
use crate::graph::{
    Activation, Binary, Conv2d, Coordinates, Dim, Extent, Gemm, Interpolation, Pad, PadMode, Padding, Pool,
    Resize, Rounding, Sizes, Target,
};

const OPSETS: [i64; 5] = [11, 13, 17, 18, 21];

#[test]
fn convolutions() {
    for opset in OPSETS {
        let attributes = vec![
            int("group", 3),
            list("kernel_shape", &[3, 5]),
            list("pads", &[1, 2, 0, 1]),
            list("strides", &[2, 1]),
            list("dilations", &[1, 2]),
        ];
        let conv = model(opset, "Conv", &["x", "w", "b"], attributes);
        let conv = with(conv, vec![counting("w", &[6, 1, 3, 5]), counting("b", &[6])]);
        let expected = Conv2d {
            strides: [2, 1],
            pads: Padding::Explicit([1, 2, 0, 1]),
            dilations: [1, 2],
            groups: 3,
            ..Conv2d::new([3, 5])
        };
        assert_eq!(op(&conv), Op::Conv(expected));
        assert_eq!(read(&conv).unwrap().nodes[0].inputs.len(), 3);
    }
}

#[test]
fn convolutions_by_default() {
    let weight = || vec![counting("w", &[2, 3, 1, 2])];
    let bare = with(model(17, "Conv", &["x", "w", ""], vec![]), weight());
    assert_eq!(op(&bare), Op::Conv(Conv2d::new([1, 2])));
    for (name, pads) in [
        ("NOTSET", Padding::Explicit([0; 4])),
        ("VALID", Padding::Explicit([0; 4])),
        ("SAME_UPPER", Padding::SameUpper),
        ("SAME_LOWER", Padding::SameLower),
    ] {
        let padded = with(model(17, "Conv", &["x", "w"], vec![text("auto_pad", name)]), weight());
        assert_eq!(op(&padded), Op::Conv(Conv2d { pads, ..Conv2d::new([1, 2]) }));
    }
}

/// Over one axis: by way of a row.
#[test]
fn convolutions_and_resizes_of_lines() {
    let line = |op: &str, inputs: &[&str], attributes| {
        let mut model = model(18, op, inputs, attributes);
        graph(&mut model).input = vec![info("x", &["N", "4", "9"])];
        let tensors = vec![
            counting("w", &[4, 2, 3]),
            counting("b", &[4]),
            floats("s", &[3], &[1.0, 1.0, 2.5]),
            ints("n", &[17]),
        ];
        read(&with(model, tensors)).unwrap()
    };
    let ops = |graph: &Graph| graph.nodes.iter().map(|node| node.op.name()).collect::<Vec<_>>();
    let shape = |graph: &Graph| graph.infer(&Sizes::batch(2)).unwrap()[graph.outputs[0].0].clone();
    let attributes = vec![int("group", 2), list("pads", &[1, 2]), list("strides", &[2])];
    let conv = line("Conv", &["x", "w", "b"], attributes);
    assert_eq!(ops(&conv), ["Unsqueeze", "Conv", "Squeeze"]);
    let Op::Conv(op) = &conv.nodes[1].op else { panic!() };
    assert_eq!((op.kernel, op.strides, op.pads), ([1, 3], [1, 2], Padding::Explicit([0, 1, 0, 2])));
    assert_eq!(shape(&conv), [2, 4, 5]);
    let attributes = vec![list("strides", &[2]), list("output_padding", &[1])];
    assert_eq!(shape(&line("ConvTranspose", &["x", "w"], attributes)), [2, 2, 20]);
    let attributes = vec![list("strides", &[2]), list("output_shape", &[17])];
    assert_eq!(shape(&line("ConvTranspose", &["x", "w"], attributes)), [2, 2, 17]);
    let scaled = line("Resize", &["x", "", "s"], vec![text("mode", "linear")]);
    assert_eq!((ops(&scaled), shape(&scaled)), (vec!["Unsqueeze", "Resize", "Squeeze"], vec![2, 4, 22]));
    assert_eq!(shape(&line("Resize", &["x", "", "", "n"], vec![list("axes", &[2])])), [2, 4, 17]);
}

#[test]
fn transposed_convolutions_of_an_output_shape() {
    let sizes = |sizes: &[i64], more: &[AttributeProto]| {
        let mut attributes = vec![list("strides", &[3, 2]), list("output_shape", sizes)];
        attributes.extend_from_slice(more);
        let mut found = model(11, "ConvTranspose", &["x", "w"], attributes);
        graph(&mut found).input = vec![info("x", &["N", "2", "3", "4"])];
        let Op::ConvTranspose(conv) = op(&with(found, vec![counting("w", &[2, 1, 2, 3])])) else { panic!() };
        (conv.pads, conv.output_padding)
    };
    assert_eq!(sizes(&[8, 9], &[]), (Padding::Explicit([0; 4]), [0, 0]));
    assert_eq!(sizes(&[7, 8], &[]), (Padding::Explicit([1, 1, 0, 0]), [0, 0]));
    assert_eq!(sizes(&[5, 8], &[text("auto_pad", "SAME_UPPER")]), (Padding::Explicit([1, 0, 2, 1]), [0, 0]));
    assert_eq!(sizes(&[10, 8], &[]), (Padding::Explicit([0, 1, 0, 0]), [2, 0]));
}

#[test]
fn pools() {
    let window = || vec![list("kernel_shape", &[2, 3]), list("strides", &[2, 2]), int("ceil_mode", 1)];
    let expected = Pool { strides: [2, 2], ceil_mode: true, ..Pool::new([2, 3]) };
    for opset in OPSETS {
        let mut attributes = window();
        attributes.extend([int("storage_order", 0), list("dilations", &[1, 2]), list("pads", &[0, 1, 1, 0])]);
        let pads = Padding::Explicit([0, 1, 1, 0]);
        let dilated = Pool { dilations: [1, 2], pads, ..expected.clone() };
        assert_eq!(op(&model(opset, "MaxPool", &["x"], attributes)), Op::MaxPool(dilated));
        let mut attributes = window();
        attributes.push(int("count_include_pad", 1));
        let counting = Pool { count_include_pad: true, ..expected.clone() };
        assert_eq!(op(&model(opset, "AveragePool", &["x"], attributes)), Op::AveragePool(counting));
        assert_eq!(op(&model(opset, "GlobalAveragePool", &["x"], vec![])), Op::GlobalAveragePool);
    }
}

#[test]
fn activations() {
    for opset in OPSETS {
        for (name, activation) in [
            ("Relu", Activation::Relu),
            ("Sigmoid", Activation::Sigmoid),
            ("Tanh", Activation::Tanh),
            ("LeakyRelu", Activation::LeakyRelu { alpha: 0.01 }),
            ("Elu", Activation::Elu { alpha: 1.0 }),
            ("Selu", Activation::Selu { alpha: 1.673_263_2, gamma: 1.050_701 }),
            ("HardSigmoid", Activation::HardSigmoid { alpha: 0.2, beta: 0.5 }),
            ("Softplus", Activation::Softplus),
            ("Erf", Activation::Erf),
            ("Exp", Activation::Exp),
            ("Log", Activation::Log),
            ("Sqrt", Activation::Sqrt),
            ("Abs", Activation::Abs),
            ("Neg", Activation::Neg),
            ("Reciprocal", Activation::Reciprocal),
        ] {
            assert_eq!(op(&model(opset, name, &["x"], vec![])), Op::Activation(activation));
        }
    }
    let leaky = model(17, "LeakyRelu", &["x"], vec![float("alpha", 0.25)]);
    assert_eq!(op(&leaky), Op::Activation(Activation::LeakyRelu { alpha: 0.25 }));
    assert_eq!(op(&model(14, "HardSwish", &["x"], vec![])), Op::Activation(Activation::HardSwish));
    assert_eq!(op(&model(18, "Mish", &["x"], vec![])), Op::Activation(Activation::Mish));
    assert_eq!(op(&model(20, "Gelu", &["x"], vec![])), Op::Activation(Activation::Gelu { tanh: false }));
    let approximate = model(20, "Gelu", &["x"], vec![text("approximate", "tanh")]);
    assert_eq!(op(&approximate), Op::Activation(Activation::Gelu { tanh: true }));
    assert_eq!(reason(&model(17, "Mish", &["x"], vec![])), "Mish begins at opset 18, found opset 17");
    let other = model(20, "Gelu", &["x"], vec![text("approximate", "sigmoid")]);
    assert_eq!(reason(&other), "approximate: expected none or tanh, found sigmoid");
}

#[test]
fn clips() {
    let bounds = || vec![floats("lo", &[], &[-1.5]), floats("hi", &[1], &[6.0])];
    let clip = |min, max| Op::Activation(Activation::Clip { min, max });
    for opset in OPSETS {
        let both = with(model(opset, "Clip", &["x", "lo", "hi"], vec![]), bounds());
        assert_eq!(op(&both), clip(-1.5, 6.0));
        assert_eq!(read(&both).unwrap().nodes[0].inputs.len(), 1);
    }
    let upper = with(model(17, "Clip", &["x", "", "hi"], vec![]), bounds());
    assert_eq!(op(&upper), clip(f32::NEG_INFINITY, 6.0));
    assert_eq!(op(&model(17, "Clip", &["x"], vec![])), clip(f32::NEG_INFINITY, f32::INFINITY));
    assert_eq!(op(&model(11, "Clip", &["x"], vec![float("min", 0.0)])), clip(0.0, f32::INFINITY));
}

#[test]
fn sums_and_products() {
    for (name, binary) in [
        ("Add", Binary::Add),
        ("Sub", Binary::Sub),
        ("Mul", Binary::Mul),
        ("Div", Binary::Div),
        ("Pow", Binary::Pow),
        ("Min", Binary::Min),
        ("Max", Binary::Max),
        ("Equal", Binary::Equal),
        ("PRelu", Binary::PRelu),
    ] {
        for opset in OPSETS {
            let by_channel = with(model(opset, name, &["x", "c"], vec![]), vec![counting("c", &[3, 1, 1])]);
            assert_eq!(op(&by_channel), Op::Binary(binary));
        }
    }
}

#[test]
fn batch_normalisation() {
    let inputs = ["x", "s", "b", "m", "v"];
    for opset in OPSETS {
        let norm =
            model(opset, "BatchNormalization", &inputs, vec![float("epsilon", 1e-3), float("momentum", 0.9)]);
        let norm = with(norm, ["s", "b", "m", "v"].map(|name| counting(name, &[3])).to_vec());
        assert_eq!(op(&norm), Op::BatchNorm { epsilon: 1e-3 });
    }
}

#[test]
fn concatenations_count_negative_axes_from_the_end() {
    for (axis, expected) in [(1, 1), (-1, 3), (-4, 0)] {
        assert_eq!(
            op(&model(13, "Concat", &["x", "x"], vec![int("axis", axis)])),
            Op::Concat { axis: expected }
        );
    }
}

#[test]
fn resizes_by_scales() {
    let scales = || vec![floats("s", &[4], &[1.0, 1.0, 2.0, 1.5]), floats("none", &[0], &[])];
    for opset in OPSETS {
        let resize = with(model(opset, "Resize", &["x", "none", "s"], vec![]), scales());
        let expected = Resize {
            target: Target::Scales([2.0, 1.5]),
            coordinates: Coordinates::HalfPixel,
            interpolation: Interpolation::Nearest(Rounding::PreferFloor),
        };
        assert_eq!(op(&resize), Op::Resize(expected));
    }
    let axes = list("axes", &[3, -2]);
    let resize = model(18, "Resize", &["x", "", "s"], vec![axes, text("mode", "linear")]);
    let Op::Resize(resize) = op(&with(resize, vec![floats("s", &[2], &[2.0, 3.0])])) else { unreachable!() };
    assert_eq!((resize.target, resize.interpolation), (Target::Scales([3.0, 2.0]), Interpolation::Linear));
}

#[test]
fn resizes_by_sizes() {
    let resize = |inputs: &[&str], sizes: &[i64], attributes| {
        with(model(19, "Resize", inputs, attributes), vec![ints("s", sizes)])
    };
    let target = |model: &ModelProto| match op(model) {
        Op::Resize(resize) => resize.target,
        other => panic!("{other:?}"),
    };
    assert_eq!(target(&resize(&["x", "", "", "s"], &[1, 3, 5, 7], vec![])), Target::Sizes([5, 7]));
    let axes =
        || vec![list("axes", &[2, 3]), text("keep_aspect_ratio_policy", "stretch"), int("antialias", 0)];
    assert_eq!(target(&resize(&["x", "", "", "s"], &[5, 7], axes())), Target::Sizes([5, 7]));
    let height = vec![list("axes", &[2])];
    assert_eq!(target(&resize(&["x", "", "", "s"], &[5], height)), Target::Sizes([5, 6]));
}

#[test]
fn upsampling_is_resizing_from_the_corner() {
    let scales = || vec![floats("s", &[4], &[1.0, 1.0, 2.0, 3.0])];
    for (mode, interpolation) in
        [("nearest", Interpolation::Nearest(Rounding::Floor)), ("linear", Interpolation::Linear)]
    {
        let upsample = with(model(11, "Upsample", &["x", "s"], vec![text("mode", mode)]), scales());
        let expected = Resize {
            target: Target::Scales([2.0, 3.0]),
            coordinates: Coordinates::Asymmetric,
            interpolation,
        };
        assert_eq!(op(&upsample), Op::Resize(expected));
    }
}

#[test]
fn resizes_of_a_region() {
    let region = vec![ints("s", &[3, 4]), floats("r", &[4], &[0.6, 0.4, 0.8, 0.5])];
    let attributes = vec![
        list("axes", &[3, 2]),
        text("coordinate_transformation_mode", "tf_crop_and_resize"),
        float("extrapolation_value", 9.0),
    ];
    let Op::Resize(resize) = op(&with(model(18, "Resize", &["x", "r", "", "s"], attributes), region)) else {
        unreachable!()
    };
    assert_eq!(resize.target, Target::Sizes([4, 3]));
    assert_eq!(resize.coordinates, Coordinates::Crop { start: [0.4, 0.6], end: [0.5, 0.8], outside: 9.0 });
}

#[test]
fn resizes_by_every_rule() {
    let resize = |attributes| {
        let scales = vec![floats("s", &[4], &[1.0, 1.0, 2.0, 2.0])];
        match op(&with(model(19, "Resize", &["x", "", "s"], attributes), scales)) {
            Op::Resize(resize) => resize,
            other => panic!("{other:?}"),
        }
    };
    for (name, coordinates) in [
        ("half_pixel", Coordinates::HalfPixel),
        ("half_pixel_symmetric", Coordinates::HalfPixelSymmetric),
        ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
        ("align_corners", Coordinates::AlignCorners),
        ("asymmetric", Coordinates::Asymmetric),
    ] {
        assert_eq!(resize(vec![text("coordinate_transformation_mode", name)]).coordinates, coordinates);
    }
    for (name, rounding) in [
        ("round_prefer_floor", Rounding::PreferFloor),
        ("round_prefer_ceil", Rounding::PreferCeil),
        ("floor", Rounding::Floor),
        ("ceil", Rounding::Ceil),
    ] {
        let expected = Interpolation::Nearest(rounding);
        assert_eq!(resize(vec![text("nearest_mode", name)]).interpolation, expected);
    }
}

#[test]
fn flattening_and_reshaping() {
    for (axis, expected) in [(1, 1), (0, 0), (-1, 3), (4, 4)] {
        assert_eq!(
            op(&model(13, "Flatten", &["x"], vec![int("axis", axis)])),
            Op::Flatten { axis: expected }
        );
    }
    assert_eq!(op(&model(11, "Flatten", &["x"], vec![])), Op::Flatten { axis: 1 });
    for opset in OPSETS {
        let reshape = with(model(opset, "Reshape", &["x", "s"], vec![]), vec![ints("s", &[0, -1])]);
        assert_eq!(op(&reshape), Op::Reshape { shape: Extent::list(&[0, -1]), allow_zero: false });
    }
    let literal = model(14, "Reshape", &["x", "s"], vec![int("allowzero", 1)]);
    let literal = with(literal, vec![ints("s", &[-1, 3, 8, 6])]);
    assert_eq!(op(&literal), Op::Reshape { shape: Extent::list(&[-1, 3, 8, 6]), allow_zero: true });
}

#[test]
fn matrix_products() {
    for opset in OPSETS {
        let attributes = vec![float("alpha", 0.5), float("beta", 2.0), int("transA", 0), int("transB", 1)];
        let mut gemm = with(model(opset, "Gemm", &["x", "w", "b"], attributes), vec![]);
        graph(&mut gemm).input = vec![info("x", &["N", "4"])];
        let gemm = with(gemm, vec![counting("w", &[2, 4]), counting("b", &[2])]);
        let expected = Gemm { alpha: 0.5, beta: 2.0, trans_b: true, ..Gemm::default() };
        assert_eq!(op(&gemm), Op::Gemm(expected));
    }
}

#[test]
fn softmax_of_opset_13_has_one_axis() {
    for opset in [13, 17, 18, 21] {
        assert_eq!(op(&model(opset, "Softmax", &["x"], vec![])), Op::Softmax { axis: 3 });
        assert_eq!(op(&model(opset, "Softmax", &["x"], vec![int("axis", 1)])), Op::Softmax { axis: 1 });
    }
}

#[test]
fn softmax_before_opset_13_joins_axes() {
    assert_eq!(op(&model(11, "Softmax", &["x"], vec![int("axis", -1)])), Op::Softmax { axis: 3 });
    let mut flat = model(11, "Softmax", &["x"], vec![]);
    graph(&mut flat).input = vec![info("x", &["N", "5", "1", "1"])];
    assert_eq!(op(&flat), Op::Softmax { axis: 1 });
    let joined = read(&model(12, "Softmax", &["x"], vec![int("axis", 2)])).unwrap();
    let ops: Vec<Op> = joined.nodes.iter().map(|node| node.op.clone()).collect();
    let back = Op::Reshape { shape: Extent::list(&[-1, 3, 8, 6]), allow_zero: false };
    assert_eq!(ops, [Op::Flatten { axis: 2 }, Op::Softmax { axis: 1 }, back]);
    assert_eq!(joined.nodes[2].name, "n");
    assert_eq!(joined.value(joined.outputs[0]).name, "y");
    assert_eq!(joined.infer(&Sizes::batch(5)).unwrap()[joined.outputs[0].0], [5, 3, 8, 6]);
}

#[test]
fn copies() {
    for opset in OPSETS {
        assert_eq!(op(&model(opset, "Identity", &["x"], vec![])), Op::Identity);
    }
    let mut dropout = model(11, "Dropout", &["x"], vec![float("ratio", 0.5)]);
    graph(&mut dropout).node[0].output.push("mask".into());
    assert_eq!(op(&dropout), Op::Identity);
    let off =
        TensorProto { data_type: Some(DataType::Bool as i32), raw_data: Some(vec![0]), ..ints("t", &[0]) };
    let later = model(17, "Dropout", &["x", "", "t"], vec![int("seed", 1)]);
    assert_eq!(op(&with(later, vec![off])), Op::Identity);
}

#[test]
fn pads() {
    let amounts = || vec![ints("p", &[0, 0, 1, 2, 0, 0, 3, 4]), floats("v", &[], &[0.5])];
    let margins = [1, 2, 3, 4];
    for opset in OPSETS {
        let pad = with(model(opset, "Pad", &["x", "p", "v"], vec![]), amounts());
        assert_eq!(op(&pad), Op::Pad(Pad { margins, mode: PadMode::Constant(0.5) }));
    }
    for (name, mode) in
        [("constant", PadMode::Constant(0.0)), ("reflect", PadMode::Reflect), ("edge", PadMode::Edge)]
    {
        let pad = with(model(17, "Pad", &["x", "p"], vec![text("mode", name)]), amounts());
        assert_eq!(op(&pad), Op::Pad(Pad { margins, mode }));
    }
    let axes = with(
        model(18, "Pad", &["x", "p", "", "a"], vec![]),
        vec![ints("p", &[2, 1, 4, 3]), ints("a", &[-1, 2])],
    );
    assert_eq!(op(&axes), Op::Pad(Pad { margins, mode: PadMode::Constant(0.0) }));
    let attributes = vec![list("pads", &[0, 0, 1, 2, 0, 0, 3, 4]), float("value", 2.0)];
    let old = model(11, "Pad", &["x"], attributes);
    assert_eq!(op(&old), Op::Pad(Pad { margins, mode: PadMode::Constant(2.0) }));
}

#[test]
fn constants_of_every_kind() {
    let constant = |attribute| {
        let mut model = model(13, "Add", &["x", "c"], vec![]);
        let constant = NodeProto { attribute: vec![attribute], ..node("Constant", &[], "c") };
        graph(&mut model).node.insert(0, constant);
        model
    };
    let value = |model: &ModelProto| {
        let graph = read(model).unwrap();
        let tensor = graph.constant(graph.nodes[0].inputs[1]).unwrap();
        (tensor.shape().to_vec(), tensor.f32s().unwrap().to_vec())
    };
    let tensor =
        AttributeProto { t: Some(counting("", &[3, 1, 1])), ..attribute("value", AttributeType::Tensor) };
    assert_eq!(value(&constant(tensor)), (vec![3, 1, 1], vec![0.0, 1.0, 2.0]));
    assert_eq!(value(&constant(float("value_float", 2.5))), (vec![], vec![2.5]));
    let many = AttributeProto { floats: vec![1.0; 6], ..attribute("value_floats", AttributeType::Floats) };
    assert_eq!(value(&constant(many)), (vec![6], vec![1.0; 6]));
    let shape = |attribute| {
        let mut model = constant(attribute);
        graph(&mut model).node[1] = NodeProto { name: Some("n".into()), ..node("Reshape", &["x", "c"], "y") };
        op(&model)
    };
    let flat = |shape: &[i64]| Op::Reshape { shape: Extent::list(shape), allow_zero: false };
    assert_eq!(shape(list("value_ints", &[0, -1])), flat(&[0, -1]));
    assert_eq!(shape(int("value_int", -1)), flat(&[-1]));
}

#[test]
fn copied_constants_stay_constants() {
    let mut shared = model(17, "Conv", &["x", "copy"], vec![]);
    graph(&mut shared).node.insert(0, node("Identity", &["w"], "copy"));
    let shared = with(shared, vec![counting("w", &[2, 3, 1, 1])]);
    assert_eq!(op(&shared), Op::Conv(Conv2d::new([1, 1])));
}

#[test]
fn names_are_kept_and_missing_ones_made() {
    let mut model = model(17, "Relu", &["x"], vec![]);
    let nodes = &mut graph(&mut model).node;
    nodes[0].output = vec!["a".into()];
    nodes.extend([node("Tanh", &["a"], "b"), node("Relu", &["b"], "y")]);
    nodes[2].name = Some("n".into());
    nodes.push(NodeProto { name: Some("n_1".into()), ..node("Relu", &["y"], "z") });
    let graph = read(&model).unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["n", "Tanh_b", "n_2", "n_1"]);
    assert_eq!(graph.name, "g");
}

#[test]
fn declared_dimensions_are_kept() {
    let mut model = model(17, "Relu", &["x"], vec![]);
    graph(&mut model).output = vec![info("y", &["N", "3", "rows", ""])];
    let read = read(&model).unwrap();
    let symbol = |name: &str| Dim::Symbol(name.into());
    let output = vec![symbol("N"), Dim::Fixed(3), symbol("rows"), symbol("y_3")];
    assert_eq!(read.value(read.outputs[0]).dims, Some(output));
    let input = vec![symbol("N"), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(6)];
    assert_eq!(read.value(read.inputs[0]).dims, Some(input));
}
