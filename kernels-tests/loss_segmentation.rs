//! Softmax cross-entropy on the device.

use crate::loss::{Case, Numbers, ROUNDING, SIZES, ULP, adding, check, check_broken};
use wgpu_pagcp::tasks::{TaskKind, UNLABELLED};

const SEGMENTS: [&[usize]; 7] = [&[2], &[3], &[5], &[7], &[33], &[3, 2], &[1, 4, 6]];

fn class(numbers: &mut Numbers, classes: usize) -> u32 {
    (numbers.next() % classes as u64) as u32
}

/// `exp` is within 3 + 2|x| units, its argument within one rounding; `log` within 2^-21 near 1, else 3 units.
fn bound(case: &Case) -> f64 {
    let frame = case.frame(0);
    let pixels = (0..case.pixels()).filter(|pixel| frame.labels[*pixel] != UNLABELLED);
    let terms: f64 = pixels
        .map(|pixel| {
            let logits: Vec<f64> = (0..case.channels()).map(|channel| frame.at(channel, pixel)).collect();
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|x| (x - top).exp()).sum();
            let error = |x: f64| (x - top).exp() * ((3.0 + 2.0 * (top - x)) * ULP + (top - x) * ROUNDING);
            let exps: f64 = logits.iter().map(|x| error(*x)).sum::<f64>() / sum;
            let log = (3.0 * ULP * sum.ln()).max(2.0_f64.powi(-21));
            let own = frame.at(frame.labels[pixel] as usize, pixel);
            exps + case.channels() as f64 * ROUNDING + log + 2.0 * ROUNDING * (2.0 * (top - own) + sum.ln())
        })
        .sum();
    terms + adding(1, case.kind.loss(&frame).sum)
}

#[test]
fn every_shape_is_within_its_bound() {
    for segments in SEGMENTS {
        for size in SIZES {
            check(&Case::new(TaskKind::Segmentation, segments, size, class), bound);
        }
        check(&Case::new(TaskKind::Classification, segments, [3, 1, 1], class), bound);
    }
}

#[test]
fn large_logits_do_not_overflow() {
    let mut case = Case::new(TaskKind::Segmentation, &[5], [2, 7, 5], class);
    case.output.iter_mut().for_each(|x| *x *= 1e4);
    check(&case, bound);
}

#[test]
fn what_is_not_finite_reaches_the_loss() {
    let case = Case::new(TaskKind::Segmentation, &[5], [1, 7, 5], class);
    check_broken(&case, &[0, 1, 2, 3, 34, 35, 70, 139, 140, 174]);
}
