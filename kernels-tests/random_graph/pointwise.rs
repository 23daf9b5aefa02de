//! Pointwise functions and reductions along axes.

use super::Grower;
use super::steps::Step;
use wgpu_pagcp::graph::{Activation, ArgMax, Binary, Conv2d, Op, Padding, Reduce, Reduction, ValueId};
use wgpu_pagcp::tensor::Tensor;

pub const STEPS: [Step; 10] = [
    function,
    function_of_positive,
    of_two,
    of_positive,
    slope,
    choice,
    squeeze_and_excite,
    spatial_attention,
    normalised,
    along_an_axis,
];

fn function(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let activation = g.rng.pick(&[
        Activation::Elu { alpha: 0.5 },
        Activation::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::Mish,
        Activation::Softplus,
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::Erf,
        Activation::Abs,
        Activation::Neg,
    ]);
    g.node(Op::Activation(activation), &[x])
}

/// A map of numbers between a half and six.
fn positive(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    g.node(Op::Activation(Activation::Clip { min: 0.5, max: 6.0 }), &[x])
}

fn function_of_positive(g: &mut Grower) -> Option<ValueId> {
    let x = positive(g)?;
    let activation =
        g.rng.pick(&[Activation::Exp, Activation::Log, Activation::Sqrt, Activation::Reciprocal]);
    g.node(Op::Activation(activation), &[x])
}

fn of_two(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let alike = g.alike(x, 1);
    let (other, op) = (g.rng.pick(&alike), g.rng.pick(&[Binary::Min, Binary::Max, Binary::Equal]));
    g.node(Op::Binary(op), &[x, other])
}

/// A quotient, of maps or of a constant, or a power. Exponents are the same for all channels: those of pruned channels
/// may be set to a thousand, which no power can follow.
fn of_positive(g: &mut Grower) -> Option<ValueId> {
    let y = positive(g)?;
    let [channels, height, width] = g.size(y);
    let alike = g.alike(y, 1);
    let (kind, other) = (g.rng.below(5), g.rng.pick(&alike));
    let shape = match kind {
        0 | 1 => vec![],
        2 => vec![channels, 1, 1],
        3 => vec![height, width],
        _ => return g.node(Op::Binary(Binary::Div), &[other, y]),
    };
    let constant = g.parameters(&shape, 1.0);
    if matches!(kind, 0 | 3) {
        g.node(Op::Binary(Binary::Pow), &[y, constant])
    } else {
        g.node(Op::Binary(Binary::Div), &[constant, y])
    }
}

fn slope(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let channels = g.size(x)[0];
    let shape = if g.rng.chance(50) { vec![channels, 1, 1] } else { vec![1] };
    let slope = g.parameters(&shape, 0.5);
    g.node(Op::Binary(Binary::PRelu), &[x, slope])
}

/// Where one map is positive another one, elsewhere a constant, or the other way round.
fn choice(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let channels = g.size(x)[0];
    let alike = g.alike(x, 1);
    let other = g.rng.pick(&alike);
    let condition = g.node(Op::Activation(Activation::Relu), &[x])?;
    let shape = if g.rng.chance(50) { vec![channels, 1, 1] } else { vec![] };
    let constant = g.parameters(&shape, 1.0);
    let [a, b] = if g.rng.chance(50) { [other, constant] } else { [constant, other] };
    g.node(Op::Where, &[condition, a, b])
}

fn reduction(g: &mut Grower) -> Reduction {
    g.rng.pick(&[Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::L2])
}

fn reduce(g: &mut Grower, x: ValueId, axes: &[usize]) -> Option<ValueId> {
    let reduction = reduction(g);
    g.node(Op::Reduce(Reduce { reduction, axes: axes.to_vec(), keep_dims: true }), &[x])
}

/// A map scaled by what a summary of its pixels says.
fn squeeze_and_excite(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let channels = g.size(x)[0];
    let summary = if g.rng.chance(50) { reduce(g, x, &[2, 3])? } else { g.node(Op::GlobalMaxPool, &[x])? };
    let gate = g.conv(summary, channels, Conv2d::new([1, 1]))?;
    let gate = g.node(Op::Activation(Activation::HardSigmoid { alpha: 0.2, beta: 0.5 }), &[gate])?;
    g.node(Op::Binary(Binary::Mul), &[x, gate])
}

/// A map scaled by what two summaries of its channels say.
fn spatial_attention(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let summaries = [reduce(g, x, &[1])?, reduce(g, x, &[1])?];
    let joined = g.node(Op::Concat { axis: 1 }, &summaries)?;
    let conv = Conv2d { pads: Padding::Explicit([1; 4]), ..Conv2d::new([3, 3]) };
    let gate = g.conv(joined, 1, conv)?;
    let gate = g.node(Op::Activation(Activation::Sigmoid), &[gate])?;
    g.node(Op::Binary(Binary::Mul), &[x, gate])
}

/// A map less its mean over channels, by its deviation, as frameworks write it without the operator.
fn normalised(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let mean = |g: &mut Grower, x| {
        let axes = vec![1];
        g.node(Op::Reduce(Reduce { reduction: Reduction::Mean, axes, keep_dims: true }), &[x])
    };
    let middle = mean(g, x)?;
    let centred = g.node(Op::Binary(Binary::Sub), &[x, middle])?;
    let square = g.node(Op::Binary(Binary::Mul), &[centred, centred])?;
    let variance = mean(g, square)?;
    let epsilon = g.constant(Tensor::from_f32(vec![], vec![0.25]).ok()?);
    let shifted = g.node(Op::Binary(Binary::Add), &[variance, epsilon])?;
    let deviation = g.node(Op::Activation(Activation::Sqrt), &[shifted])?;
    g.node(Op::Binary(Binary::Div), &[centred, deviation])
}

/// What keeps the shape, or leaves one pixel, row or column.
fn along_an_axis(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let (axis, last) = (1 + g.rng.below(3), g.rng.chance(50));
    match g.rng.below(4) {
        0 => g.node(Op::LogSoftmax { axis }, &[x]),
        1 => g.node(Op::Softmax { axis }, &[x]),
        2 => g.node(Op::ArgMax(ArgMax { axis, keep_dims: true, last }), &[x]),
        _ => reduce(g, x, &[axis]),
    }
}
