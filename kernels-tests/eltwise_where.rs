//! Choices between two values under broadcasting.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;
use wgpu_pagcp::tensor::Tensor;

/// Zeros and other numbers.
fn condition(shape: &[usize]) -> Tensor {
    let values = random(shape, 5).f32s().unwrap().iter().map(|x| x.trunc()).collect();
    Tensor::from_f32(shape.to_vec(), values).unwrap()
}

#[test]
fn every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        let shape = [2, channels, 3, 5];
        for (cut, keep) in cuts(channels) {
            let case = Case::new(Op::Where, &cut, &keep)
                .input(condition(&shape), &cut)
                .input(random(&shape, 1), &cut)
                .input(random(&shape, 2), &cut);
            case.check(&gpus, "computed");
            let case = Case::new(Op::Where, &cut, &keep)
                .constant(condition(&[1, channels, 1, 1]), 1, &cut)
                .input(random(&shape, 1), &cut)
                .constant(random(&[], 2), 0, &Cut::new());
            case.check(&gpus, "constants");
        }
    }
}

#[test]
fn operands_of_other_shapes() {
    let Some(gpus) = gpus() else { return };
    let shapes: [[&[usize]; 3]; 4] = [
        [&[2, 1, 3, 5], &[2, 4, 3, 5], &[4, 1, 1]],
        [&[1, 4, 1, 5], &[2, 1, 3, 1], &[5]],
        [&[2, 4, 1, 5, 2], &[1, 4, 3, 1, 2], &[2, 1, 1, 5, 1]],
        [&[4], &[2, 4], &[2, 1]],
    ];
    for [c, a, b] in shapes {
        let cut = |shape: &[usize]| whole(if shape.len() > 1 { shape[1] } else { shape[0] });
        let case = Case::new(Op::Where, &whole(4), &[]);
        let case =
            case.input(condition(c), &cut(c)).input(random(a, 1), &cut(a)).input(random(b, 2), &cut(b));
        case.check(&gpus, &format!("{c:?} {a:?} {b:?}"));
    }
}
