//! Independent yes/no labels of an image: binary cross-entropy on logits; F at one half over all of them.

use super::{Frame, Loss, edges};

/// Positives found, missed and invented, over all labels of all images (micro average).
pub(super) type Hits = edges::Hits;

/// Unweighted binary cross-entropy, divided by the labelled answers.
pub(super) fn loss(frame: &Frame<'_>) -> Loss {
    edges::loss(frame, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::UNLABELLED;

    #[test]
    fn every_answer_counts_once() {
        let frame = Frame { output: &[0.0, 1e4, 0.0], channels: 3, labels: &[1, 1, UNLABELLED] };
        let loss = loss(&frame);
        assert_eq!(loss.count, 2.0);
        assert!((loss.sum - 2.0_f64.ln()).abs() < 1e-12, "{loss:?}");
    }
}
