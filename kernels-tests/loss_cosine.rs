//! One minus cosine on the device.

use crate::loss::{Case, Numbers, ROUNDING, SIZES, adding, check, check_broken};
use wgpu_pagcp::tasks::{TaskKind, UNLABELLED};

/// Labels of unit length, every fifth missing.
fn case(segments: &[usize], size: [usize; 3]) -> Case {
    let mut case = Case::new(TaskKind::Normals, segments, size, |_, _| 0);
    let mut numbers = Numbers(7);
    let pixels = case.pixels();
    for image in case.labels.chunks_mut(3 * pixels) {
        for pixel in 0..pixels {
            let direction = [numbers.float(1.0), numbers.float(1.0), numbers.float(1.0)];
            let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt();
            let labelled = !numbers.next().is_multiple_of(5);
            for (axis, x) in direction.into_iter().enumerate() {
                let word = if labelled { (x / length).to_bits() } else { UNLABELLED };
                image[axis * pixels + pixel] = word;
            }
        }
    }
    case
}

/// Three products and sums each, half of that through the root, 4.5 units for the root and 2.5 for the quotient.
fn bound(case: &Case) -> f64 {
    let count = case.kind.loss(&case.frame(0)).count;
    let per_pixel = (3.0 + 1.5 + 9.0 + 5.0) * 3.0_f64.sqrt() + 3.0;
    per_pixel * ROUNDING * count + adding(1, 2.0 * count)
}

#[test]
fn every_shape_is_within_its_bound() {
    for segments in [&[3][..], &[1, 2], &[1, 1, 1]] {
        for size in SIZES {
            check(&case(segments, size), bound);
        }
    }
}

#[test]
fn short_outputs_do_not_divide_by_zero() {
    let mut short = case(&[3], [2, 7, 5]);
    short.output.iter_mut().enumerate().for_each(|(i, x)| *x *= [0.0, 1e-8, 1e-4][i % 35 % 3]);
    check(&short, bound);
}

#[test]
fn what_is_not_finite_reaches_the_loss() {
    check_broken(&case(&[3], [1, 7, 5]), &[0, 1, 2, 3, 34, 35, 69, 70, 104]);
}
