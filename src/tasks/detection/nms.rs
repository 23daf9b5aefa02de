//! Non-maximum suppression: of boxes of one class that overlap, the one with the highest score stays.

use super::Rect;
use std::collections::BTreeMap;

/// A box that a network found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Where.
    pub rect: Rect,
    /// Its class.
    pub class: usize,
    /// How sure the network is, from 0 to 1.
    pub score: f64,
}

/// Boxes with a lower score are not looked at: a mean average precision needs nearly all.
pub const LEAST_SCORE: f64 = 0.001;
/// Boxes of one class that overlap more than this are the same thing.
pub const LARGEST_OVERLAP: f64 = 0.65;
/// Boxes that stay of one picture.
pub const MOST: usize = 300;

/// The boxes that stay, from the highest score down; equal scores in the order that they had. Classes do not suppress
/// each other. At most [`MOST`] stay, and none under [`LEAST_SCORE`].
pub fn suppress(mut found: Vec<Found>) -> Vec<Found> {
    found.retain(|found| found.score >= LEAST_SCORE);
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Found> = Vec::new();
    let mut by_class: BTreeMap<usize, Vec<Rect>> = BTreeMap::new();
    for candidate in found {
        let rivals = by_class.entry(candidate.class).or_default();
        if rivals.iter().any(|rival| rival.overlap(&candidate.rect) > LARGEST_OVERLAP) {
            continue;
        }
        rivals.push(candidate.rect);
        kept.push(candidate);
        if kept.len() == MOST {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(left: f64, class: usize, score: f64) -> Found {
        Found { rect: Rect { left, top: 0.0, right: left + 10.0, bottom: 10.0 }, class, score }
    }

    #[test]
    fn the_surest_of_overlapping_boxes_of_a_class_stays() {
        let all = vec![found(1.0, 0, 0.8), found(0.0, 0, 0.9), found(1.0, 1, 0.7), found(9.0, 0, 0.6)];
        let scores: Vec<f64> = suppress(all).iter().map(|found| found.score).collect();
        assert_eq!(scores, [0.9, 0.7, 0.6]);
    }

    #[test]
    fn a_suppressed_box_suppresses_nothing() {
        let chain = vec![found(0.0, 0, 0.9), found(2.0, 0, 0.8), found(4.0, 0, 0.7)];
        let lefts: Vec<f64> = suppress(chain).iter().map(|found| found.rect.left).collect();
        assert_eq!(lefts, [0.0, 4.0]);
    }

    #[test]
    fn broken_and_hardly_scored_boxes_go_and_there_is_an_end() {
        let mut all = vec![found(0.0, 0, f64::NAN), found(0.0, 0, 0.0005)];
        assert!(suppress(all.clone()).is_empty());
        all.extend((0..500).map(|at| found(20.0 * f64::from(at), 0, 0.5)));
        assert_eq!(suppress(all).len(), MOST);
    }
}
