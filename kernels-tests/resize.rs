//! Resizing under every coordinate and rounding rule, up and down.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Coordinates, Filter, Interpolation, Op, Resize, Rounding, Target};

const COORDINATES: [Coordinates; 7] = [
    Coordinates::HalfPixel,
    Coordinates::HalfPixelSymmetric,
    Coordinates::PytorchHalfPixel,
    Coordinates::AlignCorners,
    Coordinates::Asymmetric,
    Coordinates::Phase(0.25),
    Coordinates::Crop { start: [0.2, 0.0], end: [1.3, 0.7], outside: 2.5 },
];

const fn filter(cubic: Option<f32>, antialias: bool, exclude_outside: bool) -> Interpolation {
    Interpolation::Filter(Filter { cubic, antialias, exclude_outside })
}

const INTERPOLATIONS: [Interpolation; 9] = [
    Interpolation::Linear,
    Interpolation::Nearest(Rounding::PreferFloor),
    Interpolation::Nearest(Rounding::PreferCeil),
    Interpolation::Nearest(Rounding::Floor),
    Interpolation::Nearest(Rounding::Ceil),
    filter(Some(-0.75), false, false),
    filter(Some(-0.5), false, true),
    filter(Some(-0.75), true, true),
    filter(None, true, false),
];

pub const TARGETS: [Target; 10] = [
    Target::Scales([2.0, 2.0]),
    Target::Scales([0.5, 3.0]),
    Target::Scales([1.7, 0.6]),
    Target::Scales([1.0 / 3.0, 2.5]),
    Target::Sizes([7, 5]),
    Target::Sizes([1, 1]),
    Target::Sizes([10, 3]),
    Target::Sizes([4, 17]),
    Target::Fit { sizes: [Some(3), Some(9)], cover: false },
    Target::Fit { sizes: [None, Some(9)], cover: true },
];

pub fn rules() -> impl Iterator<Item = (Coordinates, Interpolation)> {
    COORDINATES.into_iter().flat_map(|c| INTERPOLATIONS.into_iter().map(move |i| (c, i)))
}

#[test]
fn every_rule_at_every_size() {
    let Some(gpus) = gpus() else { return };
    for target in TARGETS {
        for (coordinates, interpolation) in rules() {
            let resize = Resize { target: target.clone(), coordinates, interpolation };
            let label = format!("{resize:?}");
            let case = Case::new(Op::Resize(resize), &whole(5), &[]);
            case.input(random(&[2, 5, 7, 5], 1), &whole(5)).check(&gpus, &label);
        }
    }
}

#[test]
fn every_layout() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (j, (cut, keep)) in cuts(channels).into_iter().enumerate() {
            let (coordinates, interpolation) = rules().nth((i * 7 + j) % 54).unwrap();
            for (size, target) in [([7, 5], [14, 9]), ([1, 1], [6, 4])] {
                let resize = Resize { target: Target::Sizes(target), coordinates, interpolation };
                let label = format!("{resize:?}");
                let case = Case::new(Op::Resize(resize), &cut, &keep);
                case.input(random(&[3, channels, size[0], size[1]], 1), &cut).check(&gpus, &label);
            }
        }
    }
}
