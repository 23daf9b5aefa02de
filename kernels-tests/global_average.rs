//! Means over whole images of many sizes.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;

#[test]
fn every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for size in [[1, 1], [7, 5]] {
                let case = Case::new(Op::GlobalAveragePool, &cut, &keep);
                let case = case.input(random(&[3, channels, size[0], size[1]], 1), &cut);
                case.check(&gpus, &format!("{size:?}"));
            }
        }
    }
}

#[test]
fn pixels_around_the_workgroup_size_and_far_beyond() {
    let Some(gpus) = gpus() else { return };
    for size in [[9, 7], [8, 8], [5, 13], [16, 9], [61, 97]] {
        let case = Case::new(Op::GlobalAveragePool, &whole(5), &[]);
        case.input(random(&[2, 5, size[0], size[1]], 1), &whole(5)).check(&gpus, &format!("{size:?}"));
    }
}
