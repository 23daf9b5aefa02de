//! Gradients of powers, and of what takes one operand or the other, element by element.

use super::pointwise::reduced;
use super::tape::Tape;
use crate::graph::{Activation, Binary, Node, Op, Training, ValueId};
use crate::tensor::Tensor;
use crate::train::TrainError;

/// Of the lesser or greater of two values: the one that it is has it all, each a half where they are equal.
pub(super) fn extreme(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let y = node.outputs[0];
    let mut taken = [y; 2];
    for (taken, &input) in taken.iter_mut().zip(&node.inputs) {
        *taken = tape.node("taken", Op::Binary(Binary::Equal), &[y, input])?;
    }
    let number = tape.node("number", Op::Binary(Binary::Add), &taken)?;
    let share = tape.node("share", Op::Binary(Binary::Div), &[dy, number])?;
    for (&input, taken) in node.inputs.iter().zip(taken) {
        if tape.needs(input) {
            let gradient = tape.node("input", Op::Binary(Binary::Mul), &[share, taken])?;
            let gradient = reduced(tape, gradient, input)?;
            tape.add(input, gradient)?;
        }
    }
    Ok(())
}

/// Of a choice: each branch has it where it was chosen. The condition has none.
pub(super) fn choice(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let [condition, a, b] = [0, 1, 2].map(|input| node.inputs[input]);
    let zero = tape.filled("zero", vec![1], 0.0);
    for (input, branches) in [(a, [dy, zero]), (b, [zero, dy])] {
        if tape.needs(input) {
            let gradient = tape.node("branch", Op::Where, &[condition, branches[0], branches[1]])?;
            let gradient = reduced(tape, gradient, input)?;
            tape.add(input, gradient)?;
        }
    }
    Ok(())
}

/// Of a leaky rectifier with slopes: at 0 its input has that of the negative side.
pub(super) fn slope(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let (x, slope) = (node.inputs[0], node.inputs[1]);
    let rectified = Op::Training(Training::Activation { of: Activation::Relu, from_output: false });
    let above = tape.node("above", rectified, &[dy, x])?;
    let below = tape.node("below", Op::Binary(Binary::Sub), &[dy, above])?;
    if tape.needs(x) {
        let sloped = tape.node("sloped", Op::Binary(Binary::Mul), &[below, slope])?;
        let gradient = tape.node("input", Op::Binary(Binary::Add), &[above, sloped])?;
        tape.add(x, gradient)?;
    }
    if tape.needs(slope) || tape.trains(slope) {
        let product = tape.node("product", Op::Binary(Binary::Mul), &[below, x])?;
        let gradient = reduced(tape, product, slope)?;
        if tape.trains(slope) {
            return tape.train(&[slope], gradient, false);
        }
        tape.add(slope, gradient)?;
    }
    Ok(())
}

/// `b aᵇ⁻¹` and `aᵇ ln a`; 0 for the base where the exponent is 0, and for the exponent where the power is.
pub(super) fn power(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    if tape.needs(a) {
        let power = match lowered(tape, b)? {
            Some(exponent) => tape.node("power", Op::Binary(Binary::Pow), &[a, exponent])?,
            None => a,
        };
        let slope = tape.node("slope", Op::Binary(Binary::Mul), &[power, b])?;
        let gradient = tape.node("base", Op::Binary(Binary::Mul), &[dy, slope])?;
        let gradient = reduced(tape, gradient, a)?;
        tape.add(a, gradient)?;
    }
    if tape.needs(b) {
        let y = node.outputs[0];
        let zero = tape.filled("zero", vec![1], 0.0);
        let logarithm = tape.node("logarithm", Op::Activation(Activation::Log), &[a])?;
        let slope = tape.node("slope", Op::Binary(Binary::Mul), &[y, logarithm])?;
        let none = tape.node("none", Op::Binary(Binary::Equal), &[y, zero])?;
        let slope = tape.node("slope", Op::Where, &[none, zero, slope])?;
        let gradient = tape.node("exponent", Op::Binary(Binary::Mul), &[dy, slope])?;
        let gradient = reduced(tape, gradient, b)?;
        tape.add(b, gradient)?;
    }
    Ok(())
}

/// An exponent less 1, or 1 where it is 0: what is multiplied by 0 then is finite. `None` where all are 1.
fn lowered(tape: &mut Tape, b: ValueId) -> Result<Option<ValueId>, TrainError> {
    if let Some(Ok(exponents)) = tape.contents(b).map(Tensor::f32s) {
        let lowered: Vec<f32> = exponents.iter().map(|&b| if b == 0.0 { 1.0 } else { b - 1.0 }).collect();
        if lowered.iter().all(|&exponent| exponent == 1.0) {
            return Ok(None);
        }
        let shape = tape.shape(b).to_vec();
        let tensor = Tensor::from_f32(shape, lowered).expect("as many elements as the exponent has");
        return Ok(Some(tape.constant("exponent", tensor)));
    }
    let [zero, one] = [("zero", 0.0), ("one", 1.0)].map(|(part, number)| tape.filled(part, vec![1], number));
    let none = tape.node("none", Op::Binary(Binary::Equal), &[b, zero])?;
    let lower = tape.node("lower", Op::Binary(Binary::Sub), &[b, one])?;
    tape.node("exponent", Op::Where, &[none, one, lower]).map(Some)
}
