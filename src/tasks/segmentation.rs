//! Segmentation: softmax cross-entropy over the channels; mean intersection over union and pixel accuracy.

use super::{Frame, Loss, Meter, Metric, UNLABELLED};

/// Cross-entropy, divided by the labelled pixels.
pub(super) fn loss(frame: &Frame<'_>) -> Loss {
    let mut loss = Loss::default();
    for (pixel, &label) in frame.labels.iter().enumerate() {
        if label != UNLABELLED {
            loss.add(Loss { sum: cross_entropy(frame, pixel, label as usize), count: 1.0 });
        }
    }
    loss
}

fn cross_entropy(frame: &Frame<'_>, pixel: usize, class: usize) -> f64 {
    let logits = (0..frame.channels).map(|channel| frame.at(channel, pixel));
    let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.map(|logit| (logit - largest).exp()).sum();
    largest + sum.ln() - frame.at(class, pixel)
}

/// The class with the largest logit, the first of equals; `None` where a logit is not finite.
pub(super) fn predict(frame: &Frame<'_>, pixel: usize) -> Option<usize> {
    let mut best = 0;
    for channel in 0..frame.channels {
        let logit = frame.at(channel, pixel);
        if logit.is_nan() {
            return None;
        }
        if logit > frame.at(best, pixel) {
            best = channel;
        }
    }
    Some(best)
}

/// Pixels of the whole set by label and prediction.
pub(super) struct Confusion {
    classes: usize,
    hits: Vec<u64>,
    labelled: Vec<u64>,
    predicted: Vec<u64>,
}

impl Confusion {
    pub(super) fn new(classes: usize) -> Self {
        let zeros = vec![0; classes];
        Self { classes, hits: zeros.clone(), labelled: zeros.clone(), predicted: zeros }
    }

    /// The mean over classes that occur as a label or a prediction.
    fn mean_iou(&self) -> f64 {
        let mut sum = 0.0;
        let mut present = 0.0;
        for class in 0..self.classes {
            let union = self.labelled[class] + self.predicted[class] - self.hits[class];
            if union > 0 {
                sum += self.hits[class] as f64 / union as f64;
                present += 1.0;
            }
        }
        sum / present
    }
}

impl Meter for Confusion {
    fn add(&mut self, frame: &Frame<'_>) {
        for (pixel, &label) in frame.labels.iter().enumerate() {
            if label == UNLABELLED {
                continue;
            }
            let label = label as usize;
            self.labelled[label] += 1;
            if let Some(class) = predict(frame, pixel) {
                self.predicted[class] += 1;
                self.hits[class] += u64::from(class == label);
            }
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let hits: u64 = self.hits.iter().sum();
        let labelled: u64 = self.labelled.iter().sum();
        let accuracy = hits as f64 / labelled as f64;
        vec![
            Metric { name: "miou", value: self.mean_iou(), higher_is_better: true },
            Metric { name: "pixel_accuracy", value: accuracy, higher_is_better: true },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_of_known_logits_is_divided_by_labelled_pixels() {
        let output = [0.0, 1.0, 5.0, 0.0, 3.0, f32::NAN];
        let frame = Frame { output: &output, channels: 2, labels: &[0, 1, UNLABELLED] };
        let expected = 2.0_f64.ln() + (1.0 + (-2.0_f64).exp()).ln();
        let loss = loss(&frame);
        assert!((loss.sum - expected).abs() < 1e-12, "{loss:?}");
        assert_eq!(loss.count, 2.0);
    }

    #[test]
    fn a_labelled_pixel_that_is_not_finite_makes_the_loss_not_a_number() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..4 {
                let mut output = [1.0, 2.0, 3.0, 4.0];
                output[place] = bad;
                let frame = Frame { output: &output, channels: 2, labels: &[1, 0] };
                assert!(loss(&frame).sum.is_nan(), "{bad} at {place}");
            }
        }
    }

    #[test]
    fn classes_absent_everywhere_are_left_out_of_the_mean() {
        let output = [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let mut confusion = Confusion::new(3);
        confusion.add(&Frame { output: &output, channels: 3, labels: &[0, 1, 1] });
        let metrics = confusion.metrics();
        assert_eq!(metrics[0].value, (1.0 / 2.0 + 1.0 / 2.0) / 2.0);
        assert_eq!(metrics[1].value, 2.0 / 3.0);
    }
}
