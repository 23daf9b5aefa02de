//! Convolution, batch normalisation and matrix products.

use super::{Call, Meaning, pair, size};
use crate::graph::{Conv2d, Epilogue, Gemm, Op, Padding};

pub(super) fn conv(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let kernel = match (call.attributes.ints("kernel_shape")?, call.constant_shape(1)?) {
        (Some(kernel), _) => pair("kernel_shape", kernel, 1)?,
        (None, Some(weight)) => match weight[..] {
            [_, _, height, width] => [height, width],
            _ => return Err(format!("weight: expected rank 4 [O, C/groups, KH, KW], found {weight:?}")),
        },
        (None, None) => {
            return Err("kernel_shape: expected it where the weight is not a constant, found none".to_owned());
        }
    };
    let groups = call.attributes.int("group")?.unwrap_or(1);
    let conv = Conv2d {
        kernel,
        strides: spatial(call, "strides")?,
        pads: padding(call)?,
        dilations: spatial(call, "dilations")?,
        groups: size("group", groups, 1)?,
        epilogue: Epilogue::Plain,
    };
    call.whole(Op::Conv(conv))
}

pub(super) fn spatial(call: &mut Call, name: &str) -> Result<[usize; 2], String> {
    call.attributes.ints(name)?.map_or(Ok([1, 1]), |values| pair(name, values, 1))
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
    let gemm = Gemm {
        alpha: call.attributes.float("alpha")?.unwrap_or(1.0),
        beta: call.attributes.float("beta")?.unwrap_or(1.0),
        trans_a: call.attributes.flag("transA")?,
        trans_b: call.attributes.flag("transB")?,
        epilogue: Epilogue::Plain,
    };
    call.whole(Op::Gemm(gemm))
}
