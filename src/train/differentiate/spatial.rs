//! Gradients of pools, reductions and resizes.

use super::pointwise::total;
use super::tape::Tape;
use crate::graph::{Binary, Node, Op, Pool, Reduce, Reduction, Resize, Training, ValueId};
use crate::train::TrainError;

pub(super) fn max_pool(tape: &mut Tape, node: &Node, pool: Pool, dy: ValueId) -> Result<(), TrainError> {
    let x = node.inputs[0];
    let gradient = tape.node("input", Op::Training(Training::MaxPool(pool)), &[x, dy])?;
    tape.add(x, gradient)
}

pub(super) fn global_max_pool(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let x = tape.shape(node.inputs[0]);
    let pool = Pool::new([x[2], x[3]]);
    max_pool(tape, node, pool, dy)
}

pub(super) fn average_pool(tape: &mut Tape, node: &Node, pool: Pool, dy: ValueId) -> Result<(), TrainError> {
    let x = node.inputs[0];
    let size = [tape.shape(x)[2], tape.shape(x)[3]];
    let gradient = tape.node("input", Op::Training(Training::AveragePool { pool, size }), &[dy])?;
    tape.add(x, gradient)
}

pub(super) fn resize(tape: &mut Tape, node: &Node, resize: &Resize, dy: ValueId) -> Result<(), TrainError> {
    let x = node.inputs[0];
    let size = [tape.shape(x)[2], tape.shape(x)[3]];
    let op = Op::Training(Training::Resize { resize: resize.clone(), size });
    let gradient = tape.node("input", op, &[dy])?;
    tape.add(x, gradient)
}

pub(super) fn reduce(tape: &mut Tape, node: &Node, reduce: &Reduce, dy: ValueId) -> Result<(), TrainError> {
    let x = node.inputs[0];
    let mut kept = tape.shape(x).to_vec();
    reduce.axes.iter().for_each(|&axis| kept[axis] = 1);
    let dy = tape.reshaped(dy, &kept)?;
    match reduce.reduction {
        Reduction::Mean => return mean(tape, x, &reduce.axes, dy),
        Reduction::Sum => return spread(tape, x, &reduce.axes, (1.0, dy)),
        Reduction::Max | Reduction::L2 => {}
    }
    let y = tape.reshaped(node.outputs[0], &kept)?;
    let gradient = if reduce.reduction == Reduction::Max {
        greatest(tape, x, &reduce.axes, [y, dy])?
    } else {
        direction(tape, x, [y, dy])?
    };
    tape.add(x, gradient)
}

/// Of a maximum `y`: equal shares for all that are equal to it.
fn greatest(
    tape: &mut Tape,
    x: ValueId,
    axes: &[usize],
    [y, dy]: [ValueId; 2],
) -> Result<ValueId, TrainError> {
    let taken = tape.node("taken", Op::Binary(Binary::Equal), &[x, y])?;
    let number = total(tape, taken, axes)?;
    let share = tape.node("share", Op::Binary(Binary::Div), &[dy, number])?;
    tape.node("input", Op::Binary(Binary::Mul), &[taken, share])
}

/// Of a root `y` of a sum of squares: `x / y`, or 0 where that is 0, as all its `x` are then.
fn direction(tape: &mut Tape, x: ValueId, [y, dy]: [ValueId; 2]) -> Result<ValueId, TrainError> {
    let [zero, one] = [0.0, 1.0].map(|number| tape.filled("number", vec![1], number));
    let none = tape.node("none", Op::Binary(Binary::Equal), &[y, zero])?;
    let length = tape.node("length", Op::Where, &[none, one, y])?;
    let share = tape.node("share", Op::Binary(Binary::Div), &[dy, length])?;
    tape.node("input", Op::Binary(Binary::Mul), &[x, share])
}

/// Of a mean over some axes, which have one element in `dy`.
pub(super) fn mean(tape: &mut Tape, x: ValueId, axes: &[usize], dy: ValueId) -> Result<(), TrainError> {
    let count: usize = axes.iter().map(|&axis| tape.shape(x)[axis]).product();
    spread(tape, x, axes, (1.0 / count as f32, dy))
}

/// Repeats a factor of `dy` along some axes of `x`.
fn spread(
    tape: &mut Tape,
    x: ValueId,
    axes: &[usize],
    (factor, dy): (f32, ValueId),
) -> Result<(), TrainError> {
    let extent = |(axis, &extent): (usize, &usize)| if axes.contains(&axis) { extent } else { 1 };
    let shape = tape.shape(x).iter().enumerate().map(extent).collect();
    let factor = tape.filled("factor", shape, factor);
    let gradient = tape.node("input", Op::Binary(Binary::Mul), &[dy, factor])?;
    tape.add(x, gradient)
}
