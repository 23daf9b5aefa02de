//! Which cells answer for a box, by hand.

use super::super::{Detector, Family, Format, Rect, Target, Truth};
use crate::tasks::detection::targets::Targets;

/// One stride of 8 over 32 by 32 pixels: 16 cells.
fn detector(family: Family) -> Detector {
    let anchors = if family == Family::Yolov5 { vec![vec![[16.0, 16.0]]] } else { vec![] };
    let strides = vec![8];
    let format = Format { family, classes: 2, strides, anchors, probabilities: None, decoded: None, bins: 4 };
    let numbers = if family == Family::Yolov8 { 18 } else { 7 };
    format.detector([32, 32], &[vec![numbers, 4, 4]]).unwrap()
}

fn truth(centre: [f64; 2], size: [f64; 2], class: usize) -> Truth {
    Truth { class, rect: Rect::around(centre, size) }
}

/// The cells of the only map that answer for a class, in order.
fn cells(targets: &Targets, class: usize) -> Vec<usize> {
    let of_class = |target: &Option<Target>| target.as_ref().is_some_and(|target| target.class == class);
    (0..16).filter(|&cell| of_class(&targets[0][cell])).collect()
}

fn zeros(detector: &Detector) -> Vec<f32> {
    vec![0.0; detector.outputs[0].iter().product()]
}

#[test]
fn pictures_without_boxes_have_no_targets() {
    for family in [Family::Yolov5, Family::Yolox, Family::Yolov8] {
        let detector = detector(family);
        let targets = detector.assign(&[], &zeros(&detector));
        assert!(targets.iter().flatten().all(Option::is_none), "{family:?}");
    }
}

#[test]
fn anchors_take_the_cell_and_its_nearest_neighbours() {
    let detector = detector(Family::Yolov5);
    let assign = |truth: Truth| cells(&detector.assign(&[truth], &zeros(&detector)), truth.class);
    // Column 1.25, row 2.75: the neighbours to the left and below.
    assert_eq!(assign(truth([10.0, 22.0], [16.0, 16.0], 0)), [8, 9, 13]);
    // At the border there are fewer.
    assert_eq!(assign(truth([2.0, 2.0], [16.0, 16.0], 1)), [0]);
    assert_eq!(assign(truth([30.0, 30.0], [16.0, 16.0], 1)), [15]);
    // Sides four times the anchor's belong to another one.
    assert!(assign(truth([16.0, 16.0], [64.0, 16.0], 0)).is_empty());
    assert_eq!(assign(truth([17.0, 17.0], [16.0, 4.1], 0)), [6, 9, 10]);
}

#[test]
fn a_cell_that_two_boxes_want_goes_to_the_one_that_fits_its_anchor() {
    let detector = detector(Family::Yolov5);
    let both = [truth([12.0, 12.0], [8.0, 8.0], 0), truth([12.0, 12.0], [15.0, 15.0], 1)];
    let targets = detector.assign(&both, &zeros(&detector));
    assert_eq!(targets, detector.assign(&[both[1], both[0]], &zeros(&detector)));
    assert!(cells(&targets, 0).is_empty() && !cells(&targets, 1).is_empty());
    // A box of zeros is half a cell off the anchor's size of 16: its overlap is the objectness.
    let target = targets[0][5].unwrap();
    let overlap = Rect::around([12.0, 12.0], [16.0, 16.0]).complete_overlap(&both[1].rect);
    assert!((target.score - overlap).abs() < 1e-9 && target.score > 0.8, "{target:?}");
}

#[test]
fn dynamic_assignment_takes_as_many_cells_as_overlaps_add_up_to() {
    let detector = detector(Family::Yolox);
    let mut output = zeros(&detector);
    // Exponents of the size: boxes of 24 by 24 pixels around the cells' corners.
    output[32..64].fill(3.0_f32.ln());
    let one = truth([16.0, 16.0], [24.0, 24.0], 1);
    let targets = detector.assign(&[one], &output);
    // Four cells are near: one box fits, two overlap by a half, one by 0.29.
    let found = cells(&targets, 1);
    assert!(found.contains(&10) && found.len() == 2, "{found:?}");
    assert!((targets[0][10].unwrap().score - 1.0).abs() < 1e-6);
    // A network that finds nothing still has one cell for the box.
    output[32..64].fill(-9.0);
    assert_eq!(cells(&detector.assign(&[one], &output), 1).len(), 1);
    output.fill(f32::NAN);
    assert_eq!(cells(&detector.assign(&[one], &output), 1).len(), 1);
}

#[test]
fn a_cell_near_two_boxes_goes_to_the_cheaper_one() {
    let detector = detector(Family::Yolox);
    let mut output = zeros(&detector);
    output[32..64].fill(3.0_f32.ln());
    let both = [truth([17.0, 17.0], [24.0, 24.0], 1), truth([16.0, 16.0], [24.0, 24.0], 0)];
    let targets = detector.assign(&both, &output);
    assert_eq!(targets[0][10].unwrap().class, 0);
    assert_eq!(targets, detector.assign(&[both[1], both[0]], &output));
}

#[test]
fn alignment_takes_cells_inside_and_scores_them_by_their_best() {
    let detector = detector(Family::Yolov8);
    // Logits of zeros: every side 1.5 cells away, boxes of 24 by 24 pixels.
    let output = zeros(&detector);
    let one = truth([16.0, 16.0], [24.0, 24.0], 1);
    let targets = detector.assign(&[one], &output);
    let found = cells(&targets, 1);
    // The four middles at 12 and 20 overlap equally, those at 4 and 28 are on the sides.
    assert_eq!(found, [5, 6, 9, 10]);
    let overlap = Rect::around([12.0, 12.0], [24.0, 24.0]).complete_overlap(&one.rect);
    for cell in found {
        assert!((targets[0][cell].unwrap().score - overlap).abs() < 1e-6);
    }
    // Cells of a network that finds nothing answer, but for no score.
    let broken = detector.assign(&[one], &vec![f32::NAN; output.len()]);
    assert_eq!(cells(&broken, 1), [5, 6, 9, 10]);
    assert!(broken[0].iter().flatten().all(|target| target.score == 0.0));
}

#[test]
fn targets_survive_their_words() {
    let detector = detector(Family::Yolox);
    let truth = truth([12.0, 20.0], [16.0, 8.0], 1);
    let output = zeros(&detector);
    let words = detector.targets(&truth.words(), &output);
    assert_eq!(words.len(), detector.target_words());
    let targets = detector.assign(&[truth], &output);
    for (cell, target) in targets[0].iter().enumerate() {
        let read = detector.target(&words, 0, cell);
        assert_eq!(read.map(|target| (target.rect, target.class)), target.map(|t| (t.rect, t.class)));
    }
}
