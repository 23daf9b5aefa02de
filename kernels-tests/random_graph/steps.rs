//! What a random network grows by: one operator, or a few that belong together.

use super::{Grower, attention, moves, pointwise, spatial};
use wgpu_pagcp::graph::{
    Activation, Binary, Conv2d, Coordinates, Interpolation, Op, Pad, PadMode, Padding, Pool, Resize,
    Rounding, Target, ValueId,
};

pub type Step = fn(&mut Grower) -> Option<ValueId>;

const STEPS: [Step; 19] = [
    convolution,
    convolution,
    depthwise,
    grouped,
    batch_norm,
    batch_norm,
    activation,
    activation,
    binary,
    residual,
    residual,
    operand,
    concat,
    concat,
    pool,
    gate,
    resize,
    pad,
    channelwise,
];

/// One random step; nothing where what it needs is not there.
pub fn random(grower: &mut Grower) {
    let families = [&STEPS[..], &spatial::STEPS, &attention::STEPS, &pointwise::STEPS, &moves::STEPS];
    let step = grower.rng.below(families.concat().len());
    families.concat()[step](grower);
    if step == 0 && grower.rng.chance(50) {
        twin(grower);
    }
}

fn convolution(g: &mut Grower) -> Option<ValueId> {
    let (x, channels, conv) = (g.map(), g.channels(), g.window());
    g.conv(x, channels, conv)
}

fn depthwise(g: &mut Grower) -> Option<ValueId> {
    let (x, window, multiplier) = (g.map(), g.window(), g.rng.pick(&[1, 1, 2]));
    let groups = g.size(x)[0];
    g.conv(x, groups * multiplier, Conv2d { groups, ..window })
}

fn grouped(g: &mut Grower) -> Option<ValueId> {
    let (x, window, outputs) = (g.map(), g.window(), g.rng.pick(&[1, 2, 3]));
    let channels = g.size(x)[0];
    let groups = (2..channels).find(|&groups| channels.is_multiple_of(groups))?;
    g.conv(x, groups * outputs, Conv2d { groups, ..window })
}

fn batch_norm(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    normalised(g, x)
}

fn normalised(g: &mut Grower, x: ValueId) -> Option<ValueId> {
    let channels = g.size(x)[0];
    let scale = g.parameters(&[channels], 1.0);
    let shift = g.parameters(&[channels], 3.0);
    let mean = g.parameters(&[channels], 1.0);
    let deviations = g.rng.tensor(&[channels], 1.0);
    let variances = deviations.f32s().expect("it is floats").iter().map(|d| 0.2 + d * d).collect();
    let variance = g.constant(wgpu_pagcp::tensor::Tensor::from_f32(vec![channels], variances).ok()?);
    g.node(Op::BatchNorm { epsilon: 1e-5 }, &[x, scale, shift, mean, variance])
}

fn activation(g: &mut Grower) -> Option<ValueId> {
    let (x, activation) = (g.map(), g.activation());
    g.node(Op::Activation(activation), &[x])
}

fn any_binary(g: &mut Grower) -> Op {
    Op::Binary(g.rng.pick(&[Binary::Add, Binary::Sub, Binary::Mul]))
}

fn binary(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let (alike, op) = (g.alike(x, 1), any_binary(g));
    let other = g.rng.pick(&alike);
    g.node(op, &[x, other])
}

/// `x + f(x)`, with the sum on either side and anything between.
fn residual(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let channels = g.size(x)[0];
    let mut y = x;
    if g.rng.chance(50) {
        let hidden = g.channels();
        y = g.same_conv(y, hidden)?;
        let activation = g.activation();
        y = g.node(Op::Activation(activation), &[y])?;
    }
    y = g.same_conv(y, channels)?;
    if g.rng.chance(50) {
        y = normalised(g, y)?;
    }
    let operands = if g.rng.chance(50) { [x, y] } else { [y, x] };
    let sum = g.node(Op::Binary(Binary::Add), &operands)?;
    g.rng.chance(50).then(|| g.node(Op::Activation(Activation::Relu), &[sum])).flatten()
}

/// A sum or product with a constant along channels, along pixels, along everything or along nothing.
fn operand(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [channels, height, width] = g.size(x);
    let shape = match g.rng.below(6) {
        0 => vec![],
        1 => vec![1, 1, height, width],
        2 => vec![channels, height, width],
        3 => vec![1, channels, 1, 1],
        _ => vec![channels, 1, 1],
    };
    let constant = g.parameters(&shape, 3.0);
    let op = any_binary(g);
    let operands = if g.rng.chance(50) { [x, constant] } else { [constant, x] };
    g.node(op, &operands)
}

/// Two to four maps of one size, the same one more than once as well.
fn concat(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let alike = g.alike(x, 2);
    let mut operands = vec![x];
    for _ in 0..1 + g.rng.below(3) {
        operands.push(g.rng.pick(&alike));
    }
    let channels: usize = operands.iter().map(|&operand| g.size(operand)[0]).sum();
    if channels > 48 {
        return None;
    }
    g.node(Op::Concat { axis: 1 }, &operands)
}

fn pool(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let pads = Padding::Explicit([(); 4].map(|()| g.rng.pick(&[0, 1])));
    let pool = Pool {
        strides: [g.rng.pick(&[1, 2]), g.rng.pick(&[1, 2])],
        pads,
        ceil_mode: g.rng.chance(30),
        count_include_pad: g.rng.chance(50),
        ..Pool::new([g.rng.pick(&[2, 3]); 2])
    };
    let op = if g.rng.chance(50) { Op::MaxPool(pool) } else { Op::AveragePool(pool) };
    g.node(op, &[x])
}

/// Channel attention: a map scaled by what its mean says.
fn gate(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let channels = g.size(x)[0];
    let mean = g.node(Op::GlobalAveragePool, &[x])?;
    let inner = g.conv(mean, 1 + channels / 2, Conv2d::new([1, 1]))?;
    let inner = g.node(Op::Activation(Activation::Relu), &[inner])?;
    let gate = g.conv(inner, channels, Conv2d::new([1, 1]))?;
    let gate = g.node(Op::Activation(Activation::Sigmoid), &[gate])?;
    g.node(Op::Binary(Binary::Mul), &[x, gate])
}

fn resize(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [_, height, width] = g.size(x);
    let target = match g.rng.below(3) {
        0 => Target::Scales([2.0, 2.0]),
        1 => Target::Sizes([height + 2, width * 2]),
        _ => Target::Sizes([height.div_ceil(2), width.div_ceil(2)]),
    };
    if matches!(target, Target::Scales(_)) && height * width > 40 {
        return None;
    }
    let nearest = g.rng.chance(50);
    let coordinates = if nearest {
        Coordinates::Asymmetric
    } else {
        g.rng.pick(&[Coordinates::HalfPixel, Coordinates::AlignCorners])
    };
    let interpolation = if nearest { Interpolation::Nearest(Rounding::Floor) } else { Interpolation::Linear };
    g.node(Op::Resize(Resize { target, coordinates, interpolation }), &[x])
}

fn pad(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let mode = g.rng.pick(&[PadMode::Constant(1.5), PadMode::Constant(0.0), PadMode::Reflect, PadMode::Edge]);
    let margins = [(); 4].map(|()| g.rng.pick(&[0, 1]));
    g.node(Op::Pad(Pad { margins, mode }), &[x])
}

/// What leaves channels where they are and mixes pixels at most.
fn channelwise(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let op = g.rng.pick(&[2, 3]);
    let op = if g.rng.chance(50) { Op::Identity } else { Op::Softmax { axis: op } };
    g.node(op, &[x])
}

/// The weights of the latest convolution once more, on another map that they fit.
fn twin(g: &mut Grower) -> Option<ValueId> {
    let weight = g.last_weight.clone()?;
    let (x, conv, operands) = (g.map(), weight.0, weight.1);
    let inputs = g.shapes[operands[0].0][1] * conv.groups;
    (g.size(x)[0] == inputs).then_some(())?;
    let operands: Vec<ValueId> = [x].into_iter().chain(operands).collect();
    g.node(Op::Conv(conv), &operands)
}
