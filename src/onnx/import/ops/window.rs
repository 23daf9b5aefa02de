//! Convolution, batch normalisation and matrix products. A convolution over one axis is one over a single row.

use super::super::call::{Part, Source};
use super::{Call, Meaning, pair, size};
use crate::graph::{Conv2d, Epilogue, Gemm, Move, Op, Padding};
use std::sync::Arc;

pub(super) fn conv(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let kernel = kernel(call)?;
    let groups = call.attributes.int("group")?.unwrap_or(1);
    let conv = Conv2d {
        kernel,
        strides: spatial(call, "strides")?,
        pads: padding(call)?,
        dilations: spatial(call, "dilations")?,
        groups: size("group", groups, 1)?,
        ..Conv2d::new(kernel)
    };
    in_two_axes(call, Op::Conv(conv))
}

/// The kernel of a convolution: an attribute, or the last dimensions of its weight.
pub(super) fn kernel(call: &mut Call) -> Result<[usize; 2], String> {
    match (call.attributes.ints("kernel_shape")?, call.constant_shape(1)?) {
        (Some(kernel), _) => axes(call, "kernel_shape", kernel, 1),
        (None, Some(weight)) => match weight[..] {
            [_, _, height, width] => Ok([height, width]),
            [_, _, width] => Ok([1, width]),
            _ => Err(format!("weight: expected rank 3 or 4 [outputs, inputs, …], found {weight:?}")),
        },
        (None, None) => {
            Err("kernel_shape: expected it where the weight is not a constant, found none".to_owned())
        }
    }
}

/// One number for each spatial axis; of the row that stands for the other one where there is only one, the least.
pub(super) fn axes(call: &mut Call, what: &str, values: &[i64], least: i64) -> Result<[usize; 2], String> {
    match *values {
        [value] if call.rank()? == 3 => pair(what, &[least, value], least),
        _ => pair(what, values, least),
    }
}

pub(super) fn spatial(call: &mut Call, name: &str) -> Result<[usize; 2], String> {
    match call.attributes.ints(name)? {
        None => Ok([1, 1]),
        Some(values) => axes(call, name, values, 1),
    }
}

/// A convolution as it is, or over one axis as one over a single row.
pub(super) fn in_two_axes(call: &mut Call, op: Op) -> Result<Meaning, String> {
    if call.rank()? != 3 {
        return call.whole(op);
    }
    let raise = |input: usize| Part {
        op: Op::Unsqueeze { axes: vec![2] },
        inputs: vec![Source::Input(input)],
        output: None,
    };
    let mut parts = vec![raise(0)];
    let weight = match call.known(1)? {
        Some(weight) => {
            let &[outputs, inputs, width] = weight.shape() else {
                return Err(format!("weight: expected rank 3 as of the input, found {:?}", weight.shape()));
            };
            let weight = weight.as_ref().clone().reshaped(vec![outputs, inputs, 1, width]);
            Source::Constant("weight", Arc::new(weight.map_err(|error| error.to_string())?))
        }
        None => {
            parts.push(raise(1));
            Source::Part(1)
        }
    };
    let bias = (call.inputs() > 2).then_some(Source::Input(2));
    let inputs = [Source::Part(0), weight].into_iter().chain(bias).collect();
    parts.push(Part { op, inputs, output: None });
    let last = Source::Part(parts.len() - 1);
    parts.push(Part { op: Op::Squeeze { axes: vec![2] }, inputs: vec![last], output: Some(0) });
    Ok(Meaning::Parts(parts))
}

pub(super) fn padding(call: &mut Call) -> Result<Padding, String> {
    let pads = call.attributes.ints("pads")?;
    let explicit = match pads {
        None => [0; 4],
        Some(&[top, left, bottom, right]) => {
            let [top, left] = pair("pads", &[top, left], 0)?;
            let [bottom, right] = pair("pads", &[bottom, right], 0)?;
            [top, left, bottom, right]
        }
        Some(&[left, right]) if call.rank()? == 3 => {
            let [left, right] = pair("pads", &[left, right], 0)?;
            [0, left, 0, right]
        }
        Some(pads) => return Err(format!("pads: expected [top, left, bottom, right], found {pads:?}")),
    };
    match auto_pad(call)? {
        None => Ok(Padding::Explicit(explicit)),
        Some(_) if explicit != [0; 4] => {
            Err(format!("expected pads or auto_pad, found both: pads {explicit:?}"))
        }
        Some(padding) => Ok(padding),
    }
}

/// What `auto_pad` says, where it says anything.
pub(super) fn auto_pad(call: &mut Call) -> Result<Option<Padding>, String> {
    match call.attributes.string("auto_pad")? {
        None | Some("NOTSET") => Ok(None),
        Some("VALID") => Ok(Some(Padding::Explicit([0; 4]))),
        Some("SAME_UPPER") => Ok(Some(Padding::SameUpper)),
        Some("SAME_LOWER") => Ok(Some(Padding::SameLower)),
        Some(other) => {
            Err(format!("auto_pad: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER, found {other}"))
        }
    }
}

pub(super) fn batch_norm(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(5)?;
    let epsilon = call.attributes.float("epsilon")?.unwrap_or(1e-5);
    call.attributes.ignore("momentum");
    if call.attributes.flag("training_mode")? {
        return Err("training_mode: expected 0, found 1: only inference is supported".to_owned());
    }
    call.whole(Op::BatchNorm { epsilon })
}

pub(super) fn gemm(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let mut gemm = Gemm {
        alpha: call.attributes.float("alpha")?.unwrap_or(1.0),
        beta: call.attributes.float("beta")?.unwrap_or(1.0),
        trans_a: call.attributes.flag("transA")?,
        trans_b: call.attributes.flag("transB")?,
        epilogue: Epilogue::Plain,
    };
    if !gemm.trans_a || call.known(0)?.is_some() {
        return call.whole(Op::Gemm(gemm));
    }
    gemm.trans_a = false;
    let turn = Op::Move(Move::Transpose { perm: vec![1, 0] });
    let mut inputs = vec![Source::Part(0)];
    inputs.extend((1..call.inputs()).map(Source::Input));
    Ok(Meaning::Parts(vec![
        Part { op: turn, inputs: vec![Source::Input(0)], output: None },
        Part { op: Op::Gemm(gemm), inputs, output: Some(0) },
    ]))
}
