//! Sums, differences and products under every kind of broadcasting.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Binary, Op};

const OPERATIONS: [Binary; 3] = [Binary::Add, Binary::Sub, Binary::Mul];

#[test]
fn operands_of_one_shape() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for binary in OPERATIONS {
                let case = Case::new(Op::Binary(binary), &cut, &keep)
                    .input(random(&[3, channels, 7, 5], 1), &cut)
                    .input(random(&[3, channels, 7, 5], 2), &cut);
                case.check(&gpus, &format!("{binary:?}"));
            }
        }
    }
}

#[test]
fn computed_operands_are_broadcast_on_either_side() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        let shapes: [[usize; 4]; 6] = [
            [3, channels, 1, 1],
            [3, 1, 7, 5],
            [3, 1, 1, 1],
            [1, channels, 7, 5],
            [3, channels, 7, 1],
            [1, channels, 1, 5],
        ];
        for (cut, keep) in cuts(channels) {
            for (j, shape) in shapes.into_iter().enumerate() {
                let other: Cut = if shape[1] == 1 && channels > 1 { whole(1) } else { cut.clone() };
                let full = random(&[3, channels, 7, 5], 1);
                let case = Case::new(Op::Binary(OPERATIONS[(i + j) % 3]), &cut, &keep);
                let small = random(&shape, 2);
                let right = case.clone().input(full.clone(), &cut).input(small.clone(), &other);
                let left = case.input(small, &other).input(full, &cut);
                right.check(&gpus, &format!("full with {shape:?}"));
                left.check(&gpus, &format!("{shape:?} with full"));
            }
        }
    }
}

#[test]
fn constants_of_lower_rank() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        let shapes: [(Vec<usize>, Option<usize>); 8] = [
            (vec![], None),
            (vec![1], None),
            (vec![5], None),
            (vec![7, 1], None),
            (vec![channels, 1, 1], Some(0)),
            (vec![1, channels, 1, 1], Some(1)),
            (vec![1, 1, 7, 5], None),
            (vec![3, channels, 7, 5], Some(1)),
        ];
        for (cut, keep) in cuts(channels) {
            for (j, (shape, axis)) in shapes.iter().enumerate() {
                let constant_cut = if axis.is_some() { cut.clone() } else { Cut::new() };
                let case = Case::new(Op::Binary(OPERATIONS[(i + j) % 3]), &cut, &keep)
                    .input(random(&[3, channels, 7, 5], 1), &cut)
                    .constant(random(shape, 2), axis.unwrap_or(0), &constant_cut);
                case.check(&gpus, &format!("constant {shape:?}"));
            }
        }
    }
}

#[test]
fn vectors_and_joined_axes() {
    let Some(gpus) = gpus() else { return };
    for (shape, other) in [
        (&[3, 6][..], &[6][..]),
        (&[3, 6], &[3, 1]),
        (&[6], &[1]),
        (&[2, 6, 4], &[4]),
        (&[2, 6, 3, 2, 4], &[6, 1, 1, 1]),
        (&[2, 6, 3, 2, 4], &[3, 2, 1]),
    ] {
        let case = Case::new(Op::Binary(Binary::Add), &whole(6), &[]);
        let case = case.input(random(shape, 1), &whole(6)).constant(random(other, 2), 0, &Cut::new());
        case.check(&gpus, &format!("{shape:?} with {other:?}"));
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let Some(gpus) = gpus() else { return };
    let case = |shape: &[usize], other: &[usize]| {
        Case::new(Op::Binary(Binary::Add), &whole(6), &[])
            .input(random(shape, 1), &whole(6))
            .input(random(other, 2), &whole(other.get(1).copied().unwrap_or(other[0])))
            .refusal(&gpus[0])
    };
    assert_eq!(
        case(&[2, 6, 3, 4], &[6, 1, 1]),
        "node node (Add): input 1 (in1) of shape [6, 1, 1] has to be reshaped to the rank of [2, 6, 3, 4]"
    );
    assert_eq!(
        case(&[2, 6, 3, 2, 4], &[1, 6, 3, 1, 4]),
        "node node (Add): input 1 (in1) of shape [1, 6, 3, 1, 4] is broadcast along only some of the middle axes of \
         [2, 6, 3, 2, 4]"
    );
}
