//! Concatenation of channels that are cut in many ways, of images and of pixels; copies.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;

/// `cut` with its units numbered from `first` on.
fn renumbered(cut: &Cut, first: usize) -> Cut {
    cut.iter().map(|&(channels, unit)| (channels, unit.map(|(unit, block)| (unit + first, block)))).collect()
}

#[test]
fn channels_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    let nonempty = |(_, keep): &(Cut, Vec<usize>)| !keep.contains(&0);
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels).into_iter().filter(nonempty) {
            for (other, other_keep) in cuts(5).into_iter().filter(nonempty) {
                let other = renumbered(&other, keep.len());
                let keep = [keep.clone(), other_keep].concat();
                let output = [cut.clone(), other.clone(), whole(3), cut.clone()].concat();
                let case = Case::new(Op::Concat { axis: 1 }, &output, &keep)
                    .input(random(&[2, channels, 3, 5], 1), &cut)
                    .input(random(&[2, 5, 3, 5], 2), &other)
                    .constant(random(&[2, 3, 3, 5], 3), 1, &whole(3))
                    .input(random(&[2, channels, 3, 5], 4), &cut);
                case.check(&gpus, "channels");
            }
        }
    }
}

#[test]
fn images_and_pixels() {
    let Some(gpus) = gpus() else { return };
    let shapes =
        [(0, [1, 5, 3, 4], [3, 5, 3, 4]), (2, [2, 5, 3, 4], [2, 5, 6, 4]), (3, [2, 5, 3, 4], [2, 5, 3, 1])];
    for (cut, keep) in cuts(5) {
        for (axis, first, second) in shapes {
            let case = Case::new(Op::Concat { axis }, &cut, &keep)
                .input(random(&first, 1), &cut)
                .input(random(&second, 2), &cut)
                .input(random(&first, 3), &cut);
            case.check(&gpus, &format!("axis {axis}"));
        }
    }
}

#[test]
fn other_ranks() {
    let Some(gpus) = gpus() else { return };
    for (axis, first, second) in [
        (0, &[6][..], &[2][..]),
        (1, &[3, 6], &[3, 2]),
        (2, &[2, 6, 3], &[2, 6, 4]),
        (3, &[2, 6, 3, 2, 4], &[2, 6, 3, 5, 4]),
    ] {
        let channel = usize::from(first.len() > 1);
        let output = if axis == channel { vec![(6, None), (2, None)] } else { whole(6) };
        let case = Case::new(Op::Concat { axis }, &output, &[])
            .input(random(first, 1), &whole(6))
            .input(random(second, 2), &whole(second[channel]));
        case.check(&gpus, &format!("axis {axis} of {first:?}"));
    }
}

#[test]
fn operands_of_whole_groups_may_share_a_segment() {
    let Some(gpus) = gpus() else { return };
    for sizes in [[4, 8, 2], [8, 4, 4]] {
        let mut case = Case::new(Op::Concat { axis: 1 }, &whole(sizes.iter().sum()), &[]);
        for (seed, channels) in (1..).zip(sizes) {
            case = case.input(random(&[2, channels, 3, 5], seed), &whole(channels));
        }
        case.check(&gpus, "one segment");
    }
}

#[test]
fn a_segment_across_operands_is_refused() {
    let Some(gpus) = gpus() else { return };
    let case = Case::new(Op::Concat { axis: 1 }, &whole(6), &[])
        .input(random(&[1, 3, 2, 2], 1), &whole(3))
        .input(random(&[1, 3, 2, 2], 2), &whole(3));
    let error = case.refusal(&gpus[0]);
    assert!(error.contains("channels 0..3 of the output must start and end with a segment"), "{error}");
}

#[test]
fn identity_shares_the_buffer_or_copies_a_constant() {
    let Some(gpus) = gpus() else { return };
    for (cut, keep) in cuts(5) {
        let case = Case::new(Op::Identity, &cut, &keep);
        let computed = case.clone().input(random(&[2, 5, 3, 4], 1), &cut);
        assert_eq!(computed.steps(&gpus[0]), 0);
        computed.check(&gpus, "computed");
        let constant = case.constant(random(&[2, 5, 3, 4], 1), 1, &cut);
        assert_eq!(constant.steps(&gpus[0]), 1);
        constant.check(&gpus, "constant");
    }
}
