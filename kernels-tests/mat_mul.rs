//! Matrix products: constants on either side, two computed operands, channels in every axis.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;

/// Channels of an output and how many of them are kept.
const OUT: [(usize, usize); 3] = [(1, 1), (6, 4), (9, 9)];

#[test]
fn a_constant_matrix_on_the_right_runs_as_a_convolution() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for (outputs, kept) in OUT {
                let out = vec![(outputs, Some((2, 1)))];
                let mut keep = keep.clone();
                keep.resize(2, channels);
                keep.push(kept);
                for shape in [vec![3, channels], vec![2, 7, channels], vec![2, 3, 5, channels]] {
                    let axis = shape.len() - 1;
                    let case = Case::new(Op::MatMul, &out, &keep)
                        .output_along(axis)
                        .input_along(random(&shape, 1), axis, &cut)
                        .constant(random(&[channels, outputs], 2), 1, &out)
                        .also_cut(0, &cut);
                    // Blocks of 16 and 8 outputs are kernels of their own.
                    assert!(case.steps(&gpus[0]) <= 2);
                    case.check(&gpus, &format!("{shape:?}"));
                }
            }
        }
    }
}

#[test]
fn a_constant_matrix_on_the_left_runs_as_a_convolution() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            let out = vec![(6, Some((2, 1)))];
            let mut keep = keep.clone();
            keep.resize(2, channels);
            keep.push(4);
            let case = Case::new(Op::MatMul, &out, &keep)
                .constant(random(&[6, channels], 2), 0, &out)
                .also_cut(1, &cut)
                .input_along(random(&[2, channels, 7], 1), 1, &cut);
            case.check(&gpus, "left");
        }
    }
}

#[test]
fn heads_are_channels() {
    let Some(gpus) = gpus() else { return };
    for heads in CHANNELS {
        for (cut, keep) in cuts(heads) {
            let case = Case::new(Op::MatMul, &cut, &keep)
                .input(random(&[2, heads, 5, 3], 1), &cut)
                .input(random(&[2, heads, 3, 4], 2), &cut);
            case.check(&gpus, "q k");
        }
    }
}

#[test]
fn a_sum_over_channels_runs_over_those_that_live() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            let case = Case::new(Op::MatMul, &whole(5), &keep)
                .input_along(random(&[2, 5, channels], 1), 2, &cut)
                .input_along(random(&[2, channels, 7], 2), 1, &cut);
            case.check(&gpus, "q k of one head");
            let case = Case::new(Op::MatMul, &whole(5), &keep)
                .input_along(random(&[2, 5, channels], 1), 2, &cut)
                .constant(random(&[2, channels, 7], 2), 1, &cut);
            case.check(&gpus, "constants for each image");
        }
    }
}

#[test]
fn columns_and_rows_are_channels() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            let case = Case::new(Op::MatMul, &cut, &keep)
                .output_along(2)
                .input(random(&[2, 5, 6], 1), &whole(5))
                .input_along(random(&[2, 6, channels], 2), 2, &cut);
            case.check(&gpus, "weights times v");
            let case = Case::new(Op::MatMul, &cut, &keep)
                .input(random(&[2, channels, 6], 1), &cut)
                .input(random(&[2, 6, 4], 2), &whole(6));
            case.check(&gpus, "rows");
            let case = Case::new(Op::MatMul, &cut, &keep)
                .input(random(&[2, channels, 3, 6], 1), &cut)
                .constant(random(&[6, 4], 2), 0, &vec![]);
            case.check(&gpus, "columns of an image times a constant");
        }
    }
}

#[test]
fn every_rank_and_every_broadcast() {
    let Some(gpus) = gpus() else { return };
    let cases: [(&[usize], &[usize]); 14] = [
        (&[5], &[5]),
        (&[5], &[5, 3]),
        (&[4, 5], &[5]),
        (&[4, 5], &[5, 3]),
        (&[2, 4, 5], &[5]),
        (&[5], &[2, 6, 5, 3]),
        (&[4, 5], &[2, 6, 5, 3]),
        (&[2, 6, 4, 5], &[6, 5, 3]),
        (&[1, 6, 4, 5], &[2, 1, 5, 3]),
        (&[2, 1, 4, 5], &[2, 6, 5, 3]),
        (&[2, 6, 1, 5], &[2, 6, 5, 1]),
        (&[2, 3, 2, 6, 4, 5], &[3, 1, 6, 5, 2]),
        (&[1, 1, 1, 1, 4, 5], &[2, 3, 2, 6, 5, 2]),
        (&[3, 1], &[1, 4]),
    ];
    for (a, b) in cases {
        let output = wgpu_pagcp::graph::shape::output_shape(&Op::MatMul, &[a, b]).expect("they fit");
        for along in 0..output.len().max(1) {
            for axes in 0..a.len() * b.len() {
                let (left, right) = (axes % a.len(), axes / a.len());
                if a.len() * b.len() > 12 && (axes + along) % 3 > 0 {
                    continue;
                }
                let channels = output.get(along).copied().unwrap_or(1);
                let case = Case::new(Op::MatMul, &whole(channels), &[])
                    .output_along(along)
                    .input_along(random(a, 1), left, &whole(a[left]))
                    .input_along(random(b, 2), right, &whole(b[right]));
                case.check(&gpus, &format!("{a:?} in {left} times {b:?} in {right} to {along}"));
            }
        }
    }
}

#[test]
fn channels_that_others_need_cannot_go() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(5, Some((0, 1)))];
    let case = Case::new(Op::MatMul, &whole(4), &[2])
        .input_along(random(&[2, 4, 5], 1), 2, &cut)
        .input(random(&[2, 5, 3], 2), &whole(5));
    assert!(case.refusal(&gpus[0]).contains("would go where others have to stay"));
    let case = Case::new(Op::MatMul, &cut, &[2])
        .input_along(random(&[2, 5, 6], 1), 2, &whole(6))
        .input(random(&[2, 6, 3], 2), &whole(6));
    assert!(case.refusal(&gpus[0]).contains("has elements for"));
}
