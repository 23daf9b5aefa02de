//! Normalisations by statistics of the input, and matrix products.

use super::Grower;
use super::steps::Step;
use wgpu_pagcp::graph::{Activation, Extent, Norm, Op, Statistics, ValueId};

pub const STEPS: [Step; 6] = [normalisation, normalisation, columns, rows, products, pointwise];

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
