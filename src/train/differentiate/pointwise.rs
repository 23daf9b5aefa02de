//! Gradients of pointwise functions and normalisations.

use super::tape::Tape;
use crate::graph::{Activation, BatchNorm, Binary, Node, Op, Reduce, Reduction, Training, ValueId};
use crate::train::TrainError;

pub(super) fn activation(
    tape: &mut Tape,
    node: &Node,
    of: Activation,
    dy: ValueId,
) -> Result<(), TrainError> {
    let from_output = of.tells_from_output();
    let value = if from_output { node.outputs[0] } else { node.inputs[0] };
    let op = Op::Training(Training::Activation { of, from_output });
    let gradient = tape.node("input", op, &[dy, value])?;
    tape.add(node.inputs[0], gradient)
}

/// A normalisation by the batch's own moments, and what is added to it.
pub(super) fn batch_norm(
    tape: &mut Tape,
    node: &Node,
    norm: BatchNorm,
    dy: ValueId,
) -> Result<(), TrainError> {
    let [x, moments, scale, shift] = [0, 1, 2, 3].map(|input| node.inputs[input]);
    let (mut norm, mut dy) = (norm, dy);
    if let Some(&addend) = node.inputs.get(4) {
        if norm.activation != Activation::None {
            let op = Op::Training(Training::Activation { of: norm.activation, from_output: true });
            dy = tape.node("activation", op, &[dy, node.outputs[0]])?;
            norm.activation = Activation::None;
        }
        if tape.needs(addend) {
            tape.add(addend, dy)?;
        }
    }
    let op = Op::Training(Training::BatchNormSums(norm));
    let sums = tape.node("sums", op, &[x, moments, scale, shift, dy])?;
    if tape.trains(scale) && tape.trains(shift) {
        tape.train(&[shift, scale], sums, false)?;
    }
    if tape.needs(x) {
        let op = Op::Training(Training::BatchNormInput(norm));
        let gradient = tape.node("input", op, &[x, moments, scale, shift, sums, dy])?;
        tape.add(x, gradient)?;
    }
    Ok(())
}

/// A normalisation by fixed numbers.
pub(super) fn fixed_batch_norm(
    tape: &mut Tape,
    node: &Node,
    epsilon: f32,
    dy: ValueId,
) -> Result<(), TrainError> {
    let (scale, variance) = (node.inputs[1], node.inputs[4]);
    let zero = tape.filled("zero", tape.shape(scale).to_vec(), 0.0);
    let gradient = tape.node("input", Op::BatchNorm { epsilon }, &[dy, scale, zero, zero, variance])?;
    tape.add(node.inputs[0], gradient)
}

pub(super) fn sum(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    for &input in node.inputs.iter().filter(|&&input| tape.needs(input)).collect::<Vec<_>>() {
        let gradient = reduced(tape, dy, input)?;
        tape.add(input, gradient)?;
    }
    Ok(())
}

pub(super) fn difference(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    if tape.needs(a) {
        let gradient = reduced(tape, dy, a)?;
        tape.add(a, gradient)?;
    }
    if tape.needs(b) {
        let negative = tape.node("negative", Op::Activation(Activation::Neg), &[dy])?;
        let gradient = reduced(tape, negative, b)?;
        tape.add(b, gradient)?;
    }
    Ok(())
}

pub(super) fn product(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    for (input, other) in [(a, b), (b, a)] {
        if tape.needs(input) {
            let gradient = tape.node("factor", Op::Binary(Binary::Mul), &[dy, other])?;
            let gradient = reduced(tape, gradient, input)?;
            tape.add(input, gradient)?;
        }
    }
    Ok(())
}

pub(super) fn quotient(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let share = tape.node("share", Op::Binary(Binary::Div), &[dy, b])?;
    if tape.needs(a) {
        let gradient = reduced(tape, share, a)?;
        tape.add(a, gradient)?;
    }
    if tape.needs(b) {
        let product = tape.node("product", Op::Binary(Binary::Mul), &[share, node.outputs[0]])?;
        let negative = tape.node("negative", Op::Activation(Activation::Neg), &[product])?;
        let gradient = reduced(tape, negative, b)?;
        tape.add(b, gradient)?;
    }
    Ok(())
}

/// `y (dy - Σ dy y)`.
pub(super) fn softmax(tape: &mut Tape, node: &Node, axis: usize, dy: ValueId) -> Result<(), TrainError> {
    let y = node.outputs[0];
    let product = tape.node("product", Op::Binary(Binary::Mul), &[dy, y])?;
    let sum = total(tape, product, &[axis])?;
    let rest = tape.node("rest", Op::Binary(Binary::Sub), &[dy, sum])?;
    let gradient = tape.node("input", Op::Binary(Binary::Mul), &[rest, y])?;
    tape.add(node.inputs[0], gradient)
}

/// `dy - exp(y) Σ dy`.
pub(super) fn log_softmax(tape: &mut Tape, node: &Node, axis: usize, dy: ValueId) -> Result<(), TrainError> {
    let share = tape.node("share", Op::Activation(Activation::Exp), &[node.outputs[0]])?;
    let sum = total(tape, dy, &[axis])?;
    let product = tape.node("product", Op::Binary(Binary::Mul), &[share, sum])?;
    let gradient = tape.node("input", Op::Binary(Binary::Sub), &[dy, product])?;
    tape.add(node.inputs[0], gradient)
}

/// The sum over some axes, which stay with one element.
pub(super) fn total(tape: &mut Tape, value: ValueId, axes: &[usize]) -> Result<ValueId, TrainError> {
    over(tape, Reduction::Sum, value, axes)
}

/// A reduction over some axes, which stay with one element. Those beside the channels go first: that has more threads,
/// and shorter sums.
pub(super) fn over(
    tape: &mut Tape,
    reduction: Reduction,
    value: ValueId,
    axes: &[usize],
) -> Result<ValueId, TrainError> {
    let (channels, others): (Vec<usize>, Vec<usize>) = axes.iter().partition(|&&axis| axis == 1);
    let mut reduced = value;
    for axes in [others, channels].into_iter().filter(|axes| !axes.is_empty()) {
        let op = Op::Reduce(Reduce { reduction, axes, keep_dims: true });
        reduced = tape.node("total", op, &[reduced])?;
    }
    Ok(reduced)
}

/// `gradient` summed over the axes along which `value` was stretched to its shape.
pub(super) fn reduced(tape: &mut Tape, gradient: ValueId, value: ValueId) -> Result<ValueId, TrainError> {
    let (from, to) = (tape.shape(gradient).to_vec(), tape.shape(value).to_vec());
    if from == to {
        return Ok(gradient);
    }
    let ones = from.len() - to.len();
    let stretched = |axis: &usize| *axis < ones || to[axis - ones] != from[*axis];
    let axes: Vec<usize> = (0..from.len()).filter(stretched).collect();
    let all_but_channels =
        from.len() > 2 && (0..from.len()).filter(|&axis| axis != 1).eq(axes.iter().copied());
    let sum = if all_but_channels {
        tape.node("total", Op::Training(Training::ChannelSum), &[gradient])?
    } else {
        total(tape, gradient, &axes)?
    };
    tape.reshaped(sum, &to)
}
