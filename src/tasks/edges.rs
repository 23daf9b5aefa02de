//! Edges and other binary maps: weighted binary cross-entropy on logits; F at a probability of one half.

use super::{Frame, Loss, Meter, Metric};

/// `w softplus(-x)` where the label is 1, `softplus(x)` where it is 0, divided by the labelled pixels: PyTorch's
/// `BCEWithLogitsLoss(pos_weight=w)`.
pub(super) fn loss(frame: &Frame<'_>, positive_weight: f32) -> Loss {
    let weight = f64::from(positive_weight);
    frame.sum(|x, label| if label == 1 { weight * softplus(-x) } else { softplus(x) })
}

/// `ln(1 + exp(x))` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Positives found, missed and invented over the whole set.
#[derive(Default)]
pub(super) struct Hits {
    labelled: u64,
    hits: u64,
    labels: u64,
    predictions: u64,
}

impl Meter for Hits {
    fn add(&mut self, frame: &Frame<'_>) {
        for (output, label) in frame.labelled() {
            let predicted = output > 0.0;
            self.labelled += 1;
            self.labels += u64::from(label);
            self.predictions += u64::from(predicted);
            self.hits += u64::from(predicted && label == 1);
        }
    }

    /// Nothing to find and nothing found is perfect.
    fn metrics(&self) -> Vec<Metric> {
        let value = match (self.labelled, self.labels + self.predictions) {
            (0, _) => f64::NAN,
            (_, 0) => 1.0,
            (_, both) => 2.0 * self.hits as f64 / both as f64,
        };
        vec![Metric { name: "f1", value, higher_is_better: true }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::UNLABELLED;

    #[test]
    fn positives_are_weighted_and_the_divisor_is_not() {
        let frame = Frame { output: &[0.0, 0.0, 100.0], channels: 1, labels: &[1, 0, UNLABELLED] };
        let loss = loss(&frame, 3.0);
        assert!((loss.sum - 4.0 * 2.0_f64.ln()).abs() < 1e-12, "{loss:?}");
        assert_eq!(loss.count, 2.0);
    }

    #[test]
    fn f_is_the_harmonic_mean_of_precision_and_recall() {
        let mut hits = Hits::default();
        assert!(hits.metrics()[0].value.is_nan());
        hits.add(&Frame { output: &[-1.0], channels: 1, labels: &[0] });
        assert_eq!(hits.metrics()[0].value, 1.0);
        hits.add(&Frame { output: &[2.0, 2.0, -1.0], channels: 1, labels: &[1, 0, 1] });
        assert_eq!(hits.metrics()[0].value, 0.5);
    }
}
