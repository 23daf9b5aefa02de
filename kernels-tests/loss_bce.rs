//! Binary cross-entropy on the device.

use crate::loss::{Case, Numbers, ROUNDING, SIZES, ULP, adding, check, check_broken};
use wgpu_pagcp::tasks::TaskKind;

const EDGES: TaskKind = TaskKind::Edges { positive_weight: 3.0 };

fn answer(numbers: &mut Numbers, _: usize) -> u32 {
    (numbers.next() % 2) as u32
}

/// `exp` is within 3 + 2|x| units, `log` of something from 1 to 2 within 2^-21; the sum before it and the one and the
/// weight after it round.
fn bound(case: &Case) -> f64 {
    let weight = match case.kind {
        TaskKind::Edges { positive_weight } => f64::from(positive_weight),
        _ => 1.0,
    };
    let term = |x: f64| {
        let exp = (-x.abs()).exp() * (3.0 + 2.0 * x.abs()) * ULP;
        weight * (exp + ROUNDING + 2.0_f64.powi(-21) + 2.0 * ROUNDING * (x.abs() + 1.0))
    };
    let frame = case.frame(0);
    let terms: f64 = frame.labelled().map(|(x, _)| term(x)).sum();
    terms + adding(case.channels(), case.kind.loss(&frame).sum)
}

#[test]
fn every_shape_is_within_its_bound() {
    for size in SIZES {
        check(&Case::new(EDGES, &[1], size, answer), bound);
    }
    for segments in [&[1][..], &[2], &[3], &[5], &[7], &[33], &[3, 2]] {
        check(&Case::new(TaskKind::Multilabel, segments, [3, 1, 1], answer), bound);
    }
}

#[test]
fn large_logits_do_not_overflow() {
    let mut case = Case::new(EDGES, &[1], [2, 7, 5], answer);
    case.output.iter_mut().for_each(|x| *x *= 1e4);
    check(&case, bound);
}

#[test]
fn what_is_not_finite_reaches_the_loss() {
    check_broken(&Case::new(EDGES, &[1], [1, 7, 5], answer), &[0, 1, 2, 3, 4, 5, 34]);
    let case = Case::new(TaskKind::Multilabel, &[3, 2], [1, 1, 1], answer);
    check_broken(&case, &[0, 1, 2, 3, 4]);
}
