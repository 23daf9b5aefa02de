//! Activations, sums and products, copies and constants.

use super::{Call, Meaning};
use crate::graph::{Activation, Binary, Op};
use crate::tensor::Tensor;
use std::sync::Arc;

pub(super) fn activation(call: &mut Call) -> Result<Meaning, String> {
    let activation = match call.op() {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu { alpha: number(call, "alpha", 0.01)? },
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Elu" => Activation::Elu { alpha: number(call, "alpha", 1.0)? },
        "Selu" => Activation::Selu {
            alpha: number(call, "alpha", 1.673_263_2)?,
            gamma: number(call, "gamma", 1.050_701)?,
        },
        "HardSigmoid" => {
            Activation::HardSigmoid { alpha: number(call, "alpha", 0.2)?, beta: number(call, "beta", 0.5)? }
        }
        "Softplus" => Activation::Softplus,
        "Erf" => Activation::Erf,
        "Exp" => Activation::Exp,
        "Log" => Activation::Log,
        "Sqrt" => Activation::Sqrt,
        "Abs" => Activation::Abs,
        "Neg" => Activation::Neg,
        "Reciprocal" => Activation::Reciprocal,
        "HardSwish" => begins(call, 14).map(|()| Activation::HardSwish)?,
        "Mish" => begins(call, 18).map(|()| Activation::Mish)?,
        _ => {
            begins(call, 20)?;
            match call.attributes.string("approximate")? {
                None | Some("none") => Activation::Gelu { tanh: false },
                Some("tanh") => Activation::Gelu { tanh: true },
                Some(other) => return Err(format!("approximate: expected none or tanh, found {other}")),
            }
        }
    };
    call.whole(Op::Activation(activation))
}

fn number(call: &mut Call, name: &str, usual: f32) -> Result<f32, String> {
    Ok(call.attributes.float(name)?.unwrap_or(usual))
}

fn begins(call: &Call, opset: i64) -> Result<(), String> {
    match call.opset {
        found if found < opset => Err(format!("{} begins at opset {opset}, found opset {found}", call.op())),
        _ => Ok(()),
    }
}

/// Bounds are inputs since opset 11; attributes, as before it, are taken too.
pub(super) fn clip(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let mut bounds = [f32::NEG_INFINITY, f32::INFINITY];
    for (at, (name, bound)) in ["min", "max"].into_iter().zip(&mut bounds).enumerate() {
        let given = match (call.attributes.float(name)?, call.scalar(at + 1)?) {
            (Some(_), Some(_)) => {
                return Err(format!("{name}: expected an attribute or an input, found both"));
            }
            (attribute, input) => attribute.or(input),
        };
        if given.is_some_and(f32::is_nan) {
            return Err(format!("{name}: expected a number, found NaN"));
        }
        *bound = given.unwrap_or(*bound);
    }
    let [min, max] = bounds;
    call.unary(Op::Activation(Activation::Clip { min, max }))
}

pub(super) fn binary(call: &mut Call) -> Result<Meaning, String> {
    let binary = match call.op() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        "Equal" => Binary::Equal,
        _ => Binary::PRelu,
    };
    call.whole(Op::Binary(binary))
}

/// The least or greatest of one or two values.
pub(super) fn extreme(call: &mut Call) -> Result<Meaning, String> {
    let binary = if call.op() == "Min" { Binary::Min } else { Binary::Max };
    match call.inputs() {
        1 => identity(call),
        2 => call.whole(Op::Binary(binary)),
        found => Err(format!("expected at most 2 inputs, found {found}")),
    }
}

/// A copy; that of a constant is a constant, so that shared weights and parameters stay readable.
pub(super) fn identity(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(1)?;
    match call.known(0)? {
        Some(tensor) => Ok(Meaning::Constant(tensor)),
        None => call.unary(Op::Identity),
    }
}

/// A copy, as in inference. The mask, its second output, is not defined: reading it is an error.
pub(super) fn dropout(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    call.attributes.ignore("seed");
    call.attributes.ignore("ratio");
    let training = call.constant(2)?.map_or(Ok(false), |flag| match flag.i64s() {
        Ok(values) => Ok(values != [0]),
        Err(error) => Err(format!("training_mode: {error}")),
    });
    if training? {
        return Err("training_mode: expected false, found true: only inference is supported".to_owned());
    }
    match call.known(0)? {
        Some(tensor) => Ok(Meaning::Constant(tensor)),
        None => call.unary(Op::Identity),
    }
}

pub(super) fn constant(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(0)?;
    let mut found = Vec::new();
    if let Some(proto) = call.attributes.tensor("value")? {
        found.push(call.tensor(proto).map_err(|reason| format!("value: {reason}"))?);
    }
    let vector = |error: crate::tensor::TensorError| error.to_string();
    if let Some(value) = call.attributes.float("value_float")? {
        found.push(Tensor::from_f32(Vec::new(), vec![value]).map_err(vector)?);
    }
    if let Some(value) = call.attributes.int("value_int")? {
        found.push(Tensor::from_i64(Vec::new(), vec![value]).map_err(vector)?);
    }
    if let Some(values) = call.attributes.floats("value_floats")? {
        found.push(Tensor::from_f32(vec![values.len()], values.to_vec()).map_err(vector)?);
    }
    if let Some(values) = call.attributes.ints("value_ints")? {
        found.push(Tensor::from_i64(vec![values.len()], values.to_vec()).map_err(vector)?);
    }
    match (found.pop(), found.is_empty()) {
        (Some(tensor), true) => Ok(Meaning::Constant(Arc::new(tensor))),
        (None, _) => {
            Err("expected one of value, value_float, value_floats, value_int, value_ints, found none"
                .to_owned())
        }
        (Some(_), false) => Err(format!("expected one value attribute, found {}", found.len() + 1)),
    }
}
