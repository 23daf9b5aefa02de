//! The losses of a plan: their steps, their label buffers, and how the sums they write are read.

use super::steps::{Pairs, Wanted, partials, reads_rows, sizes};
use super::{Loss, Task, TaskError};
use crate::plan::{Plan, Port};
use crate::tensor::Dtype;
use std::collections::BTreeSet;

/// What [`attach`] added to a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Scoring {
    /// For every task: the external buffer of what its loss compares with, a batch of [`super::Samples::targets`] one
    /// after another.
    pub labels: Vec<LabelBuffer>,
    /// The external buffer of the sums.
    pub results: usize,
    /// Words of one candidate in it.
    pub words: usize,
    /// For every task, for every step.
    pairs: Vec<Vec<Pairs>>,
}

/// A buffer of label words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelBuffer {
    /// The task.
    pub task: String,
    /// Its external index.
    pub external: usize,
    /// Words of one image.
    pub words: usize,
}

/// Where every task's outputs and pairs are, and how many pairs a candidate has.
struct Layout {
    outputs: Vec<Vec<usize>>,
    pairs: Vec<Vec<Pairs>>,
    stride: u32,
}

impl Layout {
    fn new(plan: &Plan, tasks: &[Task]) -> Result<Self, TaskError> {
        let mut layout = Self { outputs: Vec::new(), pairs: Vec::new(), stride: 0 };
        for task in tasks {
            let outputs = plan.outputs.iter().map(|port| (port.name.as_str(), port.shape.as_slice()));
            let outputs = task.find(outputs)?;
            let ports: Vec<&Port> = outputs.iter().map(|&output| &plan.outputs[output]).collect();
            if let Some(port) = ports.iter().find(|port| port.shape[0] != plan.batch) {
                let reason =
                    format!("expected one result per image ({}), found {}", plan.batch, port.shape[0]);
                return Err(TaskError::Output { task: task.name.clone(), output: port.name.clone(), reason });
            }
            if plan.dtype != Dtype::F32 {
                let reason = format!("losses read f32, the plan stores {}", plan.dtype);
                return Err(TaskError::Output {
                    task: task.name.clone(),
                    output: ports[0].name.clone(),
                    reason,
                });
            }
            let mut pairs = Vec::new();
            for (pixels, level) in sizes(task, &ports) {
                let partials = partials(pixels);
                pairs.push(Pairs { base: layout.stride, partials, level });
                layout.stride += partials * plan.batch as u32;
            }
            layout.pairs.push(pairs);
            layout.outputs.push(outputs);
        }
        Ok(layout)
    }
}

/// Bytes of the sums of one candidate: [`attach`] adds a buffer of that much for each.
///
/// # Errors
/// As [`attach`].
pub fn result_bytes(plan: &Plan, tasks: &[Task]) -> Result<u64, TaskError> {
    Ok(8 * u64::from(Layout::new(plan, tasks)?.stride))
}

/// Adds the loss steps of `tasks` to a plan, with buffers for labels and for the sums of up to `candidates`
/// candidates, whose index is word 0 of their live table. Outputs that losses read in row-major form are unpacked
/// before; where the plan has no step for that, they are in that form already.
///
/// # Errors
/// Where a task names no output of the plan or one of another form, or where the plan stores values in 16 bits.
pub fn attach(plan: &mut Plan, tasks: &[Task], candidates: usize) -> Result<Scoring, TaskError> {
    let Layout { outputs, pairs, stride } = Layout::new(plan, tasks)?;
    let results = plan.externals.len() + tasks.len();
    let (mut labels, mut steps, mut unpacked) = (Vec::new(), Vec::new(), BTreeSet::new());
    for ((task, outputs), pairs) in tasks.iter().zip(&outputs).zip(&pairs) {
        let ports: Vec<&Port> = outputs.iter().map(|&output| &plan.outputs[output]).collect();
        let [_, channels, rest @ ..] = ports[0].shape.as_slice() else {
            unreachable!("tasks check that their outputs have channels")
        };
        let words = task.kind.label_words(*channels, rest.iter().product());
        if reads_rows(&task.kind) {
            unpacked.extend(outputs.iter().copied());
        }
        let external = plan.externals.len() + labels.len();
        let wanted = Wanted { task, ports, pairs, stride, labels: external, results };
        steps.extend(wanted.steps(plan));
        labels.push(LabelBuffer { task: task.name.clone(), external, words });
    }
    let batch = plan.batch;
    plan.externals.extend(labels.iter().map(|buffer| (batch * buffer.words * 4) as u64));
    plan.losses.extend(unpacked.into_iter().filter_map(|output| plan.unpack.get(output).cloned()));
    plan.losses.extend(steps);
    let words = 2 * stride as usize;
    plan.externals.push((candidates * words * 4) as u64);
    Ok(Scoring { labels, results, words, pairs })
}

impl Scoring {
    /// Adds the sums of the first `images` images of a batch to `losses`, one per task. `words` is one candidate's
    /// part of the results buffer. Images and their parts are added one by one in order: a total over many batches
    /// does not depend on where they were cut.
    pub fn add(&self, words: &[f32], images: usize, losses: &mut [Loss]) {
        for (steps, loss) in self.pairs.iter().zip(losses) {
            for image in 0..images {
                for pairs in steps {
                    of_image(words, pairs, image).for_each(|pair| loss.add(pair));
                }
            }
        }
    }

    /// Adds means instead, as PAGCP's reference code does: for each task the mean over the batch, times its images;
    /// where a task has levels, the sum of their means. Nothing where nothing is labelled.
    pub fn add_means(&self, words: &[f32], images: usize, losses: &mut [Loss]) {
        for (steps, loss) in self.pairs.iter().zip(losses) {
            let levels: BTreeSet<usize> = steps.iter().map(|pairs| pairs.level).collect();
            let mut means = Vec::new();
            for level in levels {
                let mut total = Loss::default();
                for pairs in steps.iter().filter(|pairs| pairs.level == level) {
                    (0..images)
                        .flat_map(|image| of_image(words, pairs, image))
                        .for_each(|pair| total.add(pair));
                }
                if total.count != 0.0 {
                    means.push(total.mean());
                }
            }
            if !means.is_empty() {
                let count = images as f64;
                loss.add(Loss { sum: means.iter().sum::<f64>() * count, count });
            }
        }
    }
}

/// The pairs of one image.
fn of_image<'a>(words: &'a [f32], pairs: &Pairs, image: usize) -> impl Iterator<Item = Loss> + use<'a> {
    let first = 2 * (pairs.base as usize + image * pairs.partials as usize);
    let pairs = words[first..].chunks_exact(2).take(pairs.partials as usize);
    pairs.map(|pair| Loss { sum: f64::from(pair[0]), count: f64::from(pair[1]) })
}
