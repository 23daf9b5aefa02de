//! Gradients of what only moves elements.

use super::tape::Tape;
use crate::graph::{Extent, Move, Node, Op, Pad, PadMode, SliceAxis, Training, ValueId};
use crate::train::TrainError;

/// Every operand has its part.
pub(super) fn concat(tape: &mut Tape, node: &Node, axis: usize, dy: ValueId) -> Result<(), TrainError> {
    let mut start = 0;
    for &input in &node.inputs {
        let end = start + tape.shape(input)[axis];
        if tape.needs(input) {
            let gradient = slice(tape, dy, &[(axis, start, end)])?;
            tape.add(input, gradient)?;
        }
        start = end;
    }
    Ok(())
}

pub(super) fn reshape(tape: &mut Tape, x: ValueId, dy: ValueId) -> Result<(), TrainError> {
    let shape = tape.shape(x).to_vec();
    let gradient = tape.reshaped(dy, &shape)?;
    tape.add(x, gradient)
}

pub(super) fn moved(tape: &mut Tape, node: &Node, of: &Move, dy: ValueId) -> Result<(), TrainError> {
    let x = node.inputs[0];
    let gradient = match of {
        Move::Transpose { perm } => {
            let mut back = vec![0; perm.len()];
            perm.iter().enumerate().for_each(|(to, &from)| back[from] = to);
            tape.node("input", Op::Move(Move::Transpose { perm: back }), &[dy])?
        }
        Move::Slice(_)
        | Move::Expand { .. }
        | Move::Tile { .. }
        | Move::Gather { .. }
        | Move::Pad { .. }
        | Move::DepthToSpace { .. }
        | Move::SpaceToDepth { .. } => {
            let shape = tape.shape(x).to_vec();
            tape.node("input", Op::Training(Training::Move { of: of.clone(), shape }), &[dy])?
        }
    };
    tape.add(x, gradient)
}

/// Padding with a number: what is inside of it. With pixels of the input: those that show them are added to them.
pub(super) fn pad(tape: &mut Tape, node: &Node, pad: &Pad, dy: ValueId) -> Result<(), TrainError> {
    let x = node.inputs[0];
    let [height, width] = [tape.shape(x)[2], tape.shape(x)[3]];
    let [top, left, bottom, right] = pad.margins;
    let gradient = match pad.mode {
        PadMode::Constant(_) => slice(tape, dy, &[(2, top, top + height), (3, left, left + width)])?,
        PadMode::Reflect | PadMode::Edge => {
            let amounts = [[0, 0], [0, 0], [top, bottom], [left, right]];
            let of = Move::pad(&amounts.map(|pair| pair.map(|amount| amount as i64)), pad.mode);
            let shape = tape.shape(x).to_vec();
            tape.node("input", Op::Training(Training::Move { of, shape }), &[dy])?
        }
    };
    tape.add(x, gradient)
}

/// The part of `value` from `start` to `end` along some axes.
pub(super) fn slice(
    tape: &mut Tape,
    value: ValueId,
    parts: &[(usize, usize, usize)],
) -> Result<ValueId, TrainError> {
    let part = |&(axis, start, end): &(usize, usize, usize)| SliceAxis {
        axis,
        start: Extent::Fixed(start as i64),
        end: Extent::Fixed(end as i64),
        step: 1,
    };
    tape.node("part", Op::Move(Move::Slice(parts.iter().map(part).collect())), &[value])
}
