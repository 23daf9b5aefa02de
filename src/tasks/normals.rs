//! Surface normals: one minus the cosine of the angle to the label; mean angle and the share of small angles.

use super::{Frame, Loss, Meter, Metric, UNLABELLED};

/// Outputs shorter than this are taken as this long, so that no length divides by zero.
pub const SHORTEST: f32 = 1e-6;

/// `1 - cos`, divided by the labelled pixels. Outputs need no unit length, labels have it.
pub(super) fn loss(frame: &Frame<'_>) -> Loss {
    let mut loss = Loss::default();
    for cosine in cosines(frame) {
        loss.add(Loss { sum: 1.0 - cosine, count: 1.0 });
    }
    loss
}

/// The cosine at every labelled pixel.
fn cosines(frame: &Frame<'_>) -> impl Iterator<Item = f64> {
    let pixels = frame.pixels();
    let labelled = (0..pixels).filter(|pixel| frame.labels[*pixel] != UNLABELLED);
    labelled.map(move |pixel| {
        let mut dot = 0.0;
        let mut squares = 0.0;
        for channel in 0..frame.channels {
            let output = frame.at(channel, pixel);
            dot += output * f64::from(f32::from_bits(frame.labels[channel * pixels + pixel]));
            squares += output * output;
        }
        let length = squares.sqrt();
        dot / if length < f64::from(SHORTEST) { f64::from(SHORTEST) } else { length }
    })
}

/// Sums of angles in degrees over labelled pixels.
#[derive(Default)]
pub(super) struct Angles {
    pixels: u64,
    degrees: f64,
    small: u64,
}

impl Meter for Angles {
    fn add(&mut self, frame: &Frame<'_>) {
        for cosine in cosines(frame) {
            let degrees = cosine.clamp(-1.0, 1.0).acos().to_degrees();
            self.pixels += 1;
            self.degrees += degrees;
            self.small += u64::from(degrees < 11.25);
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let pixels = self.pixels as f64;
        let small = 100.0 * self.small as f64 / pixels;
        vec![
            Metric { name: "mean_angle", value: self.degrees / pixels, higher_is_better: false },
            Metric { name: "percent_under_11.25", value: small, higher_is_better: true },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_does_not_matter_and_unlabelled_pixels_count_for_nothing() {
        let label = |x: f32| x.to_bits();
        let labels = [label(1.0), UNLABELLED, label(0.0), UNLABELLED, label(0.0), UNLABELLED];
        let frame = Frame { output: &[3.0, 1.0, 3.0, 1.0, 0.0, 1.0], channels: 3, labels: &labels };
        let loss = loss(&frame);
        assert!((loss.sum - (1.0 - 0.5_f64.sqrt())).abs() < 1e-12, "{loss:?}");
        assert_eq!(loss.count, 1.0);
        let mut angles = Angles::default();
        angles.add(&frame);
        assert!((angles.metrics()[0].value - 45.0).abs() < 1e-9);
        assert_eq!(angles.metrics()[1].value, 0.0);
    }

    #[test]
    fn a_zero_output_has_loss_one() {
        let labels = [0, 0, 1.0_f32.to_bits()];
        let frame = Frame { output: &[0.0; 3], channels: 3, labels: &labels };
        assert_eq!(loss(&frame), Loss { sum: 1.0, count: 1.0 });
    }
}
