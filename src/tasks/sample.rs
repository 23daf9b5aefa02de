//! Tasks, and the pictures and labels they are judged on, in memory.

use super::{Loss, TaskKind};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use thiserror::Error;

/// One task of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name, unique.
    pub name: String,
    /// What it is.
    pub kind: TaskKind,
    /// The graph outputs that it reads: one, but for detection.
    pub outputs: Vec<String>,
    /// The relative loss increase that the first unit of a search may cause; `None` takes the search's rate.
    pub limit: Option<f64>,
    /// Names of the classes in the order of their numbers, where given.
    pub names: Vec<String>,
}

/// A task that does not fit the network.
#[derive(Debug, Error, PartialEq)]
pub enum TaskError {
    /// The output does not exist.
    #[error("task {task}: the model has no output {output}; its outputs are {}", found.join(", "))]
    NoOutput {
        /// The task.
        task: String,
        /// The output it names.
        output: String,
        /// The outputs there.
        found: Vec<String>,
    },
    /// The output has another form than the kind needs.
    #[error("task {task}, output {output}: {reason}")]
    Output {
        /// The task.
        task: String,
        /// Its output.
        output: String,
        /// What was expected and what was found.
        reason: String,
    },
}

/// One image's output and labels.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The output, `[channels][pixels]`; all outputs, one after another, of a task that reads several.
    pub output: &'a [f32],
    /// Channels of the first output.
    pub channels: usize,
    /// Its labels, see [`Samples`].
    pub labels: &'a [u32],
}

/// Pictures and labels of some images, in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// For every graph input, for every image: the input `[C, H, W]`.
    pub inputs: Vec<Vec<Vec<f32>>>,
    /// For every task, for every image: the label words. Segmentation and classification: a class per pixel; edges and
    /// multilabel: 0 or 1 per element `[C, H, W]`; depth, normals and regression: the bits of a float per element.
    /// [`super::UNLABELLED`] where there is none. Detection: a list of boxes ([`super::detection::Truth`]). Agreement:
    /// nothing, until the unpruned network has been run.
    pub labels: Vec<Vec<Vec<u32>>>,
    /// For every task what the loss compares with. Empty until the unpruned network has been run: labels alone.
    pub targets: Vec<Targets>,
}

/// What the loss of a task compares with.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// The labels.
    Labels,
    /// Words for every image, which follow from the labels and the unpruned network.
    Words(Vec<Vec<u32>>),
    /// The words of an earlier task: the parts of a detector share them.
    Of(usize),
}

/// Where images come from, a part at a time.
pub trait Source {
    /// Its failure.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The number of images.
    fn len(&self) -> usize;

    /// Some of the images.
    fn load(&self, images: Range<usize>) -> Result<Samples, Self::Error>;

    /// Whether there are no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Task {
    /// Finds the task's outputs among `(name, shape)` pairs and checks their form; returns their positions.
    pub fn find<'a>(
        &self,
        outputs: impl Iterator<Item = (&'a str, &'a [usize])>,
    ) -> Result<Vec<usize>, TaskError> {
        let (names, shapes): (Vec<&str>, Vec<&[usize]>) = outputs.unzip();
        let position = |output: &String| {
            names.iter().position(|name| name == output).ok_or_else(|| TaskError::NoOutput {
                task: self.name.clone(),
                output: output.clone(),
                found: names.iter().map(|&name| name.to_owned()).collect(),
            })
        };
        let found: Vec<usize> = self.outputs.iter().map(position).collect::<Result<_, _>>()?;
        let shapes: Vec<&[usize]> = found.iter().map(|&at| shapes[at]).collect();
        let fail = |reason| TaskError::Output { task: self.name.clone(), output: self.shown(), reason };
        self.kind.check(&shapes).map_err(fail)?;
        Ok(found)
    }

    /// Its outputs for messages.
    pub fn shown(&self) -> String {
        self.outputs.join(", ")
    }

    /// The same task with targets that follow the network where training has them so.
    #[must_use]
    pub fn moving(&self) -> Self {
        let kind = match &self.kind {
            TaskKind::Detection(detector, part) => TaskKind::Detection(Arc::new(detector.moving()), *part),
            other => other.clone(),
        };
        Self { kind, ..self.clone() }
    }
}

impl<'a> Frame<'a> {
    /// Pixels of one channel.
    pub fn pixels(&self) -> usize {
        self.output.len() / self.channels
    }

    /// The output at a channel of a pixel; not a number where it is infinite.
    pub fn at(&self, channel: usize, pixel: usize) -> f64 {
        finite(self.output[channel * self.pixels() + pixel])
    }

    /// Output and label of every labelled element, for labels of the output's form.
    pub fn labelled(&self) -> impl Iterator<Item = (f64, u32)> + 'a {
        let pairs = self.output.iter().zip(self.labels);
        pairs.filter(|(_, label)| **label != super::UNLABELLED).map(|(x, label)| (finite(*x), *label))
    }

    /// The loss that adds `term` over every labelled element.
    pub fn sum(&self, term: impl Fn(f64, u32) -> f64) -> Loss {
        let mut loss = Loss::default();
        for (output, label) in self.labelled() {
            loss.add(Loss { sum: term(output, label), count: 1.0 });
        }
        loss
    }
}

fn finite(value: f32) -> f64 {
    if value.is_finite() { f64::from(value) } else { f64::NAN }
}

impl Targets {
    /// For every task with `labels`, before the unpruned network has seen any image: empty lists for detectors, of which
    /// parts of one share theirs, the labels for others.
    pub fn unfilled(tasks: &[&Task], labels: &[Vec<Vec<u32>>]) -> Vec<Self> {
        let detector = |number: usize| match &tasks[number].kind {
            TaskKind::Detection(detector, _) => Some(detector),
            _ => None,
        };
        let of = |number: usize| {
            let same =
                |&other: &usize| detector(other) == detector(number) && labels[other] == labels[number];
            match (detector(number), (0..number).find(same)) {
                (None, _) => Self::Labels,
                (Some(_), Some(other)) => Self::Of(other),
                (Some(_), None) => Self::Words(Vec::new()),
            }
        };
        (0..tasks.len()).map(of).collect()
    }
}

impl Samples {
    /// What the loss of a task compares with, image by image.
    pub fn targets(&self, task: usize) -> &[Vec<u32>] {
        match self.targets.get(task) {
            Some(Targets::Words(words)) => words,
            Some(&Targets::Of(other)) => self.targets(other),
            Some(Targets::Labels) | None => &self.labels[task],
        }
    }

    /// Every second image, and the others: the first, third, … to fit on, the second, fourth, … to judge on.
    pub fn halves(&self) -> [Self; 2] {
        let half = |lists: &[Vec<Vec<f32>>], first: usize| -> Vec<Vec<Vec<f32>>> {
            lists.iter().map(|list| list.iter().skip(first).step_by(2).cloned().collect()).collect()
        };
        let words = |list: &Vec<Vec<u32>>, first: usize| -> Vec<Vec<u32>> {
            list.iter().skip(first).step_by(2).cloned().collect()
        };
        [0, 1].map(|first| Self {
            inputs: half(&self.inputs, first),
            labels: self.labels.iter().map(|list| words(list, first)).collect(),
            targets: self.targets.iter().map(|targets| targets.part(|list| words(list, first))).collect(),
        })
    }
}

impl Targets {
    /// The targets of some of the images.
    fn part(&self, part: impl Fn(&Vec<Vec<u32>>) -> Vec<Vec<u32>>) -> Self {
        match self {
            Self::Words(words) => Self::Words(part(words)),
            Self::Labels | Self::Of(_) => self.clone(),
        }
    }
}

impl Source for Samples {
    type Error = Infallible;

    fn len(&self) -> usize {
        self.inputs.first().map_or(0, Vec::len)
    }

    fn load(&self, images: Range<usize>) -> Result<Samples, Infallible> {
        let inputs = self.inputs.iter().map(|list| list[images.clone()].to_vec()).collect();
        let labels = self.labels.iter().map(|list| list[images.clone()].to_vec()).collect();
        let part = |list: &Vec<Vec<u32>>| list[images.clone()].to_vec();
        let targets = self.targets.iter().map(|targets| targets.part(part)).collect();
        Ok(Self { inputs, labels, targets })
    }
}
