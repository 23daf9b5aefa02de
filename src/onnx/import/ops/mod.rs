//! What each ONNX operator means in a graph, one file per family.

mod cast;
mod layout;
mod moves;
mod norm;
mod pointwise;
mod pool;
mod range;
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
        "Cast" => cast::cast(call),
        "Dropout" => pointwise::dropout(call),
        "Constant" => pointwise::constant(call),
        "Range" => range::range(call),
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
        op => Err(unknown_operator(op, call.opset)),
    }
}

/// The operators that are known, those among them that are only ever folded first.
const NAMES: &[&str] = &[
    "Shape",
    "Size",
    "ConstantOfShape",
    "Floor",
    "Ceil",
    "Mod",
    "Not",
    "ReduceProd",
    "Conv",
    "ConvTranspose",
    "BatchNormalization",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Gemm",
    "MatMul",
    "InstanceNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "Relu",
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "HardSwish",
    "Elu",
    "Selu",
    "HardSigmoid",
    "Mish",
    "Softplus",
    "Gelu",
    "Erf",
    "Exp",
    "Log",
    "Sqrt",
    "Abs",
    "Neg",
    "Reciprocal",
    "Clip",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Equal",
    "PRelu",
    "Min",
    "Max",
    "Sum",
    "Where",
    "Identity",
    "Dropout",
    "Constant",
    "Range",
    "Resize",
    "Upsample",
    "Concat",
    "Flatten",
    "Reshape",
    "Softmax",
    "LogSoftmax",
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "ReduceL2",
    "ArgMax",
    "Pad",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Split",
    "Expand",
    "Tile",
    "Gather",
    "DepthToSpace",
    "SpaceToDepth",
    "Cast",
];

/// Why an operator is not known at all, whatever its inputs and attributes.
pub(super) fn unknown(op: &str, domain: &str, opset: i64) -> Option<String> {
    let known = !super::default_domain(domain) || NAMES.contains(&op);
    (!known).then(|| unknown_operator(op, opset))
}

fn unknown_operator(op: &str, opset: i64) -> String {
    format!("unknown operator at opset {opset}; {}", super::missing::advice(op))
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

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn what_has_a_meaning_has_a_name() {
        let text = include_str!("mod.rs");
        let table =
            text.split("match call.op() {").nth(1).and_then(|text| text.split("op => Err").next()).unwrap();
        let named: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
        assert!(named.len() > 50);
        for name in named {
            assert!(NAMES.contains(&name), "{name}");
        }
    }
}
