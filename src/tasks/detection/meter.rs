//! Mean average precision of a detector over a set.

use super::{AveragePrecision, Detector, LEAST_SCORE, Truth, suppress};
use crate::tasks::{Frame, Meter, Metric};
use std::sync::Arc;

/// What a detector found so far; labels are labelled boxes.
pub(in crate::tasks) struct Precision {
    detector: Arc<Detector>,
    average: AveragePrecision,
}

impl Precision {
    pub(in crate::tasks) fn new(detector: &Arc<Detector>) -> Self {
        Self { detector: detector.clone(), average: AveragePrecision::new(detector.classes) }
    }
}

impl Meter for Precision {
    fn add(&mut self, frame: &Frame<'_>) {
        let found = suppress(self.detector.found(frame.output, LEAST_SCORE));
        self.average.add(&Truth::list(frame.labels), &found);
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![
            Metric { name: "map", value: self.average.mean(), higher_is_better: true },
            Metric { name: "map50", value: self.average.mean_at_half(), higher_is_better: true },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::detection::{Family, Format, Rect};

    /// What `yolo export` writes: boxes in pixels above probabilities, for 16 cells.
    fn detector() -> Arc<Detector> {
        let format = Format {
            family: Family::Yolov8,
            classes: 2,
            strides: vec![8],
            anchors: vec![],
            probabilities: None,
            decoded: None,
            bins: 16,
        };
        Arc::new(format.detector([32, 32], &[vec![6, 16]]).unwrap())
    }

    fn add(precision: &mut Precision, truth: &[Truth], found: &[(Truth, f32)]) {
        let mut output = vec![0.0; 6 * 16];
        for (cell, (Truth { class, rect }, score)) in found.iter().enumerate() {
            let ([x, y], [w, h]) = (rect.centre(), rect.size());
            for (channel, value) in [x, y, w, h].into_iter().enumerate() {
                output[channel * 16 + cell] = value as f32;
            }
            output[(4 + class) * 16 + cell] = *score;
        }
        let labels: Vec<u32> = truth.iter().flat_map(Truth::words).collect();
        precision.add(&Frame { output: &output, channels: 6, labels: &labels });
    }

    #[test]
    fn boxes_are_found_where_they_are_and_doubles_are_suppressed() {
        let mut precision = Precision::new(&detector());
        let a = Truth { class: 0, rect: Rect::around([10.0, 12.0], [8.0, 12.0]) };
        let b = Truth { class: 1, rect: Rect::around([24.0, 20.0], [10.0, 6.0]) };
        let double = Truth { class: 0, rect: Rect::around([10.5, 12.0], [8.0, 12.0]) };
        add(&mut precision, &[a, b], &[(double, 0.6), (a, 0.9), (b, 0.2)]);
        add(&mut precision, &[], &[]);
        let values = |precision: &Precision| -> Vec<f64> {
            precision.metrics().iter().map(|metric| metric.value).collect()
        };
        assert_eq!(values(&precision), [1.0, 1.0]);
        // A box of the wrong class, surer than the right ones, halves the precision of its class.
        add(&mut precision, &[], &[(Truth { class: 1, ..a }, 0.99)]);
        assert_eq!(values(&precision), [0.75, 0.75]);
        // An overlap of 0.6 counts at three of ten thresholds.
        let mut off = Precision::new(&detector());
        let wide = Truth { class: 0, rect: Rect::around([10.0, 12.0], [8.0, 20.0]) };
        add(&mut off, &[a], &[(wide, 0.9)]);
        let found = values(&off);
        assert!((found[0] - 0.3).abs() < 1e-9 && found[1] == 1.0, "{found:?}");
    }
}
