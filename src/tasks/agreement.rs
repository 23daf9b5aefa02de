//! Agreement with the unpruned network: no labels but its own outputs. `docs/agreement.md` tells what a limit means.

use super::{Frame, Loss, Meter, Metric};

/// How answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Divergence of the softmax over the channels; one channel is the logit of yes.
    Kl,
    /// Absolute difference.
    L1,
    /// One minus the cosine of the angle, over the channels.
    Cosine,
}

/// Which channels of an output are compared, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// How.
    pub measure: Measure,
    /// The first channel.
    pub first: usize,
    /// How many.
    pub channels: usize,
    /// The loss that a network is taken to have which agrees fully, where increases are relative.
    pub floor: f64,
}

/// A tenth of the natural unit.
pub const FLOOR: f64 = 0.1;

/// Vectors shorter than this are taken as this long, so that no length divides by zero; two such vectors agree.
pub(super) const SHORTEST: f32 = 1e-6;

impl Agreement {
    /// The compared channels of an output of `channels` channels, as label words.
    pub fn words(&self, output: &[f32], channels: usize) -> Vec<u32> {
        // A float that is not a number may look like no label.
        let word = |value: &f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
        self.slice(output, channels).iter().map(word).collect()
    }

    fn slice<'a>(&self, output: &'a [f32], channels: usize) -> &'a [f32] {
        let pixels = output.len() / channels;
        &output[self.first * pixels..][..self.channels * pixels]
    }
}

/// The distance in its own measure, divided by elements (L1) or pixels.
pub(super) fn loss(agreement: &Agreement, frame: &Frame<'_>) -> Loss {
    let mut loss = Loss::default();
    let pairs = Pairs::new(agreement, frame);
    for pixel in 0..pairs.pixels {
        let (sum, count) = match agreement.measure {
            Measure::L1 => {
                (pairs.at(pixel).map(|(x, label)| (x - label).abs()).sum(), agreement.channels as f64)
            }
            Measure::Kl => (pairs.divergence(pixel), 1.0),
            Measure::Cosine => (1.0 - pairs.cosine(pixel), 1.0),
        };
        loss.add(Loss { sum, count });
    }
    loss
}

/// Both networks' compared channels of an image.
struct Pairs<'a> {
    output: &'a [f32],
    labels: &'a [u32],
    channels: usize,
    pixels: usize,
}

impl<'a> Pairs<'a> {
    fn new(agreement: &Agreement, frame: &Frame<'a>) -> Self {
        let output = agreement.slice(frame.output, frame.channels);
        Self { output, labels: frame.labels, channels: agreement.channels, pixels: frame.pixels() }
    }

    fn at(&self, pixel: usize) -> impl Iterator<Item = (f64, f64)> + Clone + use<'a> {
        let (output, labels, pixels) = (self.output, self.labels, self.pixels);
        (0..self.channels).map(move |channel| {
            let at = channel * pixels + pixel;
            let finite = |x: f32| if x.is_finite() { f64::from(x) } else { f64::NAN };
            (finite(output[at]), finite(f32::from_bits(labels[at])))
        })
    }

    fn divergence(&self, pixel: usize) -> f64 {
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        if self.channels == 1 {
            return self
                .at(pixel)
                .map(|(x, label)| (label - x) / (1.0 + (-label).exp()) + softplus(x) - softplus(label))
                .sum();
        }
        let logs = |logits: &dyn Fn((f64, f64)) -> f64| {
            let largest = self.at(pixel).map(logits).fold(f64::NEG_INFINITY, f64::max);
            largest + self.at(pixel).map(|pair| (logits(pair) - largest).exp()).sum::<f64>().ln()
        };
        let (all, all_labels) = (logs(&|(x, _)| x), logs(&|(_, label)| label));
        self.at(pixel).map(|(x, label)| (label - all_labels).exp() * (label - all_labels - x + all)).sum()
    }

    fn cosine(&self, pixel: usize) -> f64 {
        let shortest = f64::from(SHORTEST);
        let (mut both, mut squares, mut label_squares) = (0.0, 0.0, 0.0);
        for (x, label) in self.at(pixel) {
            both += x * label;
            squares += x * x;
            label_squares += label * label;
        }
        let (length, label_length) = (squares.sqrt(), label_squares.sqrt());
        if length < shortest && label_length < shortest {
            return 1.0;
        }
        let at_least = |length: f64| if length < shortest { shortest } else { length };
        both / (at_least(length) * at_least(label_length))
    }

    fn largest(&self, pixel: usize) -> [Option<usize>; 2] {
        if self.channels == 1 {
            let sides = self
                .at(pixel)
                .map(|(x, label)| [x, label].map(|x| (!x.is_nan()).then_some(usize::from(x > 0.0))));
            return sides.last().unwrap_or([None; 2]);
        }
        let largest = |value: &dyn Fn((f64, f64)) -> f64| {
            let mut best: Option<(usize, f64)> = None;
            for (channel, pair) in self.at(pixel).enumerate() {
                let value = value(pair);
                if value.is_nan() {
                    return None;
                }
                if best.is_none_or(|(_, most)| value > most) {
                    best = Some((channel, value));
                }
            }
            best.map(|(channel, _)| channel)
        };
        [largest(&|(x, _)| x), largest(&|(_, label)| label)]
    }
}

/// How much the numbers of a network vary over a set, gathered image by image: the natural unit of a difference.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    channels: Vec<[f64; 3]>,
}

impl Spread {
    /// Adds an image's label words.
    pub fn add(&mut self, agreement: &Agreement, words: &[u32]) {
        self.channels.resize(agreement.channels, [0.0; 3]);
        for (sums, words) in self.channels.iter_mut().zip(words.chunks(words.len() / agreement.channels)) {
            for value in words.iter().map(|&word| f64::from(f32::from_bits(word))) {
                sums[0] += 1.0;
                sums[1] += value;
                sums[2] += value * value;
            }
        }
    }

    /// Squares of differences from the channels' means, squares, and how many numbers.
    fn squares(&self) -> [f64; 3] {
        let about_mean = |[count, sum, squares]: &[f64; 3]| (squares - sum * sum / count).max(0.0);
        let of = |place: usize| self.channels.iter().map(|sums| sums[place]).sum();
        [self.channels.iter().map(about_mean).sum(), of(2), of(0)]
    }

    /// What a loss is divided by: for L1 the standard deviation about the channels' means; where that is below a
    /// thousandth of the root mean square, the latter; 1 where all is zero. For a divergence the logarithm of the
    /// number of answers, which a network that says "all alike" differs by from one that is sure. For a cosine 1.
    pub fn unit(&self, agreement: &Agreement) -> f64 {
        match agreement.measure {
            Measure::Kl => (agreement.channels.max(2) as f64).ln(),
            Measure::Cosine => 1.0,
            Measure::L1 => {
                let [about_mean, squares, count] = self.squares();
                let (deviation, size) = ((about_mean / count).sqrt(), (squares / count).sqrt());
                if deviation > 1e-3 * size {
                    deviation
                } else if size > 0.0 {
                    size
                } else {
                    1.0
                }
            }
        }
    }
}

/// Agreement over a set: for divergences the share of pixels whose largest channel is the same, for cosines their mean,
/// for differences the share of the variance that is explained (R²).
pub(super) struct Agreed {
    agreement: Agreement,
    spread: Spread,
    sum: f64,
    count: f64,
}

impl Agreed {
    pub(super) fn new(agreement: Agreement) -> Self {
        Self { agreement, spread: Spread::default(), sum: 0.0, count: 0.0 }
    }
}

impl Meter for Agreed {
    fn add(&mut self, frame: &Frame<'_>) {
        let pairs = Pairs::new(&self.agreement, frame);
        self.spread.add(&self.agreement, frame.labels);
        for pixel in 0..pairs.pixels {
            self.sum += match self.agreement.measure {
                Measure::L1 => pairs.at(pixel).map(|(x, label)| (x - label).powi(2)).sum(),
                Measure::Cosine => pairs.cosine(pixel),
                Measure::Kl => {
                    let [found, label] = pairs.largest(pixel);
                    f64::from(u8::from(found.is_some() && found == label))
                }
            };
            self.count += 1.0;
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let value = match self.agreement.measure {
            Measure::L1 => match (self.sum, self.spread.squares()[0]) {
                (0.0, _) if self.count > 0.0 => 1.0,
                (sum, squares) => 1.0 - sum / squares,
            },
            Measure::Kl | Measure::Cosine => self.sum / self.count,
        };
        vec![Metric { name: "agreement", value, higher_is_better: true }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(measure: Measure, first: usize, channels: usize) -> Agreement {
        Agreement { measure, first, channels, floor: FLOOR }
    }

    fn measured(agreement: Agreement, output: &[f32], label: &[f32]) -> (Loss, f64) {
        let channels = 3;
        let labels = agreement.words(label, channels);
        let frame = Frame { output, channels, labels: &labels };
        let mut meter = Agreed::new(agreement);
        meter.add(&frame);
        (loss(&agreement, &frame), meter.metrics()[0].value)
    }

    #[test]
    fn a_network_agrees_with_itself() {
        let output = [0.5, -1.0, 2.0, 3.0, 0.25, 0.0];
        for measure in [Measure::Kl, Measure::L1, Measure::Cosine] {
            for (first, channels) in [(0, 3), (1, 2), (2, 1)] {
                let (loss, metric) = measured(agreement(measure, first, channels), &output, &output);
                assert!(loss.sum.abs() < 1e-12 && loss.count > 0.0, "{measure:?} {loss:?}");
                assert!((metric - 1.0).abs() < 1e-9, "{measure:?} {metric}");
            }
        }
    }

    #[test]
    fn known_distances_of_some_channels() {
        let (ours, theirs) = ([9.0, 9.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let (loss, _) = measured(agreement(Measure::L1, 1, 2), &ours, &theirs);
        assert_eq!(loss, Loss { sum: 2.0, count: 4.0 });
        let (loss, _) = measured(agreement(Measure::Cosine, 1, 2), &ours, &theirs);
        assert_eq!(loss, Loss { sum: 1.0, count: 2.0 });
        let e = std::f64::consts::E;
        let (loss, metric) = measured(agreement(Measure::Kl, 1, 2), &ours, &theirs);
        assert!((loss.sum - (e - 1.0) / (e + 1.0)).abs() < 1e-7, "{loss:?}");
        assert_eq!((loss.count, metric), (2.0, 0.5));
    }

    #[test]
    fn what_is_not_finite_makes_the_loss_not_a_number() {
        for measure in [Measure::Kl, Measure::L1, Measure::Cosine] {
            let (loss, _) =
                measured(agreement(measure, 0, 3), &[1.0, f32::INFINITY, 0.0, 0.0, 0.0, 0.0], &[0.0; 6]);
            assert!(loss.sum.is_nan(), "{measure:?}");
        }
    }

    #[test]
    fn units_are_natural_and_never_zero() {
        let unit = |measure, values: &[f32]| {
            let agreement = agreement(measure, 0, 1);
            let mut spread = Spread::default();
            spread.add(&agreement, &agreement.words(values, 1));
            spread.unit(&agreement)
        };
        assert!((unit(Measure::L1, &[1.0, 3.0]) - 1.0).abs() < 1e-12);
        assert_eq!(unit(Measure::L1, &[4.0, 4.0]), 4.0);
        assert_eq!(unit(Measure::L1, &[0.0, 0.0]), 1.0);
        assert_eq!(unit(Measure::Kl, &[1.0, 3.0]), 2.0_f64.ln());
    }
}
