//! Absolute and squared differences on the device.

use crate::loss::{Case, Numbers, ROUNDING, SIZES, adding, check, check_broken};
use wgpu_pagcp::tasks::{Norm, TaskKind};

const SEGMENTS: [&[usize]; 7] = [&[1], &[2], &[3], &[5], &[7], &[33], &[3, 2]];

fn number(numbers: &mut Numbers, _: usize) -> u32 {
    numbers.float(5.0).to_bits()
}

/// One rounding of the difference, twice that and one more where it is squared.
fn bound(case: &Case) -> f64 {
    let sum = case.kind.loss(&case.frame(0)).sum;
    3.0 * ROUNDING * sum + adding(case.channels(), sum)
}

#[test]
fn every_shape_is_within_its_bound() {
    for size in SIZES {
        for segments in SEGMENTS {
            check(&Case::new(TaskKind::Regression(Norm::L1), segments, size, number), bound);
            check(&Case::new(TaskKind::Regression(Norm::L2), segments, size, number), bound);
        }
        check(&Case::new(TaskKind::Depth, &[1], size, number), bound);
    }
}

#[test]
fn what_is_not_finite_reaches_the_loss() {
    let case = Case::new(TaskKind::Depth, &[1], [1, 7, 5], number);
    check_broken(&case, &[0, 1, 2, 3, 4, 5, 34]);
    let case = Case::new(TaskKind::Regression(Norm::L2), &[3, 2], [1, 1, 1], number);
    check_broken(&case, &[0, 1, 2, 3, 4]);
}
