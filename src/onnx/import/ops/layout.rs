//! Operators along axes: concatenation, flattening, reshaping, softmax, padding.

use super::{Call, Meaning};
use crate::graph::{Extent, Move, Op, Pad, PadMode};

pub(super) fn concat(call: &mut Call) -> Result<Meaning, String> {
    let axis = call.attributes.int("axis")?.ok_or("axis: expected it, found none")?;
    let rank = call.rank()?;
    let axis = call.axis(axis, rank.saturating_sub(1))?;
    call.whole(Op::Concat { axis })
}

pub(super) fn flatten(call: &mut Call) -> Result<Meaning, String> {
    let axis = call.attributes.int("axis")?.unwrap_or(1);
    let rank = call.rank()?;
    let axis = call.axis(axis, rank)?;
    call.whole(Op::Flatten { axis })
}

/// Where a target repeats a dimension of the input in its place, it becomes 0, and one other size that is no number
/// becomes -1: such targets hold for any number of channels and at any size.
pub(super) fn reshape(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let mut shape = call.extents(1)?.ok_or("shape: expected integers, found none")?;
    let allow_zero = call.opset >= 14 && call.attributes.flag("allowzero")?;
    let x = call.value()?;
    if !allow_zero {
        for (axis, entry) in shape.iter_mut().enumerate() {
            if *entry == (Extent::Dim { value: x, axis }) {
                *entry = Extent::Fixed(0);
            }
        }
        let inferred = shape.contains(&Extent::Fixed(-1));
        let mut open = shape.iter_mut().filter(|entry| entry.fixed().is_none());
        if let (Some(entry), None, false) = (open.next(), open.next(), inferred) {
            *entry = Extent::Fixed(-1);
        }
    }
    call.unary(Op::Reshape { shape, allow_zero })
}

/// A softmax or its logarithm. Before opset 13 it runs over all dimensions from its axis on together. Where that is more than one
/// dimension, it becomes a flattening, a softmax of two dimensions, and a reshape back.
pub(super) fn softmax(call: &mut Call, op: impl Fn(usize) -> Op) -> Result<Meaning, String> {
    let coerced = call.opset < 13;
    let axis = call.attributes.int("axis")?.unwrap_or(if coerced { 1 } else { -1 });
    let rank = call.rank()?;
    if rank == 0 {
        return Err("input: expected at least one dimension, found a scalar".to_owned());
    }
    let axis = call.axis(axis, rank - 1)?;
    if !coerced || axis + 1 == rank {
        return call.whole(op(axis));
    }
    call.at_most(1)?;
    let Some(fixed) = call.fixed()? else {
        return Err("expected a shape without names but the batch's for a softmax over several axes, found \
                    other symbolic dimensions"
            .to_owned());
    };
    if fixed[axis + 1..].iter().all(|&size| size == Some(1)) {
        return call.whole(op(axis));
    }
    let shape: Vec<i64> = fixed.iter().map(|size| size.map_or(-1, |size| size as i64)).collect();
    if shape.iter().filter(|&&size| size == -1).count() > 1 {
        return Err(format!(
            "expected one dimension that depends on the batch for a softmax over several axes, found {shape:?}"
        ));
    }
    let back = Op::Reshape { shape: Extent::list(&shape), allow_zero: false };
    Ok(Meaning::Chain(vec![Op::Flatten { axis }, op(1), back]))
}

/// Amounts and filling are inputs since opset 11; attributes, as before it, are taken too.
pub(super) fn pad(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(4)?;
    let rank = call.rank()?;
    let attribute = call.attributes.ints("pads")?.map(<[i64]>::to_vec);
    let attribute = attribute.map(|pads| Extent::list(&pads));
    let pads = match (attribute, call.extents(1)?) {
        (Some(_), Some(_)) => return Err("pads: expected an attribute or an input, found both".to_owned()),
        (attribute, input) => attribute.or(input).ok_or("pads: expected integers, found none")?,
    };
    let axes: Vec<usize> = match call.ints(3)? {
        Some(_) if call.opset < 18 => {
            return Err("expected at most 3 inputs before opset 18, found 4".to_owned());
        }
        Some(given) => {
            given.iter().map(|&axis| call.axis(axis, rank.saturating_sub(1))).collect::<Result<_, _>>()?
        }
        None => (0..rank).collect(),
    };
    let amounts = amounts(&pads, &axes, rank)?;
    let filling = match (call.attributes.float("value")?, call.scalar(2)?) {
        (Some(_), Some(_)) => return Err("value: expected an attribute or an input, found both".to_owned()),
        (attribute, input) => attribute.or(input).unwrap_or(0.0),
    };
    let mode = match call.attributes.string("mode")? {
        None | Some("constant") => PadMode::Constant(filling),
        Some("reflect") => PadMode::Reflect,
        Some("edge") => PadMode::Edge,
        Some(other) => return Err(format!("mode: expected constant, reflect or edge, found {other}")),
    };
    call.unary(match spatial(&amounts) {
        Some(margins) => Op::Pad(Pad { margins, mode }),
        None => Op::Move(Move::Pad { amounts, mode }),
    })
}

/// What goes before and after every axis.
fn amounts(pads: &[Extent], axes: &[usize], rank: usize) -> Result<Vec<[Extent; 2]>, String> {
    if pads.len() != 2 * axes.len() {
        return Err(format!("pads: expected {} numbers, found {}", 2 * axes.len(), pads.len()));
    }
    if (1..axes.len()).any(|at| axes[..at].contains(&axes[at])) {
        return Err(format!("axes: expected each axis once, found {axes:?}"));
    }
    let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
    if let Some(wild) = pads.iter().filter_map(Extent::fixed).find(|amount| !range.contains(amount)) {
        return Err(format!("pads: expected {} to {}, found {wild}", range.start(), range.end()));
    }
    let mut amounts = vec![[const { Extent::Fixed(0) }; 2]; rank];
    let (starts, ends) = pads.split_at(axes.len());
    for ((&axis, start), end) in axes.iter().zip(starts).zip(ends) {
        amounts[axis] = [start.clone(), end.clone()];
    }
    Ok(amounts)
}

/// The margins of a map that only grows, along its two spatial axes, by numbers.
fn spatial(amounts: &[[Extent; 2]]) -> Option<[usize; 4]> {
    let amounts: Vec<[i64; 2]> = amounts.iter().map(Extent::pair).collect::<Option<_>>()?;
    let [[0, 0], [0, 0], [top, bottom], [left, right]] = *amounts else { return None };
    let sides = [top, left, bottom, right].map(|amount| usize::try_from(amount).ok());
    let [Some(top), Some(left), Some(bottom), Some(right)] = sides else { return None };
    Some([top, left, bottom, right])
}
