//! Which cases are claimed: the operators, the definition that selects their cases, and what is left out and why.

use crate::case::Case;

/// The operators of the project. `Constant` carries parameters of expanded functions.
pub const OPERATORS: [&str; 71] = [
    "Abs",
    "Add",
    "ArgMax",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mish",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Selu",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
];

/// Cases of the definition that are not claimed, by name (a star stands for any end), and why.
pub const LEFT_OUT: &[(&[&str], &str)] = &[
    (
        &[
            "test_training_dropout",
            "test_training_dropout_default",
            "test_training_dropout_default_mask",
            "test_training_dropout_mask",
            "test_batchnorm_epsilon_training_mode",
            "test_batchnorm_example_training_mode",
        ],
        "training",
    ),
    (
        &[
            "test_split_zero_size_splits*",
            "test_reshape_allowzero_reordered",
            "test_slice_start_out_of_bounds",
            "test_reduce_*_empty_set_expanded",
            "test_reduce_*_empty_set",
            "test_reduce_sum_empty_set_non_reduced_axis_zero",
        ],
        "tensors without elements",
    ),
    (&["test_maxpool_with_argmax*"], "indices of maxima as an output"),
    (&["test_convtranspose_3d"], "convolutions over three axes"),
    (&["test_castlike_STRING_to_FLOAT_expanded"], "numbers as text"),
    (
        &["test_resize_downsample_scales_*_align_corners"],
        "takes the length before it is rounded down; PyTorch, ONNX Runtime and the operator's text take that of the output",
    ),
    (
        &["test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True"],
        "counts positions past the padding; PyTorch and ONNX Runtime do not, and onnx 1.18 corrected it",
    ),
];

/// The operator set from which a case is one of the [`DEFINED`]: `Upsample`, which the project reads, ended at 9. Cases
/// that declare an older one are run too, as operator set 11, which has the same operators.
pub const COUNTED: i64 = 9;

/// The oldest operator set that is read.
pub const OLDEST: i64 = *wgpu_pagcp::onnx::OPSETS.start();

/// How many cases of the package's version 1.16.2 fulfil the definition.
pub const DEFINED: usize = 416;

/// How many of the [`DEFINED`] have to pass: as many as do.
pub const LEAST: usize = 393;

/// Whether the case has float32 among its inputs and among its outputs, and only operators of the project.
pub fn is_ours(case: &Case) -> bool {
    let known = case.operators.iter().all(|op| OPERATORS.contains(&op.as_str()));
    known && case.plain() && case.is_float() && case.opset() <= 21
}

/// Why a case is not claimed.
pub fn left_out(case: &Case) -> Option<&'static str> {
    let matches = |pattern: &str| match pattern.split_once('*') {
        None => case.name == pattern,
        Some((begin, end)) => case.name.strip_prefix(begin).is_some_and(|rest| rest.ends_with(end)),
    };
    let named = |names: &[&str]| names.iter().any(|name| matches(name));
    LEFT_OUT.iter().find(|(names, _)| named(names)).map(|(_, reason)| *reason)
}

/// Whether input `at` of the operator is a parameter, which files of trained networks have as an initialiser: weights,
/// statistics, bounds, slopes. Integers and booleans (shapes, axes, indices, conditions) always are.
pub fn is_parameter(operator: &str, at: usize) -> bool {
    match operator {
        "Conv"
        | "ConvTranspose"
        | "Gemm"
        | "BatchNormalization"
        | "InstanceNormalization"
        | "LayerNormalization"
        | "GroupNormalization"
        | "PRelu"
        | "Clip"
        | "Resize"
        | "Upsample"
        | "Pad"
        | "Dropout" => at > 0,
        "Range" => true,
        _ => false,
    }
}
