//! Sound files to damage: small networks that use every operator, the bundled one, and those of `models/zoo`.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::type_proto::{Tensor, Value};
use crate::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto,
};
use std::fs;
use std::path::Path;

/// Operator types, some of which nothing supports.
pub const OPERATORS: [&str; 46] = [
    "Add",
    "ArgMax",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "Div",
    "Equal",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "GroupNormalization",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "Loop",
    "MatMul",
    "Max",
    "MaxPool",
    "Mul",
    "PRelu",
    "Pad",
    "Pow",
    "Range",
    "ReduceMax",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Slice",
    "Softmax",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Networks over the input `x`, one node a line: `Op inputs -> outputs | attribute=value …`. An integer, a float with
/// a point, a list in brackets or a word. `#` begins a line of constants: `# name floats|ints dims [: numbers]`.
const NETWORKS: [&str; 9] = [
    "# w floats 8,4,3,3\n# b floats 8\n# s floats 8\n# d floats 8,1,3,3\n# g floats 8,2,3,3
     Conv x w b -> a | pads=[1,1,1,1] kernel_shape=[3,3]\nBatchNormalization a s b s s -> c | epsilon=0.001\nRelu c -> r
     Conv r d -> e | group=8 auto_pad=SAME_UPPER strides=[2,2]\nConv e g -> f | group=4 dilations=[2,2] pads=[2,2,2,2]
     AveragePool f -> p | kernel_shape=[2,2] ceil_mode=1 count_include_pad=1\nGlobalAveragePool p -> q
     Sigmoid q -> i\nMul f i -> y",
    "# w floats 4,6,2,2\n# b floats 6
     ConvTranspose x w b -> a | strides=[2,2] output_padding=[1,1]\nLeakyRelu a -> c | alpha=0.1
     MaxPool c -> d | kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]\nAdd d d -> e\nTanh e -> f\nElu f -> h
     HardSigmoid h -> i | alpha=0.2 beta=0.5\nMish i -> j\nGelu j -> k | approximate=tanh\nSelu k -> y",
    "# s floats 4 : 1,1,2,2\n# t ints 4 : 1,4,12,8\n# p ints 8 : 0,0,1,1,0,0,1,1\n# v floats 1 : 0.5
     Resize x  s -> a | mode=linear coordinate_transformation_mode=align_corners\nPad a p v -> c | mode=constant
     Resize c   t -> d | mode=nearest nearest_mode=floor coordinate_transformation_mode=asymmetric
     DepthToSpace d -> e | blocksize=2 mode=CRD\nSpaceToDepth e -> f | blocksize=2\nClip f v v -> y",
    "# t ints 5 : 0,2,2,6,6\n# u ints 4 : 0,4,6,6\n# k ints 2 : 2,2\n# i ints 3 : 2,0,-1\n# n ints 1 : 1
     Reshape x t -> a\nTranspose a -> c | perm=[0,2,1,3,4]\nReshape c u -> d\nSplit d k -> e f | axis=1
     Concat f e x -> h | axis=1\nGather h i -> j | axis=1\nSlice j n k n -> l\nUnsqueeze l n -> o\nSqueeze o n -> y",
    "# w floats 144,10\n# b floats 10\n# r ints 1 : -1\n# o ints 2 : 0,10
     Flatten x -> a | axis=1\nGemm a w b -> c | alpha=0.5 transB=0\nSoftmax c -> d | axis=-1\nLogSoftmax d -> e | axis=1
     ReduceMean e r -> f | keepdims=1\nSub e f -> h\nArgMax h -> i | axis=1 keepdims=1\nExpand i o -> j\nMax j c h -> y",
    "# t ints 3 : 0,4,-1\n# w floats 4,12\n# s floats 4\n# k ints 3 : 4,4,4\n# q floats 1 : 0.5
     Reshape x t -> a\nTranspose a -> c | perm=[0,2,1]\nLayerNormalization c s s -> d | axis=-1\nMatMul d w -> e
     Split e k -> f h i | axis=2\nTranspose h -> j | perm=[0,2,1]\nMatMul f j -> l\nMul l q -> m\nSoftmax m -> o | axis=-1
     MatMul o i -> y",
    "# s floats 4\n# r ints 2 : 2,3\n# z ints 4 : 1,1,2,1\n# e floats 1 : 2.0\n# l floats 4,1,1
     InstanceNormalization x s s -> a\nGroupNormalization a s s -> c | num_groups=2\nPRelu c l -> d\nReduceL2 d r -> f | keepdims=1
     Div d f -> h\nTile h z -> i\nPow i e -> j\nSqrt j -> k\nEqual k j -> m\nWhere m k j -> n\nErf n -> o\nSoftplus o -> y",
    "# n ints 1 : 1\n# z ints 1 : 0\n# f ints 1 : 4\n# t ints 1 : 2\n# h ints 1 : 3
     Shape x -> s\nSlice s t f -> a\nConcat z n a -> c | axis=0\nGather s t -> d | axis=0\nMul d t -> e\nCast e -> g | to=7
     ConstantOfShape h -> i\nShape i -> j\nReduceSum x n -> k | keepdims=1\nIdentity k -> l\nReduceMax l -> m | axes=[2] keepdims=1
     Range z f n -> o\nCast o -> p | to=1\nMul l m -> y",
    "# w floats 4,4,1,1\n# v floats 4,4,1,1\n# g ints 2 : 2,3
     Conv x w -> a\nConv x v -> c\nConcat a c -> d | axis=1\nHardSwish a -> e\nSigmoid c -> f\nMul e f -> h\nDropout h -> i
     ReduceMean i g -> j | keepdims=0\nNeg j -> k\nAbs k -> l\nExp l -> m\nLog m -> n\nReciprocal n -> y",
];

/// Every file, the smallest first.
pub fn files() -> Vec<Vec<u8>> {
    use prost::Message;
    let mut files: Vec<Vec<u8>> = NETWORKS.iter().map(|text| network(text).encode_to_vec()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let zoo = fs::read_dir(root.join("zoo")).into_iter().flatten();
    let mut paths: Vec<_> = zoo.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.push(root.join("scenes/scenes.onnx"));
    let mut larger: Vec<Vec<u8>> =
        paths.iter().map(|path| fs::read(path).expect("the file can be read")).collect();
    larger.sort_by_key(Vec::len);
    files.extend(larger);
    files
}

/// How many of [`files`] come first and are small.
pub const SMALL: usize = NETWORKS.len();

/// A network from its text.
pub fn network(text: &str) -> ModelProto {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (constants, nodes): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|line| line.starts_with('#'));
    let info = |name: &str, dims: &[i64]| ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(Value::TensorType(Tensor {
                elem_type: Some(DataType::Float as i32),
                shape: (!dims.is_empty())
                    .then(|| TensorShapeProto { dim: dims.iter().map(|&d| fixed(d)).collect() }),
            })),
        }),
    };
    let graph = GraphProto {
        node: nodes.into_iter().map(node).collect(),
        name: Some("g".to_owned()),
        initializer: constants.into_iter().map(constant).collect(),
        input: vec![info("x", &[1, 4, 6, 6])],
        output: vec![info("y", &[])],
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { version: Some(18), ..OperatorSetIdProto::default() }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

fn fixed(size: i64) -> Dimension {
    Dimension { value: Some(dimension::Value::DimValue(size)) }
}

fn node(line: &str) -> NodeProto {
    let (line, attributes) = line.split_once(" | ").unwrap_or((line, ""));
    let (inputs, outputs) = line.split_once(" -> ").expect("a node has outputs");
    let mut inputs = inputs.split(' ').map(str::to_owned);
    NodeProto {
        op_type: inputs.next(),
        input: inputs.collect(),
        output: outputs.split(' ').map(str::to_owned).collect(),
        attribute: attributes.split(' ').filter(|part| !part.is_empty()).map(attribute).collect(),
        ..NodeProto::default()
    }
}

fn attribute(text: &str) -> AttributeProto {
    let (name, value) = text.split_once('=').expect("an attribute has a value");
    let held = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    if let Some(list) = value.strip_prefix('[') {
        let ints = list.trim_end_matches(']').split(',').map(|part| part.parse().expect("an integer"));
        return AttributeProto { r#type: Some(AttributeType::Ints as i32), ints: ints.collect(), ..held };
    }
    match (value.parse(), value.parse()) {
        (Ok(i), _) => AttributeProto { r#type: Some(AttributeType::Int as i32), i: Some(i), ..held },
        (_, Ok(f)) => AttributeProto { r#type: Some(AttributeType::Float as i32), f: Some(f), ..held },
        _ => {
            let s = Some(value.as_bytes().to_vec());
            AttributeProto { r#type: Some(AttributeType::String as i32), s, ..held }
        }
    }
}

fn constant(line: &str) -> TensorProto {
    let (declared, numbers) = line.split_once(" : ").unwrap_or((line, ""));
    let parts: Vec<&str> = declared.split(' ').collect();
    let &[_, name, kind, dims] = &parts[..] else { panic!("expected # name kind dims, found {line}") };
    let dims: Vec<i64> = dims.split(',').map(|dim| dim.parse().expect("a size")).collect();
    let count = dims.iter().product::<i64>() as usize;
    let given = numbers.split(',').filter(|part| !part.is_empty());
    let mut tensor = TensorProto { name: Some(name.to_owned()), dims, ..TensorProto::default() };
    if kind == "ints" {
        tensor.data_type = Some(DataType::Int64 as i32);
        tensor.int64_data = given.map(|part| part.parse().expect("an integer")).collect();
        assert_eq!(tensor.int64_data.len(), count, "{line}");
    } else {
        let given: Vec<f32> = given.map(|part| part.parse().expect("a number")).collect();
        let counted = (0..count).map(|at| 0.25 * (at % 7) as f32 + 0.125);
        let values = if given.is_empty() { counted.collect() } else { given };
        tensor.data_type = Some(DataType::Float as i32);
        tensor.raw_data = Some(values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }
    tensor
}
