//! Casts: all values are floats here, whatever the file calls them.

use super::{Call, Meaning};
use crate::graph::{ElementType, Op};
use crate::onnx::import::elements::is_float;
use crate::onnx::proto::tensor_proto::DataType;
use crate::tensor::{Data, Tensor};
use std::sync::Arc;

/// A cast from one kind of float to another, which is a copy (of a wider range or finer steps than a half float has);
/// from indices or truths to floats or other integers; from floats to a truth that only conditions read; or of a constant.
pub(super) fn cast(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(1)?;
    call.attributes.ignore("saturate");
    let to = call.attributes.int("to")?.ok_or("to: expected it, found none")?;
    let to = i32::try_from(to).ok().and_then(|to| DataType::try_from(to).ok());
    let to = to.ok_or("to: expected an element type, found another number")?;
    let float = is_float(to);
    if let Some(tensor) = call.known(0)? {
        return constant(&tensor, to, float).map(|tensor| Meaning::Constant(Arc::new(tensor)));
    }
    let truth = to == DataType::Bool;
    if float || (truth && call.is_condition()) {
        return call.unary(Op::Identity);
    }
    if call.element()?.is_some_and(|own| !truth || own == ElementType::Bool) {
        return call.unary(Op::Identity);
    }
    Err(format!(
        "to: expected a type of floats for a computed value, found {}; take the cast off the graph's outputs, or \
         export without it",
        to.as_str_name()
    ))
}

fn constant(tensor: &Tensor, to: DataType, float: bool) -> Result<Tensor, String> {
    let data = match (tensor.data(), to) {
        (Data::F32(values), _) if float => Data::F32(values.clone()),
        (Data::I64(values), _) if float => Data::F32(values.iter().map(|&value| value as f32).collect()),
        (Data::F32(values), DataType::Bool) => {
            Data::I64(values.iter().map(|&value| i64::from(value != 0.0)).collect())
        }
        (Data::I64(values), DataType::Bool) => {
            Data::I64(values.iter().map(|&value| i64::from(value != 0)).collect())
        }
        (_, DataType::String) => return Err("to: expected a type of numbers, found STRING".to_owned()),
        (Data::F32(values), _) => Data::I64(values.iter().map(|&value| value as i64).collect()),
        (Data::I64(values), _) => Data::I64(values.clone()),
    };
    Tensor::new(tensor.shape().to_vec(), data).map_err(|error| error.to_string())
}
