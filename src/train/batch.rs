//! What a step learns from: pictures, labels, and how much each task counts.

use super::TrainError;
use crate::graph::LossKind;
use crate::tasks::{Norm, Samples, Task, TaskKind, UNLABELLED};

/// One loss that a network learns by.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Its name, unique.
    pub name: String,
    /// The task whose labels it takes.
    pub task: usize,
    /// The graph output that it judges.
    pub output: String,
    /// How.
    pub kind: LossKind,
    /// The factor of its mean.
    pub weight: f64,
}

/// What one step runs on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// For every input of the training graph, row-major: the network's inputs, then labels and factor of every lesson.
    pub inputs: Vec<Vec<f32>>,
    /// For every task the label words of all pictures.
    pub words: Vec<Vec<u32>>,
}

/// The lessons of `tasks`, of which each counts `weights`.
///
/// # Errors
/// [`TrainError::Task`] names one that has no gradient.
pub fn lessons(tasks: &[Task], weights: &[f64]) -> Result<Vec<Lesson>, TrainError> {
    let lesson = |(at, (task, &weight)): (usize, (&Task, &f64))| {
        let kind = loss_kind(task)?;
        let output = task.outputs[0].clone();
        Ok(Lesson { name: task.name.clone(), task: at, output, kind, weight })
    };
    tasks.iter().zip(weights).enumerate().map(lesson).collect()
}

fn loss_kind(task: &Task) -> Result<LossKind, TrainError> {
    let none = |reason: &str| TrainError::Task { task: task.name.clone(), reason: reason.to_owned() };
    match &task.kind {
        TaskKind::Segmentation | TaskKind::Classification => Ok(LossKind::CrossEntropy),
        TaskKind::Depth | TaskKind::Regression(Norm::L1) => Ok(LossKind::Absolute),
        TaskKind::Regression(Norm::L2) => Ok(LossKind::Square),
        TaskKind::Normals => Ok(LossKind::Cosine { shortest: crate::tasks::SHORTEST }),
        TaskKind::Edges { positive_weight } => {
            Ok(LossKind::BinaryCrossEntropy { positive_weight: *positive_weight })
        }
        TaskKind::Multilabel => Ok(LossKind::BinaryCrossEntropy { positive_weight: 1.0 }),
        TaskKind::Detection(..) => Err(none("losses of detection have no gradient yet")),
        TaskKind::Agreement(_) => Err(none("agreement is no goal, a teacher is (--teacher)")),
    }
}

/// The batch of pictures in `samples` for a network of so many inputs.
pub fn batch(samples: &Samples, tasks: &[Task], lessons: &[Lesson]) -> Batch {
    let mut inputs: Vec<Vec<f32>> = samples.inputs.iter().map(|images| images.concat()).collect();
    for lesson in lessons {
        let words = &samples.labels[lesson.task];
        let kind = &tasks[lesson.task].kind;
        let labels: Vec<f32> = words.iter().flatten().map(|&word| label(kind, word)).collect();
        let labelled = labels.iter().filter(|label| **label > LossKind::UNLABELLED).count();
        let terms = if *kind == TaskKind::Normals { labelled / 3 } else { labelled };
        let scale = if terms == 0 { 0.0 } else { lesson.weight / terms as f64 };
        inputs.extend([labels, vec![scale as f32]]);
    }
    let words = samples.labels.iter().map(|words| words.concat()).collect();
    Batch { inputs, words }
}

fn label(kind: &TaskKind, word: u32) -> f32 {
    match kind {
        _ if word == UNLABELLED => LossKind::UNLABELLED,
        TaskKind::Segmentation | TaskKind::Classification | TaskKind::Edges { .. } | TaskKind::Multilabel => {
            word as f32
        }
        TaskKind::Depth
        | TaskKind::Normals
        | TaskKind::Regression(_)
        | TaskKind::Detection(..)
        | TaskKind::Agreement(_) => f32::from_bits(word),
    }
}
