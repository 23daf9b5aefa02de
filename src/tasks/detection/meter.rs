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
