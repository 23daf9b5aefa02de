//! Which cells answer for which labelled boxes, as each family's training code decides it. What depends on a network's
//! answers follows the unpruned network once, and stays.

mod alignment;
mod anchors;
mod dynamic;

use super::targets::Targets;
use super::{Detector, Family, Truth};

impl Detector {
    /// The targets of an image of which the unpruned network makes `output`.
    pub(super) fn assign(&self, truth: &[Truth], output: &[f32]) -> Targets {
        match self.family {
            Family::Yolov5 => anchors::assign(self, truth, output),
            Family::Yolox => dynamic::assign(self, truth, output),
            Family::Yolov8 => alignment::assign(self, truth, output),
        }
    }
}

/// A cell of a map.
type Cell = (usize, usize);

/// Overlaps and the like where the network's answer is not a number.
fn or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

#[cfg(test)]
#[path = "../assign_tests.rs"]
mod tests;
