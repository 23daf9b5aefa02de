//! Gradients of resizes under every rule, up and down.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use crate::resize::{TARGETS, rules};
use wgpu_pagcp::graph::{Coordinates, Filter, Interpolation, Op, Resize, Target, Training};

/// The gradient of `resize` for images of `shape`, with the shape of what it reads.
fn gradient(resize: Resize, shape: [usize; 4]) -> (Op, Vec<usize>) {
    let size = [shape[2], shape[3]];
    let [height, width] = resize.output(size);
    (Op::Training(Training::Resize { resize, size }), vec![shape[0], shape[1], height, width])
}

#[test]
fn every_rule_at_every_size() {
    let Some(gpus) = gpus() else { return };
    for target in TARGETS {
        for (coordinates, interpolation) in rules() {
            let resize = Resize { target: target.clone(), coordinates, interpolation };
            let label = format!("{resize:?}");
            let (op, given) = gradient(resize, [3, 5, 7, 5]);
            Case::new(op, &whole(5), &[]).input(random(&given, 1), &whole(5)).check(&gpus, &label);
        }
    }
}

#[test]
fn every_layout() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (j, (cut, keep)) in cuts(channels).into_iter().enumerate() {
            let (coordinates, interpolation) = rules().nth((i * 7 + j) % 54).unwrap();
            for (size, target) in [([7, 5], [14, 9]), ([1, 1], [6, 4]), ([4, 13], [8, 26])] {
                let resize = Resize { target: Target::Sizes(target), coordinates, interpolation };
                let label = format!("{resize:?}");
                let (op, given) = gradient(resize, [3, channels, size[0], size[1]]);
                Case::new(op, &cut, &keep).input(random(&given, 1), &cut).check(&gpus, &label);
            }
        }
    }
}

/// Pixels that nothing reads have no gradient, whatever is beside them, and few taps take one step.
#[test]
fn steps_and_pixels_without_readers() {
    let Some(gpus) = gpus() else { return };
    let cubic =
        Interpolation::Filter(Filter { cubic: Some(-0.75), antialias: false, exclude_outside: false });
    let cases = [
        (Interpolation::Linear, [3, 3], [9, 12], 2),
        (Interpolation::Linear, [12, 12], [3, 3], 1),
        (cubic, [16, 16], [2, 3], 1),
        (cubic, [16, 2], [2, 16], 2),
    ];
    for (interpolation, size, target, steps) in cases {
        let (target, coordinates) = (Target::Sizes(target), Coordinates::HalfPixel);
        let resize = Resize { target, coordinates, interpolation };
        let (op, given) = gradient(resize, [2, 3, size[0], size[1]]);
        let case = Case::new(op, &whole(3), &[]).input(random(&given, 1), &whole(3));
        assert_eq!(case.steps(&gpus[0]), steps, "{interpolation:?} {size:?}");
        case.check(&gpus, &format!("{interpolation:?} {size:?}"));
    }
}
