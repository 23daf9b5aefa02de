//! Classification of whole images: softmax cross-entropy; top-1 accuracy.

use super::{Frame, Loss, Meter, Metric, UNLABELLED, segmentation};

/// Cross-entropy, divided by the labelled images: segmentation of one pixel.
pub(super) fn loss(frame: &Frame<'_>) -> Loss {
    segmentation::loss(frame)
}

/// Labelled images, and those whose largest logit is the label's.
#[derive(Default)]
pub(super) struct Top1 {
    images: u64,
    hits: u64,
}

impl Meter for Top1 {
    fn add(&mut self, frame: &Frame<'_>) {
        let Some(&label) = frame.labels.first().filter(|label| **label != UNLABELLED) else {
            return;
        };
        self.images += 1;
        self.hits += u64::from(segmentation::predict(frame, 0) == Some(label as usize));
    }

    fn metrics(&self) -> Vec<Metric> {
        let value = self.hits as f64 / self.images as f64;
        vec![Metric { name: "top1", value, higher_is_better: true }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_class_and_broken_logits_are_misses() {
        let mut top1 = Top1::default();
        top1.add(&Frame { output: &[1.0, 1.0], channels: 2, labels: &[0] });
        top1.add(&Frame { output: &[f32::NAN, 1.0], channels: 2, labels: &[0] });
        top1.add(&Frame { output: &[0.0, 1.0], channels: 2, labels: &[UNLABELLED] });
        assert_eq!(top1.metrics()[0].value, 0.5);
    }
}
