//! Regression: L1 or squared error over labelled numbers; mean absolute error.

use super::{Frame, Loss, Meter, Metric, Norm};

/// The distance of output and label, divided by the labelled numbers.
pub(super) fn loss(frame: &Frame<'_>, norm: Norm) -> Loss {
    frame.sum(|output, label| {
        let error = output - f64::from(f32::from_bits(label));
        match norm {
            Norm::L1 => error.abs(),
            Norm::L2 => error * error,
        }
    })
}

/// The sum of absolute errors.
#[derive(Default)]
pub(super) struct Errors(Loss);

impl Meter for Errors {
    fn add(&mut self, frame: &Frame<'_>) {
        self.0.add(loss(frame, Norm::L1));
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "mae", value: self.0.mean(), higher_is_better: false }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_norms_add_over_numbers() {
        let labels = [1.0_f32.to_bits(), (-2.0_f32).to_bits()];
        let frame = Frame { output: &[3.0, 1.0], channels: 2, labels: &labels };
        assert_eq!(loss(&frame, Norm::L1), Loss { sum: 5.0, count: 2.0 });
        assert_eq!(loss(&frame, Norm::L2), Loss { sum: 13.0, count: 2.0 });
        let mut errors = Errors::default();
        errors.add(&frame);
        assert_eq!(errors.metrics()[0].value, 2.5);
    }
}
