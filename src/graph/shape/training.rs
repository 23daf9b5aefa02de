//! Shapes of what training graphs compute.

use super::Mismatch;
use crate::graph::error::mismatch;
use crate::graph::{BoxCode, LossKind, Training};

/// The shape of the output of `op`, whose number of inputs was checked.
pub(super) fn shape(op: &Training, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let x = inputs[0];
    let channels = |shape: &[usize]| match shape {
        &[_, channels, ..] => Ok(channels),
        _ => mismatch("input", "images and channels", format!("{shape:?}")),
    };
    match op {
        Training::ConvWeight(conv) => match (x, inputs[1]) {
            (&[n, c, _, _], &[images, o, _, _]) if n == images && c % conv.groups == 0 => {
                Ok(vec![o, c / conv.groups, conv.kernel[0], conv.kernel[1]])
            }
            (x, dy) => mismatch("inputs", "two of as many images", format!("{x:?} and {dy:?}")),
        },
        Training::GemmWeight => match (x, inputs[1]) {
            (&[rows, k], &[same, n]) if rows == same => Ok(vec![n, k]),
            (x, dy) => mismatch("inputs", "two matrices of as many rows", format!("{x:?} and {dy:?}")),
        },
        Training::ChannelSum => Ok(vec![channels(x)?]),
        Training::BatchMoments => Ok(vec![2, channels(x)?]),
        Training::Activation { .. } => same(x, inputs[1]),
        Training::MaxPool(_) => Ok(x.to_vec()),
        Training::AveragePool { size, .. } | Training::Resize { size, .. } => match x {
            &[n, c, _, _] => Ok(vec![n, c, size[0], size[1]]),
            _ => mismatch("input", "4 dimensions", format!("{x:?}")),
        },
        Training::Move { shape, .. } => Ok(shape.clone()),
        Training::BatchNorm(_) => {
            statistics(channels(x)?, &inputs[1..4])?;
            same(x, inputs.get(4).unwrap_or(&x))
        }
        Training::BatchNormSums(_) => {
            statistics(channels(x)?, &inputs[1..4])?;
            same(x, inputs[4]).map(|_| vec![2, x[1]])
        }
        Training::BatchNormInput(_) => {
            statistics(channels(x)?, &inputs[1..4])?;
            if inputs[4] != [2, x[1]] {
                return mismatch("input 4", format!("[2, {}]", x[1]), format!("{:?}", inputs[4]));
            }
            same(x, inputs[5])
        }
        Training::Loss(kind) => {
            let mut expected = x.to_vec();
            let own = usize::from(x.len() > 1);
            if let Some(channels) = expected.get_mut(own) {
                *channels = kind.label_channels(*channels);
            }
            if let LossKind::Boxes(boxes) = kind {
                let bins = if let BoxCode::Distribution { bins } = boxes.code { bins } else { 1 };
                if channels(x)? != 4 * bins {
                    return mismatch("input 0", format!("{} channels", 4 * bins), format!("{x:?}"));
                }
            }
            same(&expected, inputs[1])?;
            if inputs[2] != [1] {
                return mismatch("input 2", "[1]", format!("{:?}", inputs[2]));
            }
            Ok(x.to_vec())
        }
    }
}

fn same(expected: &[usize], found: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if expected == found {
        return Ok(found.to_vec());
    }
    mismatch("input", format!("{expected:?}"), format!("{found:?}"))
}

/// Moments, scale and shift of so many channels.
fn statistics(channels: usize, inputs: &[&[usize]]) -> Result<(), Mismatch> {
    for (input, expected) in (1..).zip([vec![2, channels], vec![channels], vec![channels]]) {
        if inputs[input - 1] != expected {
            let found = format!("{:?}", inputs[input - 1]);
            return mismatch(format!("input {input}"), format!("{expected:?}"), found);
        }
    }
    Ok(())
}
