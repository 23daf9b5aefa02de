//! From a detector's numbers to boxes and scores, in double precision. `output` holds all outputs of an image, one
//! after another.

use super::{Detector, Encoding, Found, Map, Place, Rect};

/// The exponents of YOLOX sizes end here: boxes of millions of cells overlap nothing, and stay finite.
pub(in crate::tasks) const LARGEST_EXPONENT: f64 = 16.0;

impl Place {
    /// Number `channel` of a cell; not a number where it is not finite.
    pub(super) fn value(&self, output: &[f32], channel: usize, cell: usize) -> f64 {
        let value = output[self.origin + self.first + channel * self.channel + cell * self.pixel];
        if value.is_finite() { f64::from(value) } else { f64::NAN }
    }
}

/// The logistic function.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Detector {
    /// The box of a cell; its sides are not numbers where the outputs are not.
    pub fn rect(&self, map: &Map, output: &[f32], cell: usize) -> Rect {
        let value = |channel| map.boxes.value(output, channel, cell);
        let [column, row] = map.position(cell);
        match self.encoding {
            Encoding::Anchors => {
                let [x, y, w, h] = [0, 1, 2, 3].map(|channel| 2.0 * sigmoid(value(channel)));
                let centre = [(x - 0.5 + column) * map.stride, (y - 0.5 + row) * map.stride];
                Rect::around(centre, [w * w * map.anchor[0], h * h * map.anchor[1]])
            }
            Encoding::Exponential => {
                let centre = [(value(0) + column) * map.stride, (value(1) + row) * map.stride];
                let size = |x: f64| {
                    // `min` would take the limit where `x` is not a number.
                    if x > LARGEST_EXPONENT { LARGEST_EXPONENT.exp() } else { x.exp() }
                };
                Rect::around(centre, [size(value(2)) * map.stride, size(value(3)) * map.stride])
            }
            Encoding::Distribution { bins } => {
                let [left, top, right, bottom] =
                    [0, 1, 2, 3].map(|side| expectation((0..bins).map(|bin| value(side * bins + bin))));
                Rect {
                    left: (column + 0.5 - left) * map.stride,
                    top: (row + 0.5 - top) * map.stride,
                    right: (column + 0.5 + right) * map.stride,
                    bottom: (row + 0.5 + bottom) * map.stride,
                }
            }
            Encoding::Pixels => Rect::around([value(0), value(1)], [value(2), value(3)]),
        }
    }

    /// A score as a probability.
    pub(super) fn probability(&self, score: f64) -> f64 {
        if self.probabilities { score } else { sigmoid(score) }
    }

    /// How sure the network is that there is something in a cell; 1 where the family does not say.
    pub(super) fn objectness(&self, map: &Map, output: &[f32], cell: usize) -> f64 {
        map.objectness.map_or(1.0, |place| self.probability(place.value(output, 0, cell)))
    }

    /// How sure the network is of a class in a cell, if there is something in it.
    pub(super) fn class(&self, map: &Map, output: &[f32], (class, cell): (usize, usize)) -> f64 {
        self.probability(map.classes.value(output, class, cell))
    }

    /// Every box of an image with every class that is at least `least` sure.
    pub fn found(&self, output: &[f32], least: f64) -> Vec<Found> {
        let mut found = Vec::new();
        for map in &self.maps {
            for cell in 0..map.cells() {
                let something = self.objectness(map, output, cell);
                if something.is_nan() || something < least {
                    continue;
                }
                for class in 0..self.classes {
                    let score = something * self.class(map, output, (class, cell));
                    if score >= least {
                        found.push(Found { rect: self.rect(map, output, cell), class, score });
                    }
                }
            }
        }
        found.retain(|found| found.rect.area().is_finite());
        found
    }
}

/// The mean of 0, 1, 2, … weighted by the softmax of `logits`.
fn expectation(logits: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut weights) = (0.0, 0.0);
    for (bin, logit) in logits.enumerate() {
        let weight = (logit - largest).exp();
        weights += weight;
        sum += weight * bin as f64;
    }
    sum / weights
}
