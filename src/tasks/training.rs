//! How networks learn from tasks: which loss of a training graph, on which output, and what its labels are.

use super::agreement::{self, Agreement, Measure};
use super::detection::{CellWords, MapGoal, Part};
use super::{Norm, Task, TaskError, TaskKind, UNLABELLED, normals};
use crate::graph::{LossKind, Op};

/// One loss of a training graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The graph output that it judges.
    pub output: String,
    /// What is judged of it: operators one after another, the first of which takes the output.
    pub view: Vec<Op>,
    /// The loss.
    pub loss: LossKind,
    /// The shape of the labels of one image, `[C, …]`.
    pub shape: Vec<usize>,
    /// What its sum counts among those of the task.
    pub factor: f64,
    words: Words,
}

/// What the words of [`super::Samples::targets`] are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Words {
    /// Classes, or yes and no.
    Numbers,
    /// Floats.
    Floats,
    /// Floats, of which the first channel says whether a pixel is labelled.
    Directions,
    /// Floats for some channels, all labelled.
    Taught(Agreement),
    /// What cells of a detector's map answer for.
    Cells(CellWords),
}

impl Task {
    /// What a network with these outputs `(name, [N, C, …])` learns from the task: losses, one but for detection, whose
    /// sums, each times its factor, add up to that of [`TaskKind::loss`].
    ///
    /// # Errors
    /// Where the outputs are not those of the task, or its loss has no gradient.
    pub fn goals<'a>(
        &self,
        outputs: impl Iterator<Item = (&'a str, &'a [usize])> + Clone,
    ) -> Result<Vec<Goal>, TaskError> {
        let at = self.find(outputs.clone())?;
        let shape = outputs.map(|(_, shape)| shape).nth(at[0]).and_then(|shape| shape.get(1..));
        let mut shape = shape.unwrap_or(&[]).to_vec();
        let binary = |positive_weight| (LossKind::BinaryCrossEntropy { positive_weight }, Words::Numbers);
        let (loss, words) = match &self.kind {
            TaskKind::Segmentation | TaskKind::Classification => {
                shape[0] = 1;
                (LossKind::CrossEntropy, Words::Numbers)
            }
            TaskKind::Depth | TaskKind::Regression(Norm::L1) => (LossKind::Absolute, Words::Floats),
            TaskKind::Regression(Norm::L2) => (LossKind::Square, Words::Floats),
            TaskKind::Normals => (LossKind::Cosine { shortest: normals::SHORTEST }, Words::Directions),
            TaskKind::Edges { positive_weight } => binary(*positive_weight),
            TaskKind::Multilabel => binary(1.0),
            TaskKind::Agreement(agreement) => {
                let loss = match agreement.measure {
                    Measure::Kl => LossKind::Divergence,
                    Measure::L1 => LossKind::Absolute,
                    Measure::Cosine => LossKind::Cosine { shortest: agreement::SHORTEST },
                };
                (loss, Words::Taught(*agreement))
            }
            TaskKind::Detection(detector, part) => {
                if detector.moving && *part != Part::Box {
                    let reason = "targets that follow the network have no gradient".to_owned();
                    return Err(TaskError::Output { task: self.name.clone(), output: self.shown(), reason });
                }
                let goals = detector.goals(*part).into_iter();
                return Ok(goals.map(|goal| Goal::of_map(goal, &self.outputs)).collect());
            }
        };
        let output = self.outputs[0].clone();
        Ok(vec![Goal { output, view: Vec::new(), loss, shape, factor: 1.0, words }])
    }
}

impl Goal {
    /// The squares of how far a value `[C, …]` inside of a network is from what a teacher says.
    pub fn of_values(value: &str, shape: &[usize]) -> Self {
        let (output, shape) = (value.to_owned(), shape.to_vec());
        let (loss, words) = (LossKind::Square, Words::Floats);
        Self { output, view: Vec::new(), loss, shape, factor: 1.0, words }
    }

    fn of_map(goal: MapGoal, outputs: &[String]) -> Self {
        let MapGoal { place, view, loss, shape, words, factor } = goal;
        let output = outputs[place.output].clone();
        Self { output, view, loss, shape, factor, words: Words::Cells(words) }
    }

    /// The labels of an image, `[C, …]`, for its target words; [`LossKind::UNLABELLED`] where there are none.
    ///
    /// # Panics
    /// If there are fewer words than the loss compares with.
    pub fn labels(&self, words: &[u32]) -> Vec<f32> {
        let pixels = self.pixels();
        match self.words {
            Words::Numbers => words.iter().map(|&word| label(word, |word| word as f32)).collect(),
            Words::Floats => words.iter().map(|&word| label(word, f32::from_bits)).collect(),
            Words::Directions => {
                let of_pixel = |at: usize| label(words[at % pixels], |_| f32::from_bits(words[at]));
                (0..words.len()).map(of_pixel).collect()
            }
            Words::Cells(cells) => cells.labels(words),
            Words::Taught(Agreement { measure, first, channels, .. }) => {
                let mut labels = vec![LossKind::UNLABELLED; self.shape[0] * pixels];
                let own = &mut labels[first * pixels..(first + channels) * pixels];
                own.iter_mut().zip(words).for_each(|(label, &word)| *label = f32::from_bits(word));
                if measure == Measure::Cosine {
                    to_unit_length(own, pixels);
                }
                labels
            }
        }
    }

    /// The labels of an image, `[C, …]`, that a teacher gives by its output.
    pub fn taught(&self, output: &[f32]) -> Vec<f32> {
        let mut labels = output.to_vec();
        if let LossKind::Cosine { .. } = self.loss {
            to_unit_length(&mut labels, self.pixels());
        }
        labels
    }

    /// What the loss of an image is divided by, as in [`TaskKind::loss`]: its labelled pixels, or elements where those
    /// are compared one by one.
    pub fn terms(&self, words: &[u32]) -> usize {
        let labelled = |words: &[u32]| words.iter().filter(|word| **word != UNLABELLED).count();
        match self.words {
            Words::Numbers | Words::Floats => labelled(words),
            Words::Directions => labelled(&words[..self.pixels()]),
            Words::Taught(Agreement { measure: Measure::L1, channels, .. }) => channels * self.pixels(),
            Words::Taught(_) => self.pixels(),
            Words::Cells(cells) => cells.terms(words),
        }
    }

    /// What training divides the loss of an image by, together with those of the other images and goals of a task:
    /// [`Goal::terms`], but for detection, where it is what the family's training code divides by.
    pub fn divisor(&self, words: &[u32]) -> f64 {
        if let Words::Cells(cells) = self.words { cells.divisor(words) } else { self.terms(words) as f64 }
    }

    /// Whether its labels are what cells of a detector answer for, which follows from another network's outputs.
    pub fn is_of_cells(&self) -> bool {
        matches!(self.words, Words::Cells(_))
    }

    fn pixels(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

fn label(word: u32, meaning: impl Fn(u32) -> f32) -> f32 {
    if word == UNLABELLED { LossKind::UNLABELLED } else { meaning(word) }
}

/// Scales vectors along the channels of `labels`, which hold `pixels` each; what is too short stays so.
fn to_unit_length(labels: &mut [f32], pixels: usize) {
    for pixel in 0..pixels {
        let squares = labels[pixel..].iter().step_by(pixels).map(|x| f64::from(*x).powi(2));
        let length = squares.sum::<f64>().sqrt().max(f64::from(agreement::SHORTEST));
        for x in labels[pixel..].iter_mut().step_by(pixels) {
            *x = (f64::from(*x) / length) as f32;
        }
    }
}

#[cfg(test)]
mod tests;
