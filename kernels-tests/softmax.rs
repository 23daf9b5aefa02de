//! Softmax and its logarithm along channels, pixels and images.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;
use wgpu_pagcp::tensor::Tensor;

fn both(axis: usize) -> [(usize, Op); 2] {
    [(axis, Op::Softmax { axis }), (axis, Op::LogSoftmax { axis })]
}

#[test]
fn every_axis_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for (axis, op) in (0..4).flat_map(both) {
                let label = format!("{} axis {axis}", op.name());
                let case = Case::new(op, &cut, &keep).input(random(&[3, channels, 7, 5], 1), &cut);
                case.check(&gpus, &label);
            }
        }
    }
}

#[test]
fn other_ranks() {
    let Some(gpus) = gpus() else { return };
    for (shape, axis) in [
        (&[6][..], 0),
        (&[3, 6], 1),
        (&[2, 6, 5], 1),
        (&[2, 6, 5], 2),
        (&[2, 6, 3, 4, 5], 1),
        (&[2, 6, 3, 4, 5], 2),
        (&[2, 6, 3, 4, 5], 3),
        (&[2, 6, 3, 4, 5], 4),
    ] {
        for (axis, op) in both(axis) {
            let label = format!("{} {shape:?} axis {axis}", op.name());
            Case::new(op, &whole(6), &[]).input(random(shape, 1), &whole(6)).check(&gpus, &label);
        }
    }
}

#[test]
fn channels_in_other_axes() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(6, Some((0, 1)))];
    for (shape, along) in [(&[2, 5, 6][..], 2), (&[2, 3, 6, 4, 5, 2], 2), (&[6, 5], 0)] {
        for (axis, op) in (0..shape.len()).flat_map(both) {
            let label = format!("{} {shape:?} axis {axis}", op.name());
            let case = Case::new(op, &cut, &[5]).input_along(random(shape, 1), along, &cut);
            case.output_along(along).check(&gpus, &label);
        }
    }
}

#[test]
fn large_arguments_do_not_overflow() {
    let Some(gpus) = gpus() else { return };
    let values = vec![1000.0, 999.0, -1000.0, 3.0e38, -3.0e38, 0.0];
    let tensor = Tensor::from_f32(vec![1, 3, 1, 2], values).unwrap();
    for (axis, op) in [1, 3].into_iter().flat_map(both) {
        let label = format!("{} axis {axis}", op.name());
        Case::new(op, &whole(3), &[]).input(tensor.clone(), &whole(3)).check(&gpus, &label);
    }
}
