//! Exported moves.

use super::attributes::{int, ints, string};
use super::nodes::{Form, reason};
use crate::graph::{DepthOrder, Extent, Move, PadMode, SliceAxis};
use crate::tensor::Tensor;

/// A list of integers.
fn list(values: Vec<i64>) -> Result<Tensor, String> {
    Tensor::from_i64(vec![values.len()], values).map_err(reason)
}

/// Squeezing and unsqueezing take their axes as an input.
pub(super) fn with_axes(op: &'static str, axes: &[usize]) -> Result<Form, String> {
    let mut form = Form::new(op, Vec::new());
    form.constants.push(Some(("axes", list(axes.iter().map(|&axis| axis as i64).collect())?)));
    Ok(form)
}

pub(super) fn form(kind: &Move) -> Result<Form, String> {
    let name = kind.name();
    let mut form = Form::new(name, Vec::new());
    match kind {
        Move::Transpose { perm } => form.attributes.push(ints("perm", perm)),
        Move::Slice(axes) => slice(&mut form, axes)?,
        Move::Expand { shape } => form.list("shape", shape)?,
        Move::Tile { repeats } => {
            let repeats = repeats.iter().map(|&times| times as i64).collect();
            form.constants.push(Some(("repeats", list(repeats)?)));
        }
        Move::Gather { axis, indices, shape } => {
            form.attributes.push(int("axis", *axis));
            let indices = Tensor::from_i64(shape.clone(), indices.clone()).map_err(reason)?;
            form.constants.push(Some(("indices", indices)));
        }
        Move::Pad { amounts, mode } => {
            let (mode, filling) = match mode {
                PadMode::Constant(filling) => ("constant", Some(*filling)),
                PadMode::Reflect => ("reflect", None),
                PadMode::Edge => ("edge", None),
            };
            form.attributes.push(string("mode", mode));
            let sides = [0, 1].map(|side| amounts.iter().map(move |amount| amount[side].clone()));
            form.list("pads", &sides.into_iter().flatten().collect::<Vec<_>>())?;
            if let Some(filling) = filling {
                form.constants
                    .push(Some(("value", Tensor::from_f32(vec![], vec![filling]).map_err(reason)?)));
            }
        }
        Move::DepthToSpace { block, order } => {
            let order = match order {
                DepthOrder::Dcr => "DCR",
                DepthOrder::Crd => "CRD",
            };
            form.attributes = vec![int("blocksize", *block), string("mode", order)];
        }
        Move::SpaceToDepth { block } => form.attributes.push(int("blocksize", *block)),
    }
    Ok(form)
}

fn slice(form: &mut Form, axes: &[SliceAxis]) -> Result<(), String> {
    let of = |pick: fn(&SliceAxis) -> Extent| axes.iter().map(pick).collect::<Vec<_>>();
    form.list("starts", &of(|slice| slice.start.clone()))?;
    form.list("ends", &of(|slice| slice.end.clone()))?;
    form.list("axes", &of(|slice| Extent::Fixed(slice.axis as i64)))?;
    form.list("steps", &of(|slice| Extent::Fixed(slice.step)))
}
