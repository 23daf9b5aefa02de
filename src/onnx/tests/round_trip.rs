//! What is written is read back as the same graph.

use super::*;
use crate::graph::{
    Activation, Binary, Builder, Conv2d, ConvTranspose, Coordinates, Dim, Epilogue, Extent, Filter, Gemm,
    Interpolation, Norm, Pad, PadMode, Padding, Pool, Resize, Rounding, Sizes, Statistics, Target, ValueId,
};
use crate::onnx::{encode, load, save};
use crate::tensor::Tensor;

fn tensor(shape: &[usize]) -> Tensor {
    let values = (0..crate::tensor::count(shape)).map(|value| value as f32 * 0.25 - 1.0).collect();
    Tensor::from_f32(shape.to_vec(), values).unwrap()
}

/// A graph without the order of its values and without what declared shapes of inner values say.
#[derive(Debug, PartialEq)]
struct Normal {
    name: String,
    nodes: Vec<(String, Op, Vec<String>, Vec<String>)>,
    ports: Vec<(String, Option<Vec<Dim>>)>,
    constants: Vec<(String, Tensor)>,
}

fn normal(graph: &Graph) -> Normal {
    let names = |ids: &[ValueId]| ids.iter().map(|&id| graph.value(id).name.clone()).collect();
    let ports = graph.inputs.iter().chain(&graph.outputs).map(|&id| graph.value(id));
    let used = graph.nodes.iter().flat_map(|node| node.inputs.iter());
    let constant = |id: &ValueId| Some((graph.value(*id).name.clone(), graph.constant(*id)?.clone()));
    Normal {
        name: graph.name.clone(),
        nodes: graph
            .nodes
            .iter()
            .map(|node| (node.name.clone(), node.op.clone(), names(&node.inputs), names(&node.outputs)))
            .collect(),
        ports: ports.map(|value| (value.name.clone(), value.dims.clone())).collect(),
        constants: used.filter_map(constant).collect(),
    }
}

fn read_back(graph: &Graph) -> Graph {
    parse(&encode(graph).unwrap(), "m.onnx", None).unwrap()
}

/// Builds around an image `x [N, 4, 6, 8]`, writes, reads, and compares.
fn survives(build: impl Fn(&mut Builder, ValueId) -> ValueId) {
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 6, 8]);
    let y = build(&mut b, x);
    b.output(y, "y");
    let mut graph = b.finish().unwrap();
    let read = read_back(&graph);
    let shape = &graph.infer(&Sizes::batch(3)).unwrap()[y.0];
    assert_eq!(&read.infer(&Sizes::batch(3)).unwrap()[read.outputs[0].0], shape);
    graph.values[y.0].dims = read.value(read.outputs[0]).dims.clone();
    assert_eq!(normal(&read), normal(&graph));
    assert_eq!(normal(&read_back(&read)), normal(&graph));
}

#[test]
fn transposed_convolutions() {
    for pads in [Padding::Explicit([1, 0, 2, 1]), Padding::SameUpper, Padding::SameLower] {
        survives(|b, x| {
            let conv = ConvTranspose {
                strides: [2, 3],
                pads,
                output_padding: [1, 2],
                dilations: [2, 1],
                groups: 2,
                ..ConvTranspose::new([3, 2])
            };
            b.conv_transpose(x, conv, tensor(&[4, 5, 3, 2]), Some(tensor(&[10])))
        });
    }
}

#[test]
fn convolutions() {
    for pads in [Padding::Explicit([1, 0, 2, 1]), Padding::SameUpper, Padding::SameLower] {
        let conv = Conv2d { strides: [2, 1], dilations: [1, 2], pads, groups: 2, ..Conv2d::new([3, 2]) };
        survives(|b, x| b.conv(x, conv.clone(), tensor(&[6, 2, 3, 2]), Some(tensor(&[6]))));
        survives(|b, x| b.conv(x, conv.clone(), tensor(&[6, 2, 3, 2]), None));
    }
}

#[test]
fn activations() {
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::HardSwish,
        Activation::Elu { alpha: 0.5 },
        Activation::Selu { alpha: 1.5, gamma: 1.25 },
        Activation::HardSigmoid { alpha: 0.25, beta: 0.5 },
        Activation::Mish,
        Activation::Softplus,
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::Erf,
        Activation::Exp,
        Activation::Log,
        Activation::Sqrt,
        Activation::Abs,
        Activation::Neg,
        Activation::Reciprocal,
        Activation::Clip { min: -1.0, max: 6.0 },
        Activation::Clip { min: f32::NEG_INFINITY, max: 6.0 },
        Activation::Clip { min: 0.5, max: f32::INFINITY },
        Activation::Clip { min: f32::NEG_INFINITY, max: f32::INFINITY },
    ] {
        survives(|b, x| b.activation(x, activation));
    }
}

#[test]
fn pointwise_functions_of_two() {
    let symmetric =
        [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow, Binary::Min, Binary::Max];
    for binary in symmetric {
        survives(|b, x| b.binary(binary, x, x));
        survives(|b, x| {
            let c = b.constant("c", tensor(&[4, 1, 1]));
            b.binary(binary, c, x)
        });
    }
    survives(|b, x| {
        let slope = b.constant("slope", tensor(&[4, 1, 1]));
        b.binary(Binary::PRelu, x, slope)
    });
}

#[test]
fn normalisation_and_joining() {
    survives(|b, x| b.batch_norm(x, [4, 4, 4, 4].map(|channels| tensor(&[channels])), 1e-3));
    survives(|b, x| b.concat(&[x, x, x], 1));
    survives(|b, x| b.concat(&[x, x], 0));
    survives(|b, x| b.softmax(x, 1));
    survives(|b, x| b.identity(x));
}

#[test]
fn pools() {
    let pool = Pool { strides: [2, 3], pads: Padding::Explicit([1, 0, 1, 1]), ..Pool::new([3, 2]) };
    survives(|b, x| b.max_pool(x, Pool { dilations: [1, 2], ceil_mode: true, ..pool.clone() }));
    survives(|b, x| b.average_pool(x, Pool { count_include_pad: true, ..pool.clone() }));
    survives(|b, x| b.average_pool(x, Pool { dilations: [1, 2], ..pool.clone() }));
    survives(|b, x| b.max_pool(x, Pool { pads: Padding::SameLower, ..pool.clone() }));
    survives(|b, x| b.global_average_pool(x));
}

#[test]
fn resizes() {
    let roundings = [Rounding::PreferFloor, Rounding::PreferCeil, Rounding::Floor, Rounding::Ceil];
    let mut interpolations = roundings.map(Interpolation::Nearest).to_vec();
    interpolations.push(Interpolation::Linear);
    for (cubic, antialias) in [(Some(-0.75), false), (Some(-0.5), true), (None, true)] {
        interpolations.push(Interpolation::Filter(Filter {
            cubic,
            antialias,
            exclude_outside: cubic.is_none(),
        }));
    }
    let targets = [
        Target::Scales([1.7, 0.5]),
        Target::Sizes([5, 16]),
        Target::Fit { sizes: [Some(7), Some(9)], cover: true },
        Target::Fit { sizes: [None, Some(9)], cover: false },
    ];
    for coordinates in [
        Coordinates::HalfPixel,
        Coordinates::HalfPixelSymmetric,
        Coordinates::PytorchHalfPixel,
        Coordinates::AlignCorners,
        Coordinates::Asymmetric,
        Coordinates::Crop { start: [0.25, 0.0], end: [1.5, 1.0], outside: -2.0 },
    ] {
        for &interpolation in &interpolations {
            for target in &targets {
                let one = matches!(*target, Target::Fit { sizes: [None, _], .. });
                if one && matches!(coordinates, Coordinates::Crop { .. }) {
                    continue;
                }
                survives(|b, x| b.resize(x, Resize { target: target.clone(), coordinates, interpolation }));
            }
        }
    }
}

#[test]
fn layout() {
    survives(|b, x| b.flatten(x, 1));
    survives(|b, x| b.flatten(x, 3));
    survives(|b, x| b.reshape(x, &[0, 2, -1]));
    survives(|b, x| b.node(Op::Reshape { shape: Extent::list(&[-1, 8]), allow_zero: true }, &[x]));
    for mode in [PadMode::Constant(0.0), PadMode::Constant(-2.5), PadMode::Reflect, PadMode::Edge] {
        survives(|b, x| b.pad(x, Pad { margins: [1, 2, 3, 4], mode }));
    }
}

#[test]
fn matrix_products() {
    let gemm = Gemm { alpha: 0.5, beta: 0.25, trans_b: true, ..Gemm::default() };
    survives(|b, x| {
        let x = b.flatten(x, 1);
        b.gemm(x, gemm, tensor(&[5, 192]), Some(tensor(&[5])))
    });
    survives(|b, x| {
        let x = b.flatten(x, 1);
        b.gemm(x, Gemm::default(), tensor(&[192, 5]), None)
    });
}

#[test]
fn silu_becomes_two_nodes() {
    let mut b = Builder::new("net");
    let x = b.image("x", [1, 2, 2]);
    let y = b.activation(x, Activation::Silu);
    b.output(y, "y");
    let graph = read_back(&b.finish().unwrap());
    let ops: Vec<&Op> = graph.nodes.iter().map(|node| &node.op).collect();
    assert_eq!(ops, [&Op::Activation(Activation::Sigmoid), &Op::Binary(Binary::Mul)]);
    assert_eq!(graph.nodes[1].name, "silu_0");
    assert_eq!(graph.nodes[1].inputs, [graph.inputs[0], graph.nodes[0].outputs[0]]);
}

#[test]
fn declared_dimensions_come_back() {
    let symbol = |name: &str| Dim::Symbol(name.into());
    let mut b = Builder::new("net");
    let x = b.input("x", &[symbol("batch"), Dim::Fixed(4), symbol("h"), symbol("w")]);
    let y = b.max_pool(x, Pool { strides: [2, 2], ..Pool::new([2, 2]) });
    let z = b.resize(
        x,
        Resize {
            target: Target::Scales([1.0, 1.0]),
            coordinates: Coordinates::HalfPixel,
            interpolation: Interpolation::Linear,
        },
    );
    b.output(y, "y");
    b.output(z, "z");
    let graph = read_back(&b.finish().unwrap());
    let dims = |at: usize| graph.value(graph.outputs[at]).dims.clone().unwrap();
    assert_eq!(dims(0), [symbol("batch"), Dim::Fixed(4), symbol("y_2"), symbol("y_3")]);
    assert_eq!(dims(1), [symbol("batch"), Dim::Fixed(4), symbol("h"), symbol("w")]);
    let input = vec![symbol("batch"), Dim::Fixed(4), symbol("h"), symbol("w")];
    assert_eq!(graph.value(graph.inputs[0]).dims, Some(input));
}

#[test]
fn unused_constants_are_left_out_and_shared_ones_written_once() {
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 2, 2]);
    b.constant("unused", tensor(&[9]));
    let c = b.constant("c", tensor(&[1]));
    let y = b.add(x, c);
    let z = b.mul(y, c);
    b.output(z, "z");
    let bytes = encode(&b.finish().unwrap()).unwrap();
    let written = ModelProto::decode(bytes.as_slice()).unwrap();
    let names: Vec<_> = written.graph.unwrap().initializer.iter().map(|t| t.name().to_owned()).collect();
    assert_eq!(names, ["c"]);
}

#[test]
fn generated_names_stay_clear_of_others() {
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 2, 2]);
    let c = b.constant("clip_0.min", tensor(&[1]));
    let y = b.activation(x, Activation::Clip { min: 0.5, max: 1.0 });
    let z = b.add(y, c);
    b.output(z, "z");
    let graph = b.finish().unwrap();
    assert_eq!(normal(&read_back(&graph)).nodes, normal(&graph).nodes);
}

#[test]
fn fused_nodes_are_errors() {
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 2, 2]);
    let fused = Conv2d { epilogue: Epilogue::Activation(Activation::Relu), ..Conv2d::new([1, 1]) };
    let y = b.conv(x, fused, tensor(&[2, 4, 1, 1]), None);
    b.output(y, "y");
    let error = encode(&b.finish().unwrap()).unwrap_err().to_string();
    assert_eq!(
        error,
        "node conv_0 (Conv): expected an operator of ONNX, found a fused epilogue Activation(Relu)"
    );
}

#[test]
fn broken_graphs_are_errors() {
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 2, 2]);
    let y = b.activation(x, Activation::Relu);
    b.output(y, "y");
    let mut graph = b.finish().unwrap();
    graph.nodes.clear();
    assert_eq!(
        encode(&graph).unwrap_err().to_string(),
        "value y: graph output: expected a definition, found none"
    );
}

#[test]
fn files_are_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, b"old").unwrap();
    let mut b = Builder::new("net");
    let x = b.image("x", [4, 2, 2]);
    let y = b.activation(x, Activation::Relu);
    b.output(y, "y");
    let graph = b.finish().unwrap();
    save(&graph, &path).unwrap();
    assert_eq!(load(&path).unwrap().nodes, graph.nodes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = save(&graph, &folder.path().join("none/net.onnx")).unwrap_err().to_string();
    assert!(error.contains("none/net.onnx: cannot be written: "), "{error}");
}

#[test]
fn normalisations_and_matrix_products() {
    let norm = |statistics, shape: Vec<usize>| {
        survives(move |b, x| {
            let (scale, shift) = (b.constant("scale", tensor(&shape)), b.constant("shift", tensor(&shape)));
            b.node(Op::Norm(Norm { statistics, epsilon: 0.25 }), &[x, scale, shift])
        });
    };
    norm(Statistics::Instance, vec![4]);
    norm(Statistics::Group { groups: 2 }, vec![4]);
    norm(Statistics::Layer { axis: 2 }, vec![6, 8]);
    survives(|b, x| {
        let weight = b.constant("w", tensor(&[8, 3]));
        b.node(Op::MatMul, &[x, weight])
    });
}
