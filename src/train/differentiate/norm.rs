//! Gradients of normalisations by statistics of the input.

use super::pointwise::{over, total};
use super::tape::{Tape, extents};
use crate::graph::{
    Activation, Binary, Move, Node, Norm, Op, Reduce, Reduction, Statistics, Training, ValueId,
};
use crate::tensor::count;
use crate::train::TrainError;

/// With `z = (x - mean) / deviation` and `g = dy scale`: `(g - mean(g) - z mean(g z)) / deviation` for the input, the sums
/// of `dy z` for the scale and those of `dy` for the shift.
pub(super) fn norm(tape: &mut Tape, node: &Node, norm: Norm, dy: ValueId) -> Result<(), TrainError> {
    let [x, scale, shift] = [0, 1, 2].map(|input| node.inputs[input]);
    let sets = Sets::new(norm.statistics, tape.shape(x));
    let mean = sets.reduce(tape, Reduction::Mean, x)?;
    let centred = tape.node("centred", Op::Binary(Binary::Sub), &[x, mean])?;
    let deviation = deviation(tape, &sets, centred, norm.epsilon)?;
    let normalised = tape.node("normalised", Op::Binary(Binary::Div), &[centred, deviation])?;
    // Kernels read both in one constant, so they are trained together.
    if tape.trains(scale) && tape.trains(shift) {
        let product = tape.node("product", Op::Binary(Binary::Mul), &[dy, normalised])?;
        let rows = [sets.parameters(tape, product)?, sets.parameters(tape, dy)?];
        let gradient = tape.node("parameters", Op::Concat { axis: 0 }, &rows)?;
        tape.train(&[scale, shift], gradient, false)?;
    }
    if !tape.needs(x) {
        return Ok(());
    }
    let scale = sets.factors(tape, scale)?;
    let scaled = tape.node("scaled", Op::Binary(Binary::Mul), &[dy, scale])?;
    let mean = sets.reduce(tape, Reduction::Mean, scaled)?;
    let product = tape.node("along", Op::Binary(Binary::Mul), &[scaled, normalised])?;
    let share = sets.reduce(tape, Reduction::Mean, product)?;
    let along = tape.node("along", Op::Binary(Binary::Mul), &[normalised, share])?;
    let rest = tape.node("rest", Op::Binary(Binary::Sub), &[scaled, mean])?;
    let rest = tape.node("rest", Op::Binary(Binary::Sub), &[rest, along])?;
    let gradient = tape.node("input", Op::Binary(Binary::Div), &[rest, deviation])?;
    tape.add(x, gradient)
}

/// The deviation of every set, of elements less their mean.
fn deviation(tape: &mut Tape, sets: &Sets, centred: ValueId, epsilon: f32) -> Result<ValueId, TrainError> {
    let length = sets.reduce(tape, Reduction::L2, centred)?;
    let square = tape.node("square", Op::Binary(Binary::Mul), &[length, length])?;
    let share = tape.filled("share", vec![1], 1.0 / sets.terms as f32);
    let variance = tape.node("variance", Op::Binary(Binary::Mul), &[square, share])?;
    let epsilon = tape.filled("epsilon", vec![1], epsilon);
    let shifted = tape.node("shifted", Op::Binary(Binary::Add), &[variance, epsilon])?;
    tape.node("deviation", Op::Activation(Activation::Sqrt), &[shifted])
}

/// The elements that share statistics.
struct Sets {
    statistics: Statistics,
    /// The shape of the input.
    shape: Vec<usize>,
    /// Elements of a set.
    terms: usize,
}

impl Sets {
    fn new(statistics: Statistics, shape: &[usize]) -> Self {
        let terms = match statistics {
            Statistics::Instance => count(&shape[2..]),
            Statistics::Group { groups } => count(&shape[1..]) / groups,
            Statistics::Layer { axis } => count(&shape[axis..]),
        };
        Self { statistics, shape: shape.to_vec(), terms }
    }

    /// A mean or norm of every set, in a shape that spreads over that of the input.
    fn reduce(&self, tape: &mut Tape, reduction: Reduction, value: ValueId) -> Result<ValueId, TrainError> {
        let rank = self.shape.len();
        match self.statistics {
            Statistics::Instance => over(tape, reduction, value, &(2..rank).collect::<Vec<_>>()),
            Statistics::Layer { axis } => over(tape, reduction, value, &(axis..rank).collect::<Vec<_>>()),
            Statistics::Group { groups: 1 } => over(tape, reduction, value, &(1..rank).collect::<Vec<_>>()),
            Statistics::Group { groups } => self.reduce_groups(tape, reduction, value, groups),
        }
    }

    /// Of channels first, then of those of a group.
    fn reduce_groups(
        &self,
        tape: &mut Tape,
        reduction: Reduction,
        value: ValueId,
        groups: usize,
    ) -> Result<ValueId, TrainError> {
        let rank = self.shape.len();
        let channels = over(tape, reduction, value, &(2..rank).collect::<Vec<_>>())?;
        let members = self.shape[1] / groups;
        let split = tape.reshaped(channels, &[self.shape[0], groups, members])?;
        let op = Op::Reduce(Reduce { reduction, axes: vec![2], keep_dims: true });
        let of_groups = tape.node("groups", op, &[split])?;
        let shape = extents(&[self.shape[0], groups, members]);
        let spread = tape.node("spread", Op::Move(Move::Expand { shape }), &[of_groups])?;
        let mut shape = vec![1; rank];
        shape[..2].copy_from_slice(&self.shape[..2]);
        tape.reshaped(spread, &shape)
    }

    /// The scale in a shape that spreads over that of the input.
    fn factors(&self, tape: &mut Tape, scale: ValueId) -> Result<ValueId, TrainError> {
        match self.statistics {
            Statistics::Layer { .. } => Ok(scale),
            Statistics::Instance | Statistics::Group { .. } => {
                let mut shape = vec![1; self.shape.len()];
                shape[1] = self.shape[1];
                tape.rearranged("scale", scale, shape, (0..self.shape[1] as u32).collect())
            }
        }
    }

    /// The sums of what one element of scale or shift concerns, `[1, …]` with the shape of a scale.
    fn parameters(&self, tape: &mut Tape, value: ValueId) -> Result<ValueId, TrainError> {
        let (sum, own) = match self.statistics {
            Statistics::Layer { axis } => {
                let outer: Vec<usize> = (0..axis).collect();
                let sum = if axis == 0 { value } else { total(tape, value, &outer)? };
                (sum, &self.shape[axis..])
            }
            Statistics::Instance | Statistics::Group { .. } => {
                (tape.node("total", Op::Training(Training::ChannelSum), &[value])?, &self.shape[1..2])
            }
        };
        tape.reshaped(sum, &[&[1], own].concat())
    }
}
