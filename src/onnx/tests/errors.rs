//! Every way in which a model can be wrong, and the message that says so.

use super::*;
use crate::graph::Sizes;

#[test]
fn opsets() {
    let mut wrong = model(10, "Relu", &["x"], vec![]);
    assert_eq!(error(&wrong), "expected opset 11 to 21, found 10");
    wrong.opset_import[0].version = Some(22);
    assert_eq!(error(&wrong), "expected opset 11 to 21, found 22");
    wrong.opset_import.clear();
    assert_eq!(error(&wrong), "expected opset 11 to 21, found none");
    let set =
        |domain: &str, version| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
    wrong.opset_import = vec![set("", 11), set("ai.onnx", 12)];
    assert_eq!(error(&wrong), "expected opset 11 to 21, found both 11 and 12");
    wrong.opset_import = vec![set("ai.onnx.ml", 3), set("ai.onnx", 12)];
    assert!(read(&wrong).is_ok());
}

#[test]
fn operators_and_domains() {
    assert!(
        reason(&model(17, "LSTM", &["x"], vec![])).starts_with("unknown operator at opset 17; recurrent")
    );
    assert_eq!(
        reason(&model(13, "HardSwish", &["x"], vec![])),
        "HardSwish begins at opset 14, found opset 13"
    );
    let mut custom = model(17, "Relu", &["x"], vec![]);
    graph(&mut custom).node[0].domain = Some("com.example".into());
    assert_eq!(reason(&custom), "expected an operator of the domain ai.onnx, found \"com.example\"");
}

#[test]
fn attributes() {
    let relu = |attributes| reason(&model(17, "Relu", &["x"], attributes));
    assert_eq!(relu(vec![int("beta", 1)]), "unknown attribute beta; export without it");
    let both = relu(vec![int("gamma", 1), int("beta", 1)]);
    assert_eq!(both, "unknown attributes beta, gamma; export without them");
    let pool = |attributes| reason(&model(17, "MaxPool", &["x"], attributes));
    assert_eq!(pool(vec![]), "kernel_shape: expected it, found none");
    let kernel = || list("kernel_shape", &[2, 2]);
    assert_eq!(pool(vec![kernel(), kernel()]), "expected attribute kernel_shape once, found it twice");
    assert_eq!(pool(vec![int("kernel_shape", 2)]), "attribute kernel_shape: expected type INTS, found INT");
    assert_eq!(
        pool(vec![list("kernel_shape", &[2])]),
        "kernel_shape: expected 2 numbers, one for each spatial axis, found [2]"
    );
    assert_eq!(pool(vec![kernel(), list("strides", &[0, 1])]), "strides: expected 1 to 2147483647, found 0");
    assert_eq!(
        pool(vec![kernel(), list("pads", &[0, 0, -1, 0])]),
        "pads: expected 0 to 2147483647, found -1"
    );
    assert_eq!(
        pool(vec![kernel(), list("pads", &[0, 0])]),
        "pads: expected 4 numbers for 2 spatial axes, found [0, 0]"
    );
    assert_eq!(
        pool(vec![kernel(), int("storage_order", 1)]),
        "attribute storage_order: expected 0, found 1, which is not supported"
    );
    assert_eq!(pool(vec![kernel(), int("ceil_mode", 2)]), "attribute ceil_mode: expected 0 or 1, found 2");
    assert_eq!(
        pool(vec![kernel(), text("auto_pad", "SAME")]),
        "auto_pad: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER, found SAME"
    );
    assert_eq!(
        pool(vec![kernel(), text("auto_pad", "VALID"), list("pads", &[1, 0, 0, 0])]),
        "expected pads or auto_pad, found both: pads [1, 0, 0, 0]"
    );
    let bytes = AttributeProto { s: Some(vec![0xff]), ..attribute("auto_pad", AttributeType::String) };
    assert_eq!(pool(vec![kernel(), bytes]), "attribute auto_pad: expected UTF-8 text, found other bytes");
}

#[test]
fn outputs() {
    let mut indices = model(17, "MaxPool", &["x"], vec![list("kernel_shape", &[2, 2])]);
    graph(&mut indices).node[0].output.push("indices".into());
    assert_eq!(reason(&indices), "expected one output, found a second one (indices), which is not supported");
    let mut silent = model(17, "Relu", &["x"], vec![]);
    graph(&mut silent).node[0].output.clear();
    assert_eq!(reason(&silent), "expected an output, found none");
    let mut twice = model(17, "Relu", &["x"], vec![]);
    graph(&mut twice).node[0].output = vec!["x".into()];
    assert_eq!(reason(&twice), "output x: expected one definition, found two");
}

#[test]
fn trap_39_training() {
    let norm = model(15, "BatchNormalization", &["x", "c", "c", "c", "c"], vec![int("training_mode", 1)]);
    let norm = with(norm, vec![counting("c", &[3])]);
    assert_eq!(reason(&norm), "training_mode: expected 0, found 1: only inference is supported");
    let on = TensorProto { data_type: Some(DataType::Bool as i32), int32_data: vec![1], ..ints("t", &[0]) };
    let on = TensorProto { int64_data: vec![], ..on };
    let dropout = with(model(17, "Dropout", &["x", "", "t"], vec![]), vec![on]);
    assert_eq!(reason(&dropout), "training_mode: expected false, found true: only inference is supported");
}

#[test]
fn inputs_of_nodes() {
    assert_eq!(
        reason(&model(17, "Relu", &["z"], vec![])),
        "input z: expected a value defined before, found none"
    );
    assert_eq!(reason(&model(17, "Relu", &["x", "x"], vec![])), "number of inputs: expected 1, found 2");
    assert_eq!(reason(&model(17, "Add", &["x"], vec![])), "number of inputs: expected 2, found 1");
    assert_eq!(reason(&model(17, "Add", &["", "x"], vec![])), "input 0: expected a value, found none");
    assert_eq!(
        reason(&model(17, "Reshape", &["x", "x"], vec![])),
        "input 1 (x): expected a constant, found a computed value"
    );
    assert_eq!(reason(&model(17, "Reshape", &["x"], vec![])), "shape: expected integers, found none");
    assert_eq!(reason(&model(17, "Clip", &["x", "", "", "x"], vec![])), "expected at most 3 inputs, found 4");
    let whole = with(model(17, "Add", &["x", "i"], vec![]), vec![ints("i", &[1])]);
    assert_eq!(reason(&whole), "input i: expected a tensor of float32, found one of int64");
    let parts = with(model(17, "Reshape", &["x", "f"], vec![]), vec![counting("f", &[2])]);
    assert_eq!(reason(&parts), "input 1 (f): expected a tensor of int64, found one of float32");
}

#[test]
fn bounds() {
    let clip = |attributes, min: &[f32]| {
        let bounds = vec![floats("min", &[min.len() as i64], min)];
        reason(&with(model(17, "Clip", &["x", "min"], attributes), bounds))
    };
    assert_eq!(clip(vec![], &[0.0, 1.0]), "input 1 (min): expected one number, found 2");
    assert_eq!(clip(vec![], &[f32::NAN]), "min: expected a number, found NaN");
    assert_eq!(clip(vec![float("min", 0.0)], &[0.0]), "min: expected an attribute or an input, found both");
}

#[test]
fn axes() {
    assert_eq!(reason(&model(17, "Concat", &["x", "x"], vec![])), "axis: expected it, found none");
    let concat = |axis| reason(&model(17, "Concat", &["x", "x"], vec![int("axis", axis)]));
    assert_eq!(concat(4), "axis: expected -4 to 3, found 4");
    assert_eq!(concat(-5), "axis: expected -4 to 3, found -5");
    assert_eq!(concat(i64::MIN), format!("axis: expected -4 to 3, found {}", i64::MIN));
    assert_eq!(
        reason(&model(17, "Flatten", &["x"], vec![int("axis", 5)])),
        "axis: expected -4 to 4, found 5"
    );
    let mut softmax = model(11, "Softmax", &["x"], vec![]);
    graph(&mut softmax).input = vec![info("x", &["N", "3", "h", "w"])];
    assert!(reason(&softmax).contains("expected one dimension that depends on the batch"));
}

#[test]
fn convolutions() {
    let conv = |dims: &[i64], attributes| {
        reason(&with(model(17, "Conv", &["x", "w"], attributes), vec![counting("w", dims)]))
    };
    assert_eq!(conv(&[2, 3, 3], vec![]), "weight: expected rank 4 [O, C/groups, KH, KW], found [2, 3, 3]");
    assert_eq!(conv(&[2, 3, 1, 1], vec![int("group", 0)]), "group: expected 1 to 2147483647, found 0");
    assert_eq!(conv(&[2, 4, 1, 1], vec![]), "weight: expected 3 input channels per group, found 4");
    assert_eq!(
        conv(&[2, 3, 1, 1], vec![list("kernel_shape", &[3, 3])]),
        "weight: expected kernel [3, 3], found [1, 1]"
    );
    assert_eq!(
        reason(&model(17, "Conv", &["x", "x"], vec![])),
        "kernel_shape: expected it where the weight is not a constant, found none"
    );
}

#[test]
fn resizes() {
    let resize = |scales: &[f32], attributes| {
        let scales = vec![floats("s", &[scales.len() as i64], scales)];
        reason(&with(model(18, "Resize", &["x", "", "s"], attributes), scales))
    };
    let two: &[f32] = &[1.0, 1.0, 2.0, 2.0];
    let why = |attribute| resize(two, vec![attribute]);
    assert_eq!(why(text("mode", "area")), "mode: area is not supported at opset 18");
    for mode in ["tf_half_pixel_for_nn", "half_pixel_symmetric"] {
        assert_eq!(
            why(text("coordinate_transformation_mode", mode)),
            format!("coordinate_transformation_mode: {mode} is not supported at opset 18")
        );
    }
    assert_eq!(why(text("nearest_mode", "up")), "nearest_mode: up is not supported at opset 18");
    assert_eq!(
        why(text("keep_aspect_ratio_policy", "not_larger")),
        "keep_aspect_ratio_policy: expected sizes, found scales"
    );
    assert_eq!(why(int("antialias", 1)), "antialias: expected mode linear or cubic, found nearest");
    assert_eq!(
        why(text("coordinate_transformation_mode", "tf_crop_and_resize")),
        "roi: expected a constant input, found none"
    );
    assert_eq!(
        resize(&[1.0, 2.0, 2.0, 2.0], vec![]),
        "scales: expected 1 for batch and channels, found 1 and 2"
    );
    assert_eq!(resize(&[1.0, 1.0, 0.0, 2.0], vec![]), "scales: expected numbers above 0, found [0.0, 2.0]");
    assert_eq!(resize(&[2.0, 2.0], vec![]), "scales: expected 4 numbers, found 2");
    assert_eq!(
        resize(&[2.0, 2.0], vec![list("axes", &[2, -2])]),
        "axes: expected axis 2 once, found it twice"
    );
    assert_eq!(resize(&[], vec![]), "expected scales or sizes, found neither");
    let old =
        with(model(13, "Resize", &["x", "", "s"], vec![int("antialias", 0)]), vec![floats("s", &[4], two)]);
    assert_eq!(reason(&old), "unknown attribute antialias; export without it");
}

#[test]
fn resizes_by_sizes() {
    let resize = |inputs: &[&str], sizes: &[i64]| {
        let constants = vec![ints("s", sizes), floats("f", &[4], &[1.0; 4])];
        reason(&with(model(17, "Resize", inputs, vec![]), constants))
    };
    assert_eq!(
        resize(&["x", "", "", "s"], &[1, 4, 8, 8]),
        "sizes: expected batch and channels of [1, 3, 8, 6], found [1, 4, 8, 8]"
    );
    assert_eq!(resize(&["x", "", "", "s"], &[1, 3, 0, 8]), "sizes: expected 1 to 2147483647, found 0");
    assert_eq!(resize(&["x", "", "f", "s"], &[1, 3, 8, 8]), "expected scales or sizes, found both");
}

#[test]
fn pads() {
    let pad = |pads: &[i64], attributes| {
        reason(&with(model(17, "Pad", &["x", "p"], attributes), vec![ints("p", pads)]))
    };
    assert_eq!(pad(&[0, 0, 1, 1], vec![]), "pads: expected 8 numbers, found 4");
    assert_eq!(
        pad(&[0, 0, i64::MAX, 0, 0, 0, 0, 0], vec![]),
        "pads: expected -2147483648 to 2147483647, found 9223372036854775807"
    );
    assert_eq!(
        pad(&[0, 0, -9, 0, 0, 0, 0, 0], vec![]),
        "amounts of axis 2: expected some of 8 elements left, found -9 and 0"
    );
    assert_eq!(
        pad(&[0; 8], vec![text("mode", "wrap")]),
        "mode: expected constant, reflect or edge, found wrap"
    );
    let axes = vec![ints("p", &[0; 4]), ints("a", &[2, -2])];
    let twice = with(model(18, "Pad", &["x", "p", "", "a"], vec![]), axes.clone());
    assert_eq!(reason(&twice), "axes: expected each axis once, found [2, 2]");
    let early = with(model(17, "Pad", &["x", "p", "", "a"], vec![]), axes);
    assert_eq!(reason(&early), "expected at most 3 inputs before opset 18, found 4");
}

#[test]
fn constants() {
    let constant = |attributes| reason(&model(17, "Constant", &[], attributes));
    assert_eq!(
        constant(vec![]),
        "expected one of value, value_float, value_floats, value_int, value_ints, found none"
    );
    assert_eq!(
        constant(vec![int("value_int", 1), float("value_float", 1.0)]),
        "expected one value attribute, found 2"
    );
    let empty = attribute("value", AttributeType::Tensor);
    assert_eq!(constant(vec![empty]), "attribute value: expected a tensor, found none");
}

#[test]
fn graphs() {
    assert_eq!(
        error(&ModelProto { graph: None, ..model(17, "Relu", &["x"], vec![]) }),
        "expected a graph, found none"
    );
    let edited = |edit: fn(&mut GraphProto)| {
        let mut model = model(17, "Relu", &["x"], vec![]);
        edit(graph(&mut model));
        error(&model)
    };
    assert_eq!(edited(|g| g.output.clear()), "expected a graph with outputs, found none");
    assert_eq!(
        edited(|g| g.output.push(info("y", &[]))),
        "expected graph outputs of different names, found y twice"
    );
    assert_eq!(
        edited(|g| g.output.push(info("z", &[]))),
        "graph output z: expected a value defined before, found none"
    );
    assert_eq!(
        edited(|g| g.sparse_initializer.push(vec![])),
        "expected dense initialisers, found a sparse one"
    );
    assert_eq!(
        edited(|g| g.initializer = vec![counting("w", &[1]), counting("w", &[1])]),
        "expected initialisers of different names, found \"w\" twice or empty"
    );
    assert_eq!(
        edited(|g| g.input.push(info("x", &["1"]))),
        "input x: expected a name of its own, found an empty or repeated one"
    );
    assert_eq!(edited(|g| g.input[0].r#type = None), "input x: expected a tensor, found another type");
    assert_eq!(
        edited(|g| g.input = vec![info("x", &["N", "-3"])]),
        "input x: expected a declared shape of sizes and names, found none"
    );
    let typed = |elem_type: i32| {
        let mut model = model(17, "Relu", &["x"], vec![]);
        let Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)) }) =
            &mut graph(&mut model).input[0].r#type
        else {
            unreachable!()
        };
        tensor.elem_type = Some(elem_type);
        read(&model)
    };
    assert_eq!(typed(7).unwrap_err(), "m.onnx: input x: expected FLOAT or FLOAT16, found INT64");
    assert_eq!(typed(99).unwrap_err(), "m.onnx: input x: expected FLOAT or FLOAT16, found type 99");
    assert!(typed(DataType::Float16 as i32).is_ok());
}

#[test]
fn shapes_are_checked_where_the_batch_cannot_mend_them() {
    let mut fold = with(model(17, "Reshape", &["x", "s"], vec![]), vec![ints("s", &[5, -1])]);
    assert_eq!(reason(&fold), "target [5, -1]: expected the 144 elements of [1, 3, 8, 6], found [5, 1]");
    graph(&mut fold).initializer = vec![ints("s", &[32, -1])];
    let folded = read(&fold).unwrap();
    assert_eq!(folded.infer(&Sizes::batch(2)).unwrap()[folded.outputs[0].0], [32, 9]);
    assert!(folded.infer(&Sizes::batch(1)).is_err());
}
