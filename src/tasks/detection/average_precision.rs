//! Mean average precision as COCO defines it: 101 recall points, ten overlaps from 0.5 to 0.95, all sizes of boxes, at
//! most a hundred boxes of each class in a picture.

use super::{Found, Truth};

/// Overlaps at which a box counts as found.
const THRESHOLDS: usize = 10;
/// Boxes of one class that count in one picture.
const MOST: usize = 100;

/// What was found of every class so far.
#[derive(Clone, Debug, Default)]
pub struct AveragePrecision {
    classes: Vec<Class>,
}

#[derive(Clone, Debug, Default)]
struct Class {
    labelled: usize,
    found: Vec<Judged>,
}

/// A found box: its score, and at which overlaps it is one that was labelled.
#[derive(Clone, Copy, Debug)]
struct Judged {
    score: f64,
    hits: [bool; THRESHOLDS],
}

fn threshold(index: usize) -> f64 {
    0.5 + 0.05 * index as f64
}

impl AveragePrecision {
    /// Nothing found yet of `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { classes: vec![Class::default(); classes] }
    }

    /// Adds a picture: what is in it, and what was found, whose classes are below the number of classes.
    pub fn add(&mut self, truth: &[Truth], found: &[Found]) {
        for (number, class) in self.classes.iter_mut().enumerate() {
            let truth: Vec<&Truth> = truth.iter().filter(|truth| truth.class == number).collect();
            let mut found: Vec<&Found> = found.iter().filter(|found| found.class == number).collect();
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(MOST);
            class.labelled += truth.len();
            class.found.extend(judge(&truth, &found));
        }
    }

    /// The mean over classes that are labelled somewhere, and over all ten overlaps; not a number where there is no
    /// such class.
    pub fn mean(&self) -> f64 {
        mean((0..THRESHOLDS).flat_map(|index| self.at(index)))
    }

    /// The same at the overlap 0.5 alone.
    pub fn mean_at_half(&self) -> f64 {
        mean(self.at(0))
    }

    fn at(&self, threshold: usize) -> impl Iterator<Item = f64> {
        self.classes.iter().filter(|class| class.labelled > 0).map(move |class| class.precision(threshold))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// From the highest score down, every box takes the labelled one that it overlaps most, of those not taken yet.
fn judge(truth: &[&Truth], found: &[&Found]) -> Vec<Judged> {
    let overlaps: Vec<Vec<f64>> = found
        .iter()
        .map(|found| truth.iter().map(|truth| truth.rect.overlap(&found.rect)).collect())
        .collect();
    let mut judged: Vec<Judged> =
        found.iter().map(|found| Judged { score: found.score, hits: [false; THRESHOLDS] }).collect();
    for index in 0..THRESHOLDS {
        let mut taken = vec![false; truth.len()];
        for (judged, overlaps) in judged.iter_mut().zip(&overlaps) {
            let mut best = None;
            let mut least = threshold(index).min(1.0 - 1e-10);
            for (at, &overlap) in overlaps.iter().enumerate() {
                if !taken[at] && overlap >= least {
                    least = overlap;
                    best = Some(at);
                }
            }
            if let Some(at) = best {
                taken[at] = true;
                judged.hits[index] = true;
            }
        }
    }
    judged
}

impl Class {
    /// The mean over 101 recalls of the highest precision at that recall or a higher one.
    fn precision(&self, threshold: usize) -> f64 {
        let mut order: Vec<&Judged> = self.found.iter().collect();
        order.sort_by(|a, b| b.score.total_cmp(&a.score));
        let (mut hits, mut recalls, mut precisions) = (0.0, Vec::new(), Vec::new());
        for (at, judged) in order.iter().enumerate() {
            hits += f64::from(u8::from(judged.hits[threshold]));
            recalls.push(hits / self.labelled as f64);
            precisions.push(hits / (at + 1) as f64);
        }
        for at in (1..precisions.len()).rev() {
            precisions[at - 1] = f64::max(precisions[at - 1], precisions[at]);
        }
        let at = |recall: f64| recalls.partition_point(|&reached| reached < recall);
        let sum: f64 =
            (0..=100).map(|step| precisions.get(at(f64::from(step) * 0.01)).copied().unwrap_or(0.0)).sum();
        sum / 101.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::detection::Rect;
    use serde_json::Value;

    fn rect(numbers: &[f64]) -> Rect {
        Rect { left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3] }
    }

    fn lists(value: &Value) -> Vec<Vec<f64>> {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn made_sets_measure_as_pycocotools_does() {
        let text = include_str!("../../../kernels-tests/golden/average_precision.json");
        let sets: Vec<Value> = serde_json::from_str(text).unwrap();
        assert!(sets.len() >= 5);
        for set in &sets {
            let mut precision = AveragePrecision::new(set["classes"].as_u64().unwrap() as usize);
            for picture in set["pictures"].as_array().unwrap() {
                let truth: Vec<Truth> = lists(&picture["truth"])
                    .iter()
                    .map(|row| Truth { class: row[0] as usize, rect: rect(&row[1..]) })
                    .collect();
                let found: Vec<Found> = lists(&picture["found"])
                    .iter()
                    .map(|row| Found { class: row[0] as usize, score: row[1], rect: rect(&row[2..]) })
                    .collect();
                precision.add(&truth, &found);
            }
            for (key, value) in [("map", precision.mean()), ("map50", precision.mean_at_half())] {
                let expected = set["expected"][key].as_f64().unwrap();
                assert!((0.05..0.95).contains(&expected), "{}: {expected} says little", set["name"]);
                let error = (value - expected).abs();
                assert!(error < 1e-6, "{}: {key} is {value}, pycocotools has {expected}", set["name"]);
            }
        }
    }

    #[test]
    fn nothing_labelled_is_not_a_number_and_nothing_found_is_zero() {
        let mut precision = AveragePrecision::new(2);
        precision.add(&[], &[Found { class: 0, score: 0.5, rect: rect(&[0.0, 0.0, 1.0, 1.0]) }]);
        assert!(precision.mean().is_nan());
        precision.add(&[Truth { class: 1, rect: rect(&[0.0, 0.0, 1.0, 1.0]) }], &[]);
        assert_eq!(precision.mean(), 0.0);
    }
}
