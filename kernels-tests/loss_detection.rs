//! A detector's losses on the device: every family, layout and part against the oracle within computed bounds, and
//! what becomes of a network whose boxes are destroyed.

mod bound;
pub mod made;

use crate::harness::gpus;
use crate::loss::adding;
use bound::term_bound;
use made::Made;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::tasks::detection::{Detector, Family, Part};
use wgpu_pagcp::tasks::{Loss, TaskKind};

/// Input sizes with their strides: small maps, and one of more cells than a workgroup adds.
const SIZES: [([usize; 2], &[usize]); 2] = [([40, 56], &[8, 16]), ([33, 40], &[1])];

pub fn families() -> [Family; 3] {
    [Family::Yolov5, Family::Yolox, Family::Yolov8]
}

/// Every layout of every family, with and without targets that follow the network.
pub fn every_case(classes: usize, mut check: impl FnMut(&Made, Part)) {
    for family in families() {
        for (size, strides) in SIZES {
            for mut made in Made::layouts(family, classes, (size, strides)) {
                for moving in [false, true] {
                    made.set_moving(moving);
                    for part in made.detector.parts() {
                        check(&made, part);
                    }
                }
            }
        }
    }
}

/// What the oracle says of an image, and how far the device may be off.
fn expected(made: &Made, part: Part, image: usize) -> (Loss, f64) {
    let (output, labels) = (made.output(image), made.targets(image));
    let loss = made.kind(part).loss(&made.frame(&output, labels));
    let detector: &Detector = &made.detector;
    let mut bound = adding(detector.classes.max(2), loss.sum);
    for (number, map) in detector.maps.iter().enumerate() {
        for cell in 0..map.cells() {
            let target = detector.target(labels, number, cell);
            bound += term_bound(detector, part, (number, cell, target.as_ref()), &output);
        }
    }
    (loss, bound)
}

fn check(gpu: &Gpu, made: &Made, part: Part) {
    let label = format!("{:?} {part:?}", made.detector);
    let whole = made.run(gpu, part);
    let mut total = Loss::default();
    for image in 0..made.images {
        let found = made.only(image).run(gpu, part);
        let (expected, bound) = expected(made, part, image);
        assert_eq!(found.count, expected.count, "{label}: count of image {image}");
        let error = (found.sum - expected.sum).abs();
        assert!(error <= bound, "{label}: {} for {}, bound {bound:e}", found.sum, expected.sum);
        assert!(bound < 0.02 * expected.sum.max(1.0), "{label}: a bound of {bound:e} says nothing");
        total.add(found);
    }
    assert!((whole.sum - total.sum).abs() <= 1e-12 * total.sum.abs(), "{label}: alone or in a batch");
    assert_eq!(whole.count, total.count, "{label}");
}

#[test]
fn every_layout_and_part_is_within_its_bound() {
    let Some(gpus) = gpus() else { return };
    for gpu in gpus {
        every_case(3, |made, part| check(&gpu, made, part));
    }
}

#[test]
fn one_class_and_pictures_without_boxes_divide_nothing_by_zero() {
    let Some([gpu, _]) = gpus() else { return };
    every_case(1, |made, part| {
        let empty = made.without_boxes();
        let found = empty.run(&gpu, part);
        assert!(found.sum.is_finite() && found.sum >= 0.0, "{part:?}: {found:?}");
        assert_eq!(found.count, expected(&empty, part, 0).0.count * empty.images as f64);
        check(&gpu, made, part);
    });
}

#[test]
fn what_is_not_finite_reaches_the_losses_that_read_it() {
    let Some([gpu, _]) = gpus() else { return };
    for family in families() {
        let layouts = Made::layouts(family, 2, ([16, 24], &[8]));
        for made in layouts {
            for part in made.detector.parts() {
                let one = made.only(0);
                let floats = one.output(0).len();
                let mut noticed = 0;
                for place in (0..floats).step_by(floats / 40 + 1) {
                    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                        let broken = one.with_value(place, value);
                        let oracle = expected(&broken, part, 0).0.sum;
                        let sum = broken.run(&gpu, part).sum;
                        assert_eq!(
                            sum.is_finite(),
                            oracle.is_finite(),
                            "{family:?} {part:?}: {value} at {place}"
                        );
                        noticed += usize::from(!oracle.is_finite());
                    }
                }
                assert!(noticed > 0, "{family:?} {part:?}: no place matters");
            }
        }
    }
}

/// A network whose boxes are destroyed, and which is less sure of them. Where the targets of objectness follow
/// its own boxes, that loss falls; where they are those of the unpruned network, every loss is over every limit.
#[test]
fn trap_31_destroyed_boxes_are_noticed_unless_targets_move() {
    let Some([gpu, _]) = gpus() else { return };
    let (intact, destroyed) = Made::intact_and_destroyed();
    let loss = |made: &Made, part: Part| made.run(&gpu, part).mean();
    for part in intact.detector.parts() {
        let rise = loss(&destroyed, part) / loss(&intact, part) - 1.0;
        assert!(rise > 0.06, "{part:?} rises by {rise}");
    }
    let (mut before, mut after) = (intact, destroyed);
    before.set_moving(true);
    after.set_moving(true);
    let (before, after) = (loss(&before, Part::Objectness), loss(&after, Part::Objectness));
    assert!(after < before, "with targets that move the loss falls from {before} to {after}");
}

#[test]
fn kinds_say_which_outputs_they_are_for() {
    let made = Made::layouts(Family::Yolox, 2, ([16, 24], &[8])).swap_remove(0);
    let kind = made.kind(Part::Box);
    assert!(matches!(kind, TaskKind::Detection(..)));
    let message = kind.check(&[&[1, 7, 2, 2]]).expect_err("another shape");
    assert!(message.contains("[7, 2, 3]") && message.contains("[7, 2, 2]"), "{message}");
}

/// Maps are smaller than what a workgroup adds: a pair is one map of one image.
#[test]
fn means_of_batches_are_taken_of_each_of_yolov5_s_strides() {
    let Some([gpu, _]) = gpus() else { return };
    for family in families() {
        let mut made = Made::layouts(family, 3, SIZES[0]).swap_remove(0);
        made.set_moving(true);
        let (scoring, words) = made.words(&gpu, Part::Box);
        let mut levels = [Loss::default(); 2];
        for (map, pairs) in made.detector.maps.iter().zip(words.chunks(2 * made.images)) {
            let level = if family == Family::Yolov5 { map.level } else { 0 };
            for pair in pairs.chunks(2) {
                levels[level].add(Loss { sum: f64::from(pair[0]), count: f64::from(pair[1]) });
            }
        }
        let expected: f64 = levels.iter().filter(|level| level.count > 0.0).map(|level| level.mean()).sum();
        let mut found = [Loss::default()];
        scoring.add_means(&words, made.images, &mut found);
        assert!((found[0].mean() - expected).abs() < 1e-12 * expected, "{family:?}");
        assert_eq!(found[0].count, made.images as f64);
        assert_eq!(levels[1].count > 0.0, family == Family::Yolov5, "boxes are on both strides");
    }
}
