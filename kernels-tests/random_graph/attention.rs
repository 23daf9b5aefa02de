//! Normalisations by statistics of the input, and matrix products.

use super::Grower;
use super::steps::Step;
use wgpu_pagcp::graph::{Activation, Binary, Extent, Move, Norm, Op, Statistics, ValueId};

pub const STEPS: [Step; 8] =
    [normalisation, normalisation, columns, rows, products, pointwise, self_attention, perceptron];

fn normalisation(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [channels, height, width] = g.size(x);
    let groups = g.rng.pick(&[1, 2, 3, channels]);
    let (statistics, shape) = match g.rng.below(5) {
        0 | 1 => (Statistics::Instance, vec![channels]),
        2 | 3 => (Statistics::Group { groups }, vec![channels]),
        _ => {
            let axis = g.rng.pick(&[1, 2, 3]);
            (Statistics::Layer { axis }, vec![channels, height, width][axis - 1..].to_vec())
        }
    };
    let scale = g.parameters(&shape, 1.0);
    let shift = g.parameters(&shape, 3.0);
    // Maps of one pixel have no variance of their own: a large epsilon keeps differences from vanishing.
    g.node(Op::Norm(Norm { statistics, epsilon: 0.1 }), &[x, scale, shift])
}

/// A constant mixes columns.
fn columns(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let width = g.size(x)[2];
    let weight = g.parameters(&[width, width], 1.0 / (width as f32).sqrt());
    g.node(Op::MatMul, &[x, weight])
}

/// A constant mixes rows, the same in all images or in each channel its own.
fn rows(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [channels, height, _] = g.size(x);
    let shape = if g.rng.chance(50) { vec![height, height] } else { vec![channels, height, height] };
    let weight = g.parameters(&shape, 1.0 / (height as f32).sqrt());
    g.node(Op::MatMul, &[weight, x])
}

/// Attention with as many heads as channels: rows of one map against columns of another.
fn products(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [_, height, width] = g.size(x);
    let alike = g.alike(x, 1);
    let other = g.rng.pick(&alike);
    let weight = g.parameters(&[width, height], 1.0 / (height as f32).sqrt());
    let other = g.node(Op::MatMul, &[weight, other])?;
    let other = g.node(Op::Softmax { axis: 3 }, &[other])?;
    g.node(Op::MatMul, &[x, other])
}

/// A convolution of one pixel as a product over tokens.
fn pointwise(g: &mut Grower) -> Option<ValueId> {
    let (x, outputs) = (g.map(), g.channels());
    let [inputs, height, width] = g.size(x);
    let size = |channels: usize| Op::Reshape {
        shape: Extent::list(&[0, channels, height, width].map(|extent| extent as i64)),
        allow_zero: false,
    };
    let tokens = Op::Reshape { shape: Extent::list(&[0, inputs as i64, -1]), allow_zero: false };
    let tokens = g.node(tokens, &[x])?;
    let weight = g.parameters(&[outputs, inputs], 1.0 / (inputs as f32).sqrt());
    let tokens = g.node(Op::MatMul, &[weight, tokens])?;
    let tokens = g.node(Op::Activation(Activation::Relu), &[tokens])?;
    g.node(size(outputs), &[tokens])
}

fn transposed(g: &mut Grower, x: ValueId, perm: &[usize]) -> Option<ValueId> {
    g.node(Op::Move(Move::Transpose { perm: perm.to_vec() }), &[x])
}

fn reshaped(g: &mut Grower, x: ValueId, shape: &[usize]) -> Option<ValueId> {
    let shape = shape.iter().map(|&extent| Extent::Fixed(extent as i64)).collect();
    g.node(Op::Reshape { shape, allow_zero: false }, &[x])
}

/// The pixels of a map as tokens `[N, L, C]`, normalised by token or not.
fn tokens(g: &mut Grower, x: ValueId) -> Option<ValueId> {
    let [channels, height, width] = g.size(x);
    let lines = reshaped(g, x, &[0, channels, height * width])?;
    let tokens = transposed(g, lines, &[0, 2, 1])?;
    if g.rng.chance(50) {
        return Some(tokens);
    }
    let scale = g.parameters(&[channels], 1.0);
    let shift = g.parameters(&[channels], 3.0);
    let statistics = Statistics::Layer { axis: 2 };
    g.node(Op::Norm(Norm { statistics, epsilon: 0.1 }), &[tokens, scale, shift])
}

/// Tokens as a map of the size of `x`, added to it where they have as many channels.
fn as_map(g: &mut Grower, tokens: ValueId, x: ValueId) -> Option<ValueId> {
    let [_, height, width] = g.size(x);
    let channels = g.shapes[tokens.0][2];
    let lines = transposed(g, tokens, &[0, 2, 1])?;
    let map = reshaped(g, lines, &[0, channels, height, width])?;
    let same = g.size(x)[0] == channels && g.rng.chance(50);
    if same { g.node(Op::Binary(Binary::Add), &[x, map]) } else { Some(map) }
}

/// A product of tokens with a constant, with or without a bias.
fn projected(g: &mut Grower, x: ValueId, outputs: usize) -> Option<ValueId> {
    let inputs = g.shapes[x.0][2];
    let macs = g.shapes[x.0][0] * g.shapes[x.0][1] * inputs * outputs;
    g.budget = g.budget.checked_sub(macs)?;
    let weight = g.parameters(&[inputs, outputs], 1.0 / (inputs as f32).sqrt());
    let y = g.node(Op::MatMul, &[x, weight])?;
    if g.rng.chance(50) {
        return Some(y);
    }
    let bias = g.parameters(&[outputs], 1.0);
    g.node(Op::Binary(Binary::Add), &[bias, y])
}

/// One to three heads of one to three features, with projections of their own.
fn self_attention(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [channels, height, width] = g.size(x);
    let (heads, features, length) = (g.rng.pick(&[1, 2, 3]), g.rng.pick(&[1, 2, 3]), height * width);
    if length > 40 {
        return None;
    }
    let tokens = tokens(g, x)?;
    let mut parts = [tokens; 3];
    for (part, perm) in parts.iter_mut().zip([[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]]) {
        let all = projected(g, tokens, heads * features)?;
        let split = reshaped(g, all, &[0, length, heads, features])?;
        *part = transposed(g, split, &perm)?;
    }
    let scores = g.node(Op::MatMul, &[parts[0], parts[1]])?;
    let scale = g.parameters(&[1], 0.5);
    let scores = g.node(Op::Binary(Binary::Mul), &[scores, scale])?;
    let weights = g.node(Op::Softmax { axis: 3 }, &[scores])?;
    let y = g.node(Op::MatMul, &[weights, parts[2]])?;
    let y = transposed(g, y, &[0, 2, 1, 3])?;
    let y = reshaped(g, y, &[0, length, heads * features])?;
    let y = projected(g, y, channels)?;
    as_map(g, y, x)
}

/// Two products over tokens with a function between them.
fn perceptron(g: &mut Grower) -> Option<ValueId> {
    let (x, hidden, outputs) = (g.map(), g.channels(), g.channels());
    let tokens = tokens(g, x)?;
    let y = projected(g, tokens, hidden)?;
    let activation = g.activation();
    let y = g.node(Op::Activation(activation), &[y])?;
    let y = projected(g, y, outputs)?;
    as_map(g, y, x)
}
