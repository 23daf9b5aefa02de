//! Operators that move elements: parts, orders and shapes of channels and pixels.

use super::Grower;
use super::steps::Step;
use wgpu_pagcp::graph::{
    Activation, Binary, Conv2d, DepthOrder, Extent, Move, Op, PadMode, SliceAxis, ValueId,
};

pub const STEPS: [Step; 15] = [
    split,
    split,
    strided,
    shuffle,
    shuffle,
    channels_last,
    transposed,
    depth_to_space,
    space_to_depth,
    tile,
    expand,
    ones,
    pad,
    softmax_over_parts,
    attributes,
];

fn moved(g: &mut Grower, op: Move, x: ValueId) -> Option<ValueId> {
    g.node(Op::Move(op), &[x])
}

fn part(g: &mut Grower, x: ValueId, [axis, start, end]: [usize; 3], step: i64) -> Option<ValueId> {
    let [start, end] = [start as i64, end as i64].map(Extent::Fixed);
    moved(g, Move::Slice(vec![SliceAxis { axis, start, end, step }]), x)
}

/// Both parts of a map, of which one is computed on and perhaps joined with the other.
fn split(g: &mut Grower) -> Option<ValueId> {
    let mut x = g.map();
    if g.rng.chance(50) {
        let channels = 2 * g.rng.pick(&[1, 2, 3, 5]);
        x = g.same_conv(x, channels)?;
    }
    let channels = g.size(x)[0];
    let at = if g.rng.chance(50) { channels / 2 } else { g.rng.below(channels) };
    let first = part(g, x, [1, 0, at], 1)?;
    let second = part(g, x, [1, at, channels], 1)?;
    let inner = g.same_conv(second, channels - at)?;
    if g.rng.chance(50) {
        return g.node(Op::Concat { axis: 1 }, &[first, second, inner]);
    }
    g.node(Op::Binary(Binary::Add), &[second, inner])
}

fn strided(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let axis = g.rng.pick(&[1, 1, 2, 3]);
    let size = g.size(x)[axis - 1];
    if g.rng.chance(40) {
        let end = Extent::Fixed(i64::MIN);
        let step = -g.rng.pick(&[1, 2]);
        let start = Extent::Fixed(-1);
        return moved(g, Move::Slice(vec![SliceAxis { axis, start, end, step }]), x);
    }
    let start = g.rng.below(2);
    part(g, x, [axis, start, size], 2)
}

/// The halves of a map in turns, as after grouped convolutions; now and then any order, or some channels twice.
fn shuffle(g: &mut Grower) -> Option<ValueId> {
    let mut x = g.map();
    if g.rng.chance(50) {
        let alike = g.alike(x, 2);
        let other = g.rng.pick(&alike);
        x = g.node(Op::Concat { axis: 1 }, &[x, other])?;
    }
    let channels = g.size(x)[0];
    let groups = if channels.is_multiple_of(2) { 2 } else { 1 };
    let size = channels / groups;
    let mut indices: Vec<i64> = (0..channels).map(|at| (at % groups * size + at / groups) as i64).collect();
    if g.rng.chance(25) {
        indices = g.rng.shuffled(channels).into_iter().map(|at| at as i64 - channels as i64).collect();
        indices.extend([0, -1]);
    }
    let axis = 1;
    moved(g, Move::Gather { axis, shape: vec![indices.len()], indices }, x)
}

fn channels_last(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let last = moved(g, Move::Transpose { perm: vec![0, 2, 3, 1] }, x)?;
    let activation = g.activation();
    let y = g.node(Op::Activation(activation), &[last])?;
    if g.rng.chance(30) {
        let features = g.node(Op::Flatten { axis: 1 }, &[y])?;
        g.features(features);
    }
    moved(g, Move::Transpose { perm: vec![0, 3, 1, 2] }, y)
}

/// Any order of axes, so that what follows finds its channels elsewhere.
fn transposed(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let perm = g.rng.pick(&[[0, 1, 3, 2], [0, 2, 1, 3], [0, 3, 2, 1], [0, 2, 3, 1]]);
    moved(g, Move::Transpose { perm: perm.to_vec() }, x)
}

fn depth_to_space(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [_, height, width] = g.size(x);
    if height * width > 40 {
        return None;
    }
    let channels = 4 * g.rng.pick(&[1, 2, 3, 5]);
    let x = g.same_conv(x, channels)?;
    let order = g.rng.pick(&[DepthOrder::Dcr, DepthOrder::Crd]);
    moved(g, Move::DepthToSpace { block: 2, order }, x)
}

fn space_to_depth(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [_, height, width] = g.size(x);
    let amounts = [height, width].map(|size| [0, (size % 2) as i64]);
    let amounts = [[0, 0], [0, 0], amounts[0], amounts[1]];
    let x = moved(g, Move::pad(&amounts, PadMode::Edge), x)?;
    moved(g, Move::SpaceToDepth { block: 2 }, x)
}

fn tile(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [channels, height, width] = g.size(x);
    if channels * height * width > 200 {
        return None;
    }
    let repeats = vec![1, g.rng.pick(&[1, 2, 3]), g.rng.pick(&[1, 2]), 1];
    moved(g, Move::Tile { repeats }, x)
}

/// One channel, or one pixel, for all.
fn expand(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [channels, height, width] = g.size(x);
    let shape = [1, channels, height, width].map(|size| Extent::Fixed(size as i64)).to_vec();
    let one = if g.rng.chance(50) { g.same_conv(x, 1)? } else { g.node(Op::GlobalAveragePool, &[x])? };
    let all = moved(g, Move::Expand { shape }, one)?;
    g.node(Op::Binary(Binary::Mul), &[x, all])
}

/// Axes of size 1 that come and go.
fn ones(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let axes = g.rng.pick(&[&[1][..], &[2], &[4], &[2, 5], &[3, 4]]).to_vec();
    let wide = g.node(Op::Unsqueeze { axes: axes.clone() }, &[x])?;
    let y = g.node(Op::Activation(Activation::Relu), &[wide])?;
    g.node(Op::Squeeze { axes }, &[y])
}

fn pad(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let mode = g.rng.pick(&[PadMode::Constant(1.5), PadMode::Constant(0.0), PadMode::Reflect, PadMode::Edge]);
    let amount = |g: &mut Grower| [g.rng.pick(&[0, 0, 1, 2]), g.rng.pick(&[0, 1])];
    let mut amounts = [[0, 0], [0, 0], amount(g), amount(g)];
    if g.rng.chance(50) {
        amounts[1] = amount(g);
    }
    if matches!(mode, PadMode::Constant(_)) && g.rng.chance(30) {
        amounts[3] = [-1, 1];
    }
    moved(g, Move::pad(&amounts, mode), x)
}

/// Blocks of channels weighed against one another, and one of them.
fn softmax_over_parts(g: &mut Grower) -> Option<ValueId> {
    let parts = g.rng.pick(&[2, 3]);
    let mut x = g.map();
    if !g.size(x)[0].is_multiple_of(parts) {
        let channels = parts * g.rng.pick(&[1, 2, 5]);
        x = g.same_conv(x, channels)?;
    }
    let [channels, height, width] = g.size(x).map(|size| size as i64);
    let shape = Extent::list(&[0, channels / parts as i64, parts as i64, height, width]);
    let split = g.node(Op::Reshape { shape, allow_zero: false }, &[x])?;
    let weighed = g.node(Op::Softmax { axis: 2 }, &[split])?;
    if g.rng.chance(30) {
        return moved(g, Move::Gather { axis: 2, indices: vec![-1], shape: vec![] }, weighed);
    }
    let shape = Extent::list(&[0, channels, height, -1]);
    g.node(Op::Reshape { shape, allow_zero: false }, &[weighed])
}

/// Rows and columns by number, some twice.
fn attributes(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let axis = g.rng.pick(&[2, 3]);
    let size = g.size(x)[axis - 1];
    let mut indices: Vec<i64> = (0..1 + g.rng.below(4)).map(|_| g.rng.below(size) as i64).collect();
    indices[0] -= size as i64;
    let picked = moved(g, Move::Gather { axis, shape: vec![indices.len()], indices }, x)?;
    g.conv(picked, 2, Conv2d::new([1, 1]))
}
