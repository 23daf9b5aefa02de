//! Softmax along channels and along spatial axes.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;
use wgpu_pagcp::tensor::Tensor;

#[test]
fn every_axis_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for axis in 1..4 {
                let case = Case::new(Op::Softmax { axis }, &cut, &keep);
                case.input(random(&[3, channels, 7, 5], 1), &cut).check(&gpus, &format!("axis {axis}"));
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
        let case = Case::new(Op::Softmax { axis }, &whole(6), &[]).input(random(shape, 1), &whole(6));
        case.check(&gpus, &format!("{shape:?} axis {axis}"));
    }
}

#[test]
fn large_arguments_do_not_overflow() {
    let Some(gpus) = gpus() else { return };
    let values = vec![1000.0, 999.0, -1000.0, 3.0e38, -3.0e38, 0.0];
    let tensor = Tensor::from_f32(vec![1, 3, 1, 2], values).unwrap();
    for axis in [1, 3] {
        let case = Case::new(Op::Softmax { axis }, &whole(3), &[]).input(tensor.clone(), &whole(3));
        case.check(&gpus, &format!("axis {axis}"));
    }
}

#[test]
fn the_batch_axis_is_refused() {
    let Some(gpus) = gpus() else { return };
    let case = Case::new(Op::Softmax { axis: 0 }, &whole(6), &[]).input(random(&[3, 6], 1), &whole(6));
    assert_eq!(
        case.refusal(&gpus[0]),
        "node node (Softmax): expected an axis of channels or pixels (1 or more), found 0 of shape [3, 6]"
    );
}
