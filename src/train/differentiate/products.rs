//! Gradients of convolutions and matrix products.

use super::layout::slice;
use super::pointwise::reduced;
use super::tape::Tape;
use crate::graph::{
    Activation, Conv2d, ConvTranspose, Epilogue, Gemm, Move, Node, Op, Padding, Training, ValueId,
};
use crate::train::TrainError;

/// Of a convolution: its input's by the transposed weights, its weight's by products with the input.
pub(super) fn conv(tape: &mut Tape, node: &Node, conv: &Conv2d, dy: ValueId) -> Result<(), TrainError> {
    let (x, weight) = (node.inputs[0], node.inputs[1]);
    let (dy, terms) = before_epilogue(tape, node, conv.epilogue, dy)?;
    let size = [tape.shape(x)[2], tape.shape(x)[3]];
    let pads = Padding::Explicit(conv.window().margins(size));
    let plain = Conv2d { epilogue: Epilogue::Plain, direct: true, pads, ..conv.clone() };
    bias(tape, &terms, dy)?;
    if tape.trains(weight) {
        let op = Op::Training(Training::ConvWeight(plain.clone()));
        let gradient = tape.node("weight", op, &[x, dy])?;
        tape.train(&[weight], gradient, true)?;
    }
    if !tape.needs(x) {
        return Ok(());
    }
    match mirrored(&plain) {
        Some(back) => {
            let (shape, elements) = transposed(tape.shape(weight), plain.groups);
            let weight = tape.rearranged("transposed", weight, shape, elements)?;
            tape.add_product(x, |epilogue| Op::Conv(Conv2d { epilogue, ..back }), &[dy, weight])
        }
        None => {
            let back = unfolded(&plain, size, [tape.shape(dy)[2], tape.shape(dy)[3]]);
            let op = |epilogue| Op::ConvTranspose(ConvTranspose { epilogue, ..back });
            tape.add_product(x, op, &[dy, weight])
        }
    }
}

/// Of a transposed convolution: its input's by the convolution, its weight's with the roles exchanged.
pub(super) fn conv_transpose(
    tape: &mut Tape,
    node: &Node,
    conv: &ConvTranspose,
    dy: ValueId,
) -> Result<(), TrainError> {
    let (x, weight) = (node.inputs[0], node.inputs[1]);
    let (dy, terms) = before_epilogue(tape, node, conv.epilogue, dy)?;
    let ConvTranspose { kernel, strides, dilations, groups, .. } = *conv;
    let mut margins = conv.margins([tape.shape(x)[2], tape.shape(x)[3]]);
    // The convolution has as many outputs as `x` has pixels whatever was added at the end, and reads none that no weight
    // reaches.
    let mut reached = [tape.shape(dy)[2], tape.shape(dy)[3]];
    for (axis, added) in conv.output_padding.into_iter().enumerate() {
        reached[axis] -= added.saturating_sub(margins[axis + 2]);
        margins[axis + 2] = margins[axis + 2].saturating_sub(added);
    }
    let pads = Padding::Explicit(margins);
    let (direct, whole, epilogue) = (true, None, Epilogue::Plain);
    let back = Conv2d { kernel, strides, pads, dilations, groups, direct, whole, epilogue };
    bias(tape, &terms, dy)?;
    if tape.trains(weight) {
        let op = Op::Training(Training::ConvWeight(back.clone()));
        let gradient = tape.node("weight", op, &[dy, x])?;
        tape.train(&[weight], gradient, true)?;
    }
    if tape.needs(x) && !reached.contains(&0) {
        let dy = if tape.shape(dy)[2..] == reached {
            dy
        } else {
            slice(tape, dy, &[(2, 0, reached[0]), (3, 0, reached[1])])?
        };
        tape.add_product(x, |epilogue| Op::Conv(Conv2d { epilogue, ..back }), &[dy, weight])?;
    }
    Ok(())
}

/// Of a matrix product with a constant, without factors.
pub(super) fn gemm(tape: &mut Tape, node: &Node, gemm: &Gemm, dy: ValueId) -> Result<(), TrainError> {
    let (x, weight) = (node.inputs[0], node.inputs[1]);
    if gemm.trans_a || gemm.alpha != 1.0 || gemm.beta != 1.0 {
        return Err(TrainError::no_gradient(node, "it is not in the form x W + b or x Wᵀ + b"));
    }
    let (dy, terms) = before_epilogue(tape, node, gemm.epilogue, dy)?;
    bias(tape, &terms, dy)?;
    if tape.trains(weight) {
        let factors = if gemm.trans_b { [x, dy] } else { [dy, x] };
        let gradient = tape.node("weight", Op::Training(Training::GemmWeight), &factors)?;
        tape.train(&[weight], gradient, true)?;
    }
    if tape.needs(x) {
        let back = Gemm { trans_b: !gemm.trans_b, ..Gemm::default() };
        let gradient = tape.node("input", Op::Gemm(back), &[dy, weight])?;
        tape.add(x, gradient)?;
    }
    Ok(())
}

/// Of a product of two values.
pub(super) fn mat_mul(tape: &mut Tape, node: &Node, dy: ValueId) -> Result<(), TrainError> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    if [a, b].iter().any(|&value| tape.shape(value).len() < 2) {
        return Err(TrainError::no_gradient(node, "an operand is a vector"));
    }
    if tape.needs(a) {
        let b = swapped(tape, "b", b)?;
        let gradient = tape.node("a", Op::MatMul, &[dy, b])?;
        let gradient = reduced(tape, gradient, a)?;
        tape.add(a, gradient)?;
    }
    if tape.needs(b) {
        let a = swapped(tape, "a", a)?;
        let gradient = tape.node("b", Op::MatMul, &[a, dy])?;
        let gradient = reduced(tape, gradient, b)?;
        tape.add(b, gradient)?;
    }
    Ok(())
}

/// A value with its last two axes exchanged.
fn swapped(tape: &mut Tape, part: &str, value: ValueId) -> Result<ValueId, TrainError> {
    let rank = tape.shape(value).len();
    if tape.contents(value).is_some() {
        let mut shape = tape.shape(value).to_vec();
        let (rows, columns) = (shape[rank - 2], shape[rank - 1]);
        let matrix = rows * columns;
        let element = |at: usize| at / matrix * matrix + at % rows * columns + at % matrix / rows;
        let elements = (0..shape.iter().product()).map(|at| element(at) as u32).collect();
        shape.swap(rank - 2, rank - 1);
        return tape.rearranged(&format!("{part}_transposed"), value, shape, elements);
    }
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(rank - 2, rank - 1);
    tape.node(&format!("{part}_transposed"), Op::Move(Move::Transpose { perm }), &[value])
}

/// The gradient of a sum before its epilogue, and what was added to it beside the residual, whose gradient is added.
fn before_epilogue(
    tape: &mut Tape,
    node: &Node,
    epilogue: Epilogue,
    dy: ValueId,
) -> Result<(ValueId, Vec<ValueId>), TrainError> {
    let mut terms = node.inputs[2..].to_vec();
    let residual = if epilogue.has_residual() { terms.pop() } else { None };
    let activation = match epilogue {
        Epilogue::Plain => Activation::None,
        Epilogue::Activation(activation) | Epilogue::AddThenActivation(activation) => activation,
        Epilogue::ActivationThenAdd(_) => {
            return Err(TrainError::no_gradient(node, "its activation comes before a sum in one kernel"));
        }
    };
    let mut gradient = dy;
    if activation != Activation::None {
        if !activation.tells_from_output() {
            return Err(TrainError::no_gradient(node, "its activation cannot be told from its output"));
        }
        let op = Op::Training(Training::Activation { of: activation, from_output: true });
        gradient = tape.node("activation", op, &[dy, node.outputs[0]])?;
    }
    if let Some(residual) = residual.filter(|&residual| tape.needs(residual)) {
        tape.add(residual, gradient)?;
    }
    Ok((gradient, terms))
}

fn bias(tape: &mut Tape, terms: &[ValueId], dy: ValueId) -> Result<(), TrainError> {
    for &bias in terms.iter().filter(|&&term| tape.trains(term)).collect::<Vec<_>>() {
        let gradient = tape.node("bias", Op::Training(Training::ChannelSum), &[dy])?;
        tape.train(&[bias], gradient, false)?;
    }
    Ok(())
}

/// The convolution by transposed weights that gives the gradient of the input of `conv` with stride 1; `None` for other
/// strides, and where it would have to cut its input.
fn mirrored(conv: &Conv2d) -> Option<Conv2d> {
    let Padding::Explicit(margins) = conv.pads else { return None };
    if conv.strides != [1, 1] {
        return None;
    }
    let mut pads = [0; 4];
    for (side, pad) in pads.iter_mut().enumerate() {
        *pad = (conv.window().extent(side % 2) - 1).checked_sub(margins[side])?;
    }
    Some(Conv2d { pads: Padding::Explicit(pads), ..conv.clone() })
}

/// The transposed convolution that gives the gradient of the input, of `size` pixels, of `conv`, whose output has
/// `output` pixels.
fn unfolded(conv: &Conv2d, size: [usize; 2], output: [usize; 2]) -> ConvTranspose {
    let Conv2d { kernel, strides, pads, dilations, groups, .. } = *conv;
    let margins = conv.window().margins(size);
    let reached = |axis: usize| {
        (output[axis] - 1) * strides[axis] + conv.window().extent(axis) - margins[axis] - margins[axis + 2]
    };
    let output_padding = [0, 1].map(|axis| size[axis].saturating_sub(reached(axis)));
    ConvTranspose { kernel, strides, pads, output_padding, dilations, groups, epilogue: Epilogue::Plain }
}

/// The shape of weights `[O, C/groups, KH, KW]` with inputs and outputs exchanged and taps mirrored, `[C, O/groups, KH,
/// KW]`, and the element of the weights behind each of its elements.
fn transposed(shape: &[usize], groups: usize) -> (Vec<usize>, Vec<u32>) {
    let (group_outputs, group_inputs, taps) = (shape[0] / groups, shape[1], shape[2] * shape[3]);
    let mut elements = Vec::with_capacity(shape.iter().product());
    for group in 0..groups {
        for input in 0..group_inputs {
            for output in 0..group_outputs {
                let first = ((group * group_outputs + output) * group_inputs + input) * taps;
                elements.extend((first..first + taps).rev().map(|element| element as u32));
            }
        }
    }
    (vec![groups * group_inputs, group_outputs, shape[2], shape[3]], elements)
}
