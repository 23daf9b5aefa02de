//! Means and maxima over whole images of many sizes.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Op, Reduce, Reduction};

#[test]
fn every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for size in [[1, 1], [7, 5]] {
                for op in [Op::GlobalAveragePool, Op::GlobalMaxPool] {
                    let label = format!("{op:?} {size:?}");
                    let case = Case::new(op, &cut, &keep);
                    let case = case.input(random(&[3, channels, size[0], size[1]], 1), &cut);
                    case.check(&gpus, &label);
                }
            }
        }
    }
}

#[test]
fn pixels_around_the_workgroup_size_and_far_beyond() {
    let Some(gpus) = gpus() else { return };
    for size in [[9, 7], [8, 8], [5, 13], [16, 9], [61, 97]] {
        let sum = |reduction| Op::Reduce(Reduce { reduction, axes: vec![2, 3], keep_dims: true });
        for op in [Op::GlobalAveragePool, Op::GlobalMaxPool, sum(Reduction::Sum), sum(Reduction::L2)] {
            let label = format!("{op:?} {size:?}");
            let case = Case::new(op, &whole(5), &[]).input(random(&[2, 5, size[0], size[1]], 1), &whole(5));
            assert_eq!(case.steps(&gpus[0]), 1);
            case.check(&gpus, &label);
        }
    }
}
