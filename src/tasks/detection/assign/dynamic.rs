//! YOLOX: SimOTA. A box may take the cells within 1.5 strides of its centre; it takes as many as the ten best overlaps
//! add up to, those with the lowest cost; a cell that several boxes take goes to the one with the lowest.

use super::super::targets::Targets;
use super::super::{Detector, Target, Truth};
use super::{Cell, or_zero};

/// How far from a box's centre the middle of a cell may be, in strides.
const RADIUS: f64 = 1.5;
/// Overlaps that decide how many cells a box takes.
const BEST: usize = 10;
/// What overlap counts in the cost, classes counting 1.
const OVERLAP_WEIGHT: f64 = 3.0;
/// The cost of a cell that is near another box only.
const FAR: f64 = 1e6;
/// Keeps logarithms finite.
const TINY: f64 = 1e-8;

/// A cell that a box may take.
struct Candidate {
    cell: Cell,
    overlap: f64,
    cost: f64,
}

pub(super) fn assign(detector: &Detector, truth: &[Truth], output: &[f32]) -> Targets {
    let mut targets = detector.no_targets();
    let mut costs: Vec<Vec<f64>> = detector.maps.iter().map(|map| vec![f64::INFINITY; map.cells()]).collect();
    let near = cells_near(detector, truth);
    for truth in truth {
        let mut candidates: Vec<Candidate> =
            near.iter().map(|&cell| candidate(detector, truth, output, cell)).collect();
        let mut overlaps: Vec<f64> = candidates.iter().map(|candidate| candidate.overlap).collect();
        overlaps.sort_by(|a, b| b.total_cmp(a));
        let takes = (overlaps.iter().take(BEST).sum::<f64>() as usize).max(1);
        candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        for Candidate { cell: (map, cell), overlap, cost } in candidates.into_iter().take(takes) {
            if cost < costs[map][cell] {
                costs[map][cell] = cost;
                targets[map][cell] = Some(Target { rect: truth.rect, class: truth.class, score: overlap });
            }
        }
    }
    targets
}

/// The cells near the centre of any box.
fn cells_near(detector: &Detector, truth: &[Truth]) -> Vec<Cell> {
    let mut near = Vec::new();
    for (number, map) in detector.maps.iter().enumerate() {
        let cells = (0..map.cells())
            .filter(|&cell| truth.iter().any(|truth| is_near(map.middle(cell), truth, map.stride)));
        near.extend(cells.map(|cell| (number, cell)));
    }
    near
}

fn is_near(middle: [f64; 2], truth: &Truth, stride: f64) -> bool {
    let centre = truth.rect.centre();
    (0..2).all(|axis| (middle[axis] - centre[axis]).abs() < RADIUS * stride)
}

fn candidate(detector: &Detector, truth: &Truth, output: &[f32], (number, cell): Cell) -> Candidate {
    let map = &detector.maps[number];
    let overlap = or_zero(detector.rect(map, output, cell).smooth_overlap(&truth.rect));
    let something = detector.objectness(map, output, cell);
    let mut cost = -OVERLAP_WEIGHT * (overlap + TINY).ln();
    for class in 0..detector.classes {
        let score = or_zero((something * detector.class(map, output, (class, cell))).sqrt());
        let right = if class == truth.class { score } else { 1.0 - score };
        cost -= right.max(TINY).ln();
    }
    if !is_near(map.middle(cell), truth, map.stride) {
        cost += FAR;
    }
    Candidate { cell: (number, cell), overlap, cost }
}
