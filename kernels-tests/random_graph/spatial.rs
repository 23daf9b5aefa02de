//! Operators over the two spatial axes.

use super::Grower;
use super::steps::Step;
use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{
    ConvTranspose, Coordinates, Filter, Interpolation, Op, Padding, Pool, Resize, Rounding, Target, ValueId,
};

pub const STEPS: [Step; 4] = [transposed, transposed_groups, resampled, pooled];

fn transposed(g: &mut Grower) -> Option<ValueId> {
    let (x, channels) = (g.map(), g.channels());
    enlarged(g, x, [channels, 1])
}

/// By channel, by pairs of channels, with one or more outputs for each.
fn transposed_groups(g: &mut Grower) -> Option<ValueId> {
    let (x, outputs) = (g.map(), g.rng.pick(&[1, 2, 3]));
    let channels = g.size(x)[0];
    let groups = if channels.is_multiple_of(2) && g.rng.chance(50) { channels / 2 } else { channels };
    enlarged(g, x, [groups * outputs, groups])
}

fn enlarged(g: &mut Grower, x: ValueId, [outputs, groups]: [usize; 2]) -> Option<ValueId> {
    let [inputs, height, width] = g.size(x);
    let kernel = [g.rng.pick(&[1, 2, 3]), g.rng.pick(&[2, 3, 4])];
    let strides = if height * width > 40 { [1, 1] } else { [g.rng.pick(&[1, 2, 3]), g.rng.pick(&[1, 2])] };
    let conv = ConvTranspose {
        strides,
        pads: Padding::Explicit([(); 4].map(|()| g.rng.pick(&[0, 0, 1]))),
        output_padding: [g.rng.pick(&[0, 0, 1]), 0],
        dilations: [1, g.rng.pick(&[1, 1, 2])],
        groups,
        ..ConvTranspose::new(kernel)
    };
    let shape = [inputs, outputs / groups, kernel[0], kernel[1]];
    let macs = g.shapes[x.0][0] * height * width * shape.iter().product::<usize>();
    let op = Op::ConvTranspose(conv);
    if macs > g.budget || output_shape(&op, &[&g.shapes[x.0], &shape]).is_err() {
        return None;
    }
    g.budget -= macs;
    let weight = g.parameters(&shape, 1.0 / ((inputs / groups * 2) as f32).sqrt());
    let mut operands = vec![x, weight];
    if g.rng.chance(70) {
        operands.push(g.parameters(&[outputs], 3.0));
    }
    g.node(op, &operands)
}

/// A resize by any rule.
fn resampled(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [_, height, width] = g.size(x);
    let target = match g.rng.below(4) {
        0 => Target::Scales([g.rng.pick(&[0.5, 1.3, 1.0 / 3.0]), g.rng.pick(&[0.7, 2.0, 1.5])]),
        1 => Target::Fit { sizes: [Some(height + 1), Some(width)], cover: g.rng.chance(50) },
        _ => Target::Sizes([1 + g.rng.below(height + 2), 1 + g.rng.below(width + 2)]),
    };
    let coordinates = g.rng.pick(&[
        Coordinates::HalfPixel,
        Coordinates::HalfPixelSymmetric,
        Coordinates::PytorchHalfPixel,
        Coordinates::AlignCorners,
        Coordinates::Asymmetric,
        Coordinates::Crop { start: [-0.2, 0.1], end: [0.8, 1.3], outside: 1.5 },
    ]);
    let rounding =
        g.rng.pick(&[Rounding::PreferFloor, Rounding::PreferCeil, Rounding::Floor, Rounding::Ceil]);
    let filter = Filter {
        cubic: g.rng.pick(&[None, Some(-0.75), Some(-0.5)]),
        antialias: g.rng.chance(50),
        exclude_outside: g.rng.chance(50),
    };
    let interpolation =
        g.rng.pick(&[Interpolation::Nearest(rounding), Interpolation::Linear, Interpolation::Filter(filter)]);
    g.node(Op::Resize(Resize { target, coordinates, interpolation }), &[x])
}

/// A pool whose taps lie apart, or whose margins follow the size; of a map in which no window holds padding alone.
fn pooled(g: &mut Grower) -> Option<ValueId> {
    let x = g.map();
    let [_, height, width] = g.size(x);
    if height < 4 || width < 4 {
        return None;
    }
    let pool = Pool {
        strides: [g.rng.pick(&[1, 2]), g.rng.pick(&[1, 1, 3])],
        pads: g.rng.pick(&[Padding::Explicit([1, 0, 2, 1]), Padding::SameUpper, Padding::SameLower]),
        dilations: [g.rng.pick(&[1, 2]), g.rng.pick(&[1, 1, 3])],
        ceil_mode: g.rng.chance(50),
        count_include_pad: g.rng.chance(50),
        ..Pool::new([3, g.rng.pick(&[2, 5])])
    };
    let op = if g.rng.chance(50) { Op::MaxPool(pool) } else { Op::AveragePool(pool) };
    g.node(op, &[x])
}
