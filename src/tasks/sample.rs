//! Tasks, and the pictures and labels they are judged on, in memory.

use super::{Loss, TaskKind};
use std::convert::Infallible;
use std::ops::Range;
use thiserror::Error;

/// One task of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name, unique.
    pub name: String,
    /// What it is.
    pub kind: TaskKind,
    /// The graph output that it reads.
    pub output: String,
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
    /// The output, `[channels][pixels]`.
    pub output: &'a [f32],
    /// Its channels.
    pub channels: usize,
    /// Its labels, see [`Samples::labels`].
    pub labels: &'a [u32],
}

/// Pictures and labels of some images, in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// For every graph input, for every image: the input `[C, H, W]`.
    pub inputs: Vec<Vec<Vec<f32>>>,
    /// For every task, for every image: the label words. Segmentation and classification: a class per pixel; edges and
    /// multilabel: 0 or 1 per element `[C, H, W]`; depth, normals and regression: the bits of a float per element.
    /// [`super::UNLABELLED`] where there is none.
    pub labels: Vec<Vec<Vec<u32>>>,
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
    /// Finds the task's output among `(name, shape)` pairs and checks its form; returns its position.
    pub fn find<'a>(
        &self,
        outputs: impl Iterator<Item = (&'a str, &'a [usize])>,
    ) -> Result<usize, TaskError> {
        let mut found = Vec::new();
        for (index, (name, shape)) in outputs.enumerate() {
            if name == self.output {
                return self.check(shape).map(|()| index);
            }
            found.push(name.to_owned());
        }
        Err(TaskError::NoOutput { task: self.name.clone(), output: self.output.clone(), found })
    }

    fn check(&self, shape: &[usize]) -> Result<(), TaskError> {
        let fail =
            |reason| TaskError::Output { task: self.name.clone(), output: self.output.clone(), reason };
        let [_, channels, rest @ ..] = shape else {
            return Err(fail(format!("expected dimensions [images, channels, …], found {shape:?}")));
        };
        self.kind.check(*channels, rest.iter().product()).map_err(fail)
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

impl Source for Samples {
    type Error = Infallible;

    fn len(&self) -> usize {
        self.inputs.first().map_or(0, Vec::len)
    }

    fn load(&self, images: Range<usize>) -> Result<Samples, Infallible> {
        let inputs = self.inputs.iter().map(|list| list[images.clone()].to_vec()).collect();
        let labels = self.labels.iter().map(|list| list[images.clone()].to_vec()).collect();
        Ok(Self { inputs, labels })
    }
}
