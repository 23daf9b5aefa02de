//! YOLOv8: task alignment (TAL). Of the cells whose middle is inside a box, the ten whose class score and overlap agree
//! best answer for it; a cell that several boxes want goes to the one that it overlaps most.

use super::super::targets::Targets;
use super::super::{Detector, Target, Truth};
use super::{Cell, or_zero};

/// Cells that answer for a box.
const BEST: usize = 10;
/// Exponents of the class score and of the overlap.
const POWERS: (f64, f64) = (0.5, 6.0);
/// Keeps quotients finite; a middle must be further inside than this.
const TINY: f64 = 1e-9;

/// A cell that answers for a box.
struct Candidate {
    cell: Cell,
    overlap: f64,
    alignment: f64,
}

pub(super) fn assign(detector: &Detector, truth: &[Truth], output: &[f32]) -> Targets {
    let mut owners: Vec<Vec<Option<(usize, f64, f64)>>> =
        detector.maps.iter().map(|map| vec![None; map.cells()]).collect();
    for (number, truth) in truth.iter().enumerate() {
        for Candidate { cell: (map, cell), overlap, alignment } in best(detector, truth, output) {
            let owner = &mut owners[map][cell];
            if owner.is_none_or(|(_, other, _)| overlap > other) {
                *owner = Some((number, overlap, alignment));
            }
        }
    }
    // The cell of a box that is aligned best has the score of its best overlap, the others in proportion.
    let mut largest = vec![(0.0_f64, 0.0_f64); truth.len()];
    for &(number, overlap, alignment) in owners.iter().flatten().flatten() {
        let (overlaps, alignments) = &mut largest[number];
        (*overlaps, *alignments) = (overlaps.max(overlap), alignments.max(alignment));
    }
    let target = |(number, _, alignment): (usize, f64, f64)| {
        let (overlap, best) = largest[number];
        let Truth { rect, class } = truth[number];
        Target { rect, class, score: alignment * overlap / (best + TINY) }
    };
    owners.into_iter().map(|cells| cells.into_iter().map(|owner| owner.map(target)).collect()).collect()
}

fn best(detector: &Detector, truth: &Truth, output: &[f32]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (number, map) in detector.maps.iter().enumerate() {
        for cell in (0..map.cells()).filter(|&cell| truth.rect.holds(map.middle(cell), TINY)) {
            let overlap = or_zero(detector.rect(map, output, cell).complete_overlap(&truth.rect)).max(0.0);
            let score = or_zero(detector.class(map, output, (truth.class, cell)));
            let alignment = score.powf(POWERS.0) * overlap.powf(POWERS.1);
            candidates.push(Candidate { cell: (number, cell), overlap, alignment });
        }
    }
    candidates.sort_by(|a, b| b.alignment.total_cmp(&a.alignment));
    candidates.truncate(BEST);
    candidates
}
