//! `Conv or Gemm -> Mul, Add or Sub with one constant per channel` becomes one Conv or Gemm.

use super::affine::{Affine, Target, doubles};
use super::pass::{Pass, View, Visit};
use crate::graph::{Binary, Op, ValueId};

pub(super) const PASS: Pass = Pass { name: "fold_affine", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let (Op::Binary(binary), &[a, b]) = (&node.op, &node.inputs[..]) else {
        return Ok(None);
    };
    let (value, constant) = match (view.graph.constant(a), view.graph.constant(b)) {
        (None, Some(_)) => (a, b),
        (Some(_), None) => (b, a),
        _ => return Ok(None),
    };
    let Some(target) = Target::of(view, value)? else {
        return Err(format!("{} is not computed by a Conv or Gemm", view.graph.value(value).name));
    };
    let numbers = per_channel(view, value, constant, target.channels())?;
    let all = |number: f64| vec![number; target.channels()];
    let negated = || numbers.iter().map(|number| -number).collect();
    let affine = match binary {
        Binary::Mul => Affine { scale: numbers, shift: all(0.0) },
        Binary::Add => Affine { scale: all(1.0), shift: numbers },
        Binary::Sub if value == a => Affine { scale: all(1.0), shift: negated() },
        Binary::Sub => Affine { scale: all(-1.0), shift: numbers },
        Binary::Div if value == a && numbers.iter().all(|&number| number != 0.0) => {
            Affine { scale: numbers.iter().map(|number| 1.0 / number).collect(), shift: all(0.0) }
        }
        Binary::Div | Binary::Pow | Binary::Min | Binary::Max | Binary::Equal | Binary::PRelu => {
            return Err(format!("{} is not affine", binary.name()));
        }
    };
    Ok(Some(target.fold(view, position, &affine)))
}

/// A constant operand of `value` as one number for each of its `channels` (axis 1).
fn per_channel(view: &View, value: ValueId, constant: ValueId, channels: usize) -> Result<Vec<f64>, String> {
    let name = &view.graph.value(constant).name;
    let shape = view.shape(constant);
    let rank = view.shape(value).len();
    let varies = |axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    if shape.len() > rank || (0..rank).any(|axis| axis != 1 && varies(axis) != 1) {
        return Err(format!("{name} {shape:?} is not one number per channel"));
    }
    let numbers = doubles(view, constant)?;
    match numbers[..] {
        [number] => Ok(vec![number; channels]),
        _ if numbers.len() == channels => Ok(numbers),
        _ => Err(format!("{name} {shape:?} repeats the channels")),
    }
}
