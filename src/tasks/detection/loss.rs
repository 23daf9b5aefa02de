//! The losses of a detector in double precision, over the targets of [`super::targets`].

use super::decode::sigmoid;
use super::{Detector, Family, Part, Target};
use crate::tasks::{Frame, Loss};

/// Probabilities are taken as at least this and at most 1 less this: half the distance of floats below 1.
pub(in crate::tasks) const LEAST_PROBABILITY: f64 = 1.0 / (1u64 << 24) as f64;

/// One part of the loss of an image, whose labels are target words.
pub(in crate::tasks) fn loss(detector: &Detector, part: Part, frame: &Frame<'_>) -> Loss {
    let mut loss = Loss::default();
    for (number, map) in detector.maps.iter().enumerate() {
        for cell in 0..map.cells() {
            let target = detector.target(frame.labels, number, cell);
            let at = Cell { detector, number, cell, output: frame.output };
            if let Some(term) = at.term(part, target.as_ref()) {
                loss.add(term);
            }
        }
    }
    loss
}

struct Cell<'a> {
    detector: &'a Detector,
    number: usize,
    cell: usize,
    output: &'a [f32],
}

impl Cell<'_> {
    fn term(&self, part: Part, target: Option<&Target>) -> Option<Loss> {
        let (detector, map) = (self.detector, &self.detector.maps[self.number]);
        match part {
            Part::Box => target.map(|target| {
                let overlap = self.overlap(target);
                let sum = match detector.family {
                    Family::Yolov5 => 1.0 - overlap,
                    Family::Yolox => 1.0 - overlap * overlap,
                    Family::Yolov8 => target.score * (1.0 - overlap),
                };
                Loss { sum, count: 1.0 }
            }),
            Part::Objectness => {
                let place = map.objectness?;
                let expected = target.map_or(0.0, |target| match detector.family {
                    Family::Yolov5 if detector.moving => at_least_zero(self.overlap(target)),
                    Family::Yolov5 => target.score,
                    Family::Yolox | Family::Yolov8 => 1.0,
                });
                let value = place.value(self.output, 0, self.cell);
                Some(Loss { sum: detector.weight(map) * self.entropy(value, expected), count: 1.0 })
            }
            Part::Class => {
                if target.is_none() && detector.family != Family::Yolov8 {
                    return None;
                }
                let expected = target.map_or(0.0, |target| match detector.family {
                    Family::Yolov5 => 1.0,
                    Family::Yolox if detector.moving => self.overlap(target),
                    Family::Yolox | Family::Yolov8 => target.score,
                });
                let class = target.map(|target| target.class);
                let mut sum = 0.0;
                for number in 0..detector.classes {
                    let expected = if class == Some(number) { expected } else { 0.0 };
                    sum += self.entropy(map.classes.value(self.output, number, self.cell), expected);
                }
                Some(Loss { sum, count: detector.classes as f64 })
            }
        }
    }

    fn overlap(&self, target: &Target) -> f64 {
        let rect = self.detector.rect(&self.detector.maps[self.number], self.output, self.cell);
        self.detector.family.overlap(&rect, &target.rect)
    }

    /// Binary cross-entropy of a score.
    fn entropy(&self, score: f64, expected: f64) -> f64 {
        if self.detector.probabilities {
            let log = |p: f64| if p < LEAST_PROBABILITY { LEAST_PROBABILITY.ln() } else { p.ln() };
            return -(expected * log(score) + (1.0 - expected) * log(1.0 - score));
        }
        // softplus(score) - expected * score
        score.max(0.0) - expected * score - sigmoid(score.abs()).ln()
    }
}

/// Not a number where `x` is not, unlike `max`.
fn at_least_zero(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}
