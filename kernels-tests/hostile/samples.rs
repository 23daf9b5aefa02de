//! Sound files to damage: small networks that use every operator, the bundled one, and those of `models/zoo`.

use crate::text::model;
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

/// Networks over the input `x`, as [`model`] reads them.
const NETWORKS: [&str; 9] = [
    "# w floats 8,4,3,3\n# b floats 8\n# s floats 8\n# v positive 8\n# d floats 8,1,3,3\n# g floats 8,2,3,3
     Conv x w b -> a | pads=[1,1,1,1] kernel_shape=[3,3]\nBatchNormalization a s b s v -> c | epsilon=0.001\nRelu c -> r
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
    let mut files: Vec<Vec<u8>> =
        NETWORKS.iter().map(|text| model(text, &[1, 4, 6, 6]).encode_to_vec()).collect();
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
