//! Depth: L1 over labelled pixels; root mean square and relative error.

use super::{Frame, Loss, Meter, Metric, Norm, regression};

/// `|output - label|` in metres, divided by the labelled pixels.
pub(super) fn loss(frame: &Frame<'_>) -> Loss {
    regression::loss(frame, Norm::L1)
}

/// Sums over labelled pixels.
#[derive(Default)]
pub(super) struct Errors {
    pixels: f64,
    squares: f64,
    relative: f64,
}

impl Meter for Errors {
    fn add(&mut self, frame: &Frame<'_>) {
        for (output, label) in frame.labelled() {
            let label = f64::from(f32::from_bits(label));
            let error = output - label;
            self.pixels += 1.0;
            self.squares += error * error;
            self.relative += error.abs() / label;
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let rmse = (self.squares / self.pixels).sqrt();
        vec![
            Metric { name: "rmse", value: rmse, higher_is_better: false },
            Metric { name: "abs_rel", value: self.relative / self.pixels, higher_is_better: false },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::UNLABELLED;

    #[test]
    fn unlabelled_pixels_count_for_nothing() {
        let labels = [2.0_f32.to_bits(), UNLABELLED, 4.0_f32.to_bits()];
        let frame = Frame { output: &[3.0, 9.0, 1.0], channels: 1, labels: &labels };
        assert_eq!(loss(&frame), Loss { sum: 4.0, count: 2.0 });
        let mut errors = Errors::default();
        errors.add(&frame);
        assert_eq!(errors.metrics()[0].value, 5.0_f64.sqrt());
        assert_eq!(errors.metrics()[1].value, (0.5 + 0.75) / 2.0);
    }
}
