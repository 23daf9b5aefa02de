//! Activations, sums and products, copies and constants.

use super::super::call::{Part, Source};
use super::{Call, Meaning};
use crate::graph::{Activation, Binary, Op};
use crate::tensor::{Data, Tensor};
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
    match binary {
        Binary::Pow => mixed(call, Op::Binary(binary), 2, 1),
        _ => call.whole(Op::Binary(binary)),
    }
}

/// A choice by a condition, which as a constant may be of booleans.
pub(super) fn choose(call: &mut Call) -> Result<Meaning, String> {
    mixed(call, Op::Where, 3, 0)
}

/// A node of `operands` inputs, of which a constant number `at` may be of integers; values are floats.
fn mixed(call: &mut Call, op: Op, operands: usize, at: usize) -> Result<Meaning, String> {
    let Some(Data::I64(integers)) = call.known(at)?.map(|tensor| tensor.data().clone()) else {
        return call.whole(op);
    };
    if call.inputs() != operands {
        return Err(format!("expected {operands} inputs, found {}", call.inputs()));
    }
    let shape = call.constant_shape(at)?.unwrap_or_default();
    let floats = integers.iter().map(|&integer| integer as f32).collect();
    let floats = Tensor::from_f32(shape, floats).map_err(|error| error.to_string())?;
    let mut inputs: Vec<Source> = (0..operands).map(Source::Input).collect();
    inputs[at] = Source::Constant("floats", Arc::new(floats));
    Ok(Meaning::Parts(vec![Part { op, inputs, output: Some(0) }]))
}

/// The least, the greatest or the sum of any number of values, two at a time.
pub(super) fn any_number(call: &mut Call) -> Result<Meaning, String> {
    let binary = match call.op() {
        "Min" => Binary::Min,
        "Max" => Binary::Max,
        _ => Binary::Add,
    };
    let count = call.inputs();
    if count < 3 {
        return if count == 1 { identity(call) } else { call.whole(Op::Binary(binary)) };
    }
    let part = |at: usize| Part {
        op: Op::Binary(binary),
        inputs: vec![if at == 1 { Source::Input(0) } else { Source::Part(at - 2) }, Source::Input(at)],
        output: (at + 1 == count).then_some(0),
    };
    Ok(Meaning::Parts((1..count).map(part).collect()))
}

/// A copy; that of a constant is a constant, so that shared weights and parameters stay readable.
pub(super) fn identity(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(1)?;
    match call.known(0)? {
        Some(tensor) => Ok(Meaning::Constant(tensor)),
        None => call.unary(Op::Identity),
    }
}

/// A copy, as in inference, and as in training where nothing is dropped. The mask, its second output, is 1 where the
/// input is a number: nothing is masked.
pub(super) fn dropout(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    call.attributes.ignore("seed");
    call.attributes.ignore("ratio");
    let training = call.constant(2)?.map_or(Ok(false), |flag| match flag.i64s() {
        Ok(values) => Ok(values != [0]),
        Err(error) => Err(format!("training_mode: {error}")),
    });
    if training? && call.scalar(1)? != Some(0.0) {
        return Err("training_mode: expected false, found true: only inference is supported".to_owned());
    }
    if let Some(tensor) = call.known(0)? {
        return Ok(Meaning::Constant(tensor));
    }
    let part = |op, inputs: usize, output| Part {
        op,
        inputs: (0..inputs).map(|_| Source::Input(0)).collect(),
        output: Some(output),
    };
    let copy = part(Op::Identity, 1, 0);
    if call.wants(1) {
        return Ok(Meaning::Parts(vec![copy, part(Op::Binary(Binary::Equal), 2, 1)]));
    }
    call.unary(Op::Identity)
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
