//! What each ONNX operator means in a graph, one file per family.

mod layout;
mod moves;
mod norm;
mod pointwise;
mod pool;
mod reduce;
mod resize;
mod transpose;
mod window;

use super::call::{Call, Meaning};
use crate::graph::Op;

/// The meaning of a node; an operator that is not listed here is unknown.
pub(super) fn meaning(call: &mut Call) -> Result<Meaning, String> {
    match call.op() {
        "Conv" => window::conv(call),
        "ConvTranspose" => transpose::conv_transpose(call),
        "BatchNormalization" => window::batch_norm(call),
        "MaxPool" => pool::max_pool(call),
        "AveragePool" => pool::average_pool(call),
        "GlobalAveragePool" | "GlobalMaxPool" => reduce::global_pool(call),
        "Gemm" => window::gemm(call),
        "MatMul" => call.whole(Op::MatMul),
        "InstanceNormalization" => norm::instance(call),
        "GroupNormalization" => norm::group(call),
        "LayerNormalization" => norm::layer(call),
        "Relu" | "LeakyRelu" | "Sigmoid" | "Tanh" | "HardSwish" | "Elu" | "Selu" | "HardSigmoid" | "Mish"
        | "Softplus" | "Gelu" | "Erf" | "Exp" | "Log" | "Sqrt" | "Abs" | "Neg" | "Reciprocal" => {
            pointwise::activation(call)
        }
        "Clip" => pointwise::clip(call),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Equal" | "PRelu" => pointwise::binary(call),
        "Min" | "Max" | "Sum" => pointwise::any_number(call),
        "Where" => pointwise::choose(call),
        "Identity" => pointwise::identity(call),
        "Dropout" => pointwise::dropout(call),
        "Constant" => pointwise::constant(call),
        "Resize" => resize::resize(call),
        "Upsample" => resize::upsample(call),
        "Concat" => layout::concat(call),
        "Flatten" => layout::flatten(call),
        "Reshape" => layout::reshape(call),
        "Softmax" => layout::softmax(call, |axis| Op::Softmax { axis }),
        "LogSoftmax" => layout::softmax(call, |axis| Op::LogSoftmax { axis }),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceL2" => reduce::reduce(call),
        "ArgMax" => reduce::arg_max(call),
        "Pad" => layout::pad(call),
        "Transpose" => moves::transpose(call),
        "Squeeze" => moves::squeeze(call),
        "Unsqueeze" => moves::unsqueeze(call),
        "Slice" => moves::slice(call),
        "Split" => moves::split(call),
        "Expand" => moves::expand(call),
        "Tile" => moves::tile(call),
        "Gather" => moves::gather(call),
        "DepthToSpace" => moves::depth_to_space(call),
        "SpaceToDepth" => moves::space_to_depth(call),
        _ => Err(format!("unknown operator at opset {}", call.opset)),
    }
}

/// Two spatial numbers, each from `least` on.
fn pair(what: &str, values: &[i64], least: i64) -> Result<[usize; 2], String> {
    match values {
        &[vertical, horizontal] => Ok([size(what, vertical, least)?, size(what, horizontal, least)?]),
        _ => Err(format!("{what}: expected 2 numbers, one for each spatial axis, found {values:?}")),
    }
}

/// A number from `least` to the greatest 32-bit one.
fn size(what: &str, value: i64, least: i64) -> Result<usize, String> {
    let range = least..=i64::from(i32::MAX);
    let found = range.contains(&value).then(|| usize::try_from(value).ok()).flatten();
    found.ok_or_else(|| format!("{what}: expected {least} to {}, found {value}", range.end()))
}
