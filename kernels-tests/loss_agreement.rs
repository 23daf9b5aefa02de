//! Agreement with another network on the device.

use crate::loss::{Case, ROUNDING, SIZES, ULP, adding, check, check_broken};
use wgpu_pagcp::tasks::{Agreement, FLOOR, Measure, TaskKind};

/// Channels of the output, the first one compared, and how many.
const SLICES: [[usize; 3]; 5] = [[1, 0, 1], [5, 0, 5], [5, 1, 3], [7, 6, 1], [33, 2, 30]];

fn case(measure: Measure, [all, first, channels]: [usize; 3], size: [usize; 3]) -> Case {
    let kind = TaskKind::Agreement(Agreement { measure, first, channels, floor: FLOOR });
    Case::new(kind, &[all], size, |_, _| 0).with_labels(|numbers| numbers.float(9.0).to_bits())
}

/// The compared numbers of an image: output and label, channel by channel of every pixel.
fn pixels(case: &Case, [_, first, channels]: [usize; 3]) -> Vec<Vec<[f64; 2]>> {
    let (frame, count) = (case.frame(0), case.pixels());
    let pair = |channel: usize, pixel: usize| {
        let label = f32::from_bits(frame.labels[channel * count + pixel]);
        [frame.output[(first + channel) * count + pixel], label].map(f64::from)
    };
    (0..count).map(|pixel| (0..channels).map(|channel| pair(channel, pixel)).collect()).collect()
}

#[test]
fn differences_are_within_their_bound() {
    for slice in SLICES {
        for size in SIZES {
            check(&case(Measure::L1, slice, size), |case| {
                let sum = case.kind.loss(&case.frame(0)).sum;
                2.0 * ROUNDING * sum + adding(slice[2], sum)
            });
        }
    }
}

/// `exp` is within 3 + 2|x| units, `log` within 2^-21 near 1, else 3 units; a logarithm of a share is off by the sums
/// that it is made of, and the terms are shares of differences of two of them.
fn divergence_bound(case: &Case, slice: [usize; 3]) -> f64 {
    let mut bound = 0.0;
    for pairs in pixels(case, slice) {
        let largest = pairs.iter().flatten().fold(0.0, |a: f64, b| a.max(b.abs()));
        let exp = (3.0 + 2.0 * 2.0 * largest) * ULP + 4.0 * largest * ROUNDING;
        let count = pairs.len() as f64;
        let log = exp + (count + 2.0) * ROUNDING + 2.0_f64.powi(-21) + 3.0 * ULP * count.ln();
        let off = log + 6.0 * ROUNDING * (2.0 * largest + count.ln());
        bound +=
            2.0 * off + (exp + off) * 2.0 * (2.0 * largest + count.ln()) + count * ROUNDING * 4.0 * largest;
    }
    bound + adding(slice[2], case.kind.loss(&case.frame(0)).sum)
}

#[test]
fn divergences_are_within_their_bound() {
    for slice in SLICES {
        for size in SIZES {
            check(&case(Measure::Kl, slice, size), |case| divergence_bound(case, slice));
        }
    }
}

#[test]
fn angles_are_within_their_bound() {
    for slice in SLICES {
        for size in SIZES {
            check(&case(Measure::Cosine, slice, size), |case| {
                let count = case.kind.loss(&case.frame(0)).count;
                let terms = slice[2] as f64;
                ((2.0 * terms + 20.0) * ROUNDING + adding(1, 2.0) / 16.0) * count + adding(1, 2.0 * count)
            });
        }
    }
}

#[test]
fn equal_outputs_have_no_loss_but_roundings() {
    for measure in [Measure::Kl, Measure::L1, Measure::Cosine] {
        for slice in SLICES {
            let mut same = case(measure, slice, [2, 7, 5]);
            let (pixels, [all, first, channels]) = (same.pixels(), slice);
            for image in 0..2 {
                let at = (image * all + first) * pixels;
                let ours = same.output[at..at + channels * pixels].iter().map(|x| x.to_bits());
                let words = ours.collect::<Vec<_>>();
                same.labels[image * channels * pixels..][..channels * pixels].copy_from_slice(&words);
            }
            let Some(gpus) = crate::harness::gpus() else { return };
            for gpu in gpus {
                let sums = same.run(&gpu, 0);
                let most = if measure == Measure::Cosine { 1e-5 } else { 1e-6 };
                let sum: f32 = sums.chunks(2).map(|pair| pair[0]).sum();
                assert!((0.0..=most).contains(&sum), "{measure:?} {slice:?}: {sum}");
            }
        }
    }
}

#[test]
fn what_is_not_finite_reaches_the_loss() {
    for measure in [Measure::Kl, Measure::L1, Measure::Cosine] {
        check_broken(&case(measure, [5, 1, 3], [1, 7, 5]), &[0, 34, 35, 36, 100, 139, 140, 174]);
    }
}
