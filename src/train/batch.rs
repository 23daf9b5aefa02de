//! What a step learns from: pictures, labels, and how much each task counts.

use super::TrainError;
use crate::tasks::{Goal, Samples, Task, TaskKind};

/// One loss that a network learns by.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Its name, unique.
    pub name: String,
    /// The task whose labels it takes.
    pub task: usize,
    /// The output that it judges, and how.
    pub goal: Goal,
    /// The factor of its mean.
    pub weight: f64,
    /// Whether a teacher gives its labels ([`super::Tutor::teach`]).
    pub taught: bool,
}

/// What one step runs on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// For every input of the training graph, row-major: the network's inputs, then labels and factor of every lesson.
    pub inputs: Vec<Vec<f32>>,
    /// For every task the label words of all pictures.
    pub words: Vec<Vec<u32>>,
}

/// The lessons of `tasks`, of which each counts `weights`, for a network with these outputs `(name, [N, C, …])`.
///
/// # Errors
/// [`TrainError::Task`] names one that needs a teacher, [`TrainError::Tasks`] one that has no gradient.
pub fn lessons<'a>(
    tasks: &[Task],
    weights: &[f64],
    outputs: impl Iterator<Item = (&'a str, &'a [usize])> + Clone,
) -> Result<Vec<Lesson>, TrainError> {
    let lesson = |(at, (task, &weight)): (usize, (&Task, &f64))| {
        if let TaskKind::Agreement(_) = task.kind {
            let reason = "agreement is no goal, a teacher is (--teacher)".to_owned();
            return Err(TrainError::Task { task: task.name.clone(), reason });
        }
        Ok(Lesson {
            name: task.name.clone(),
            task: at,
            goal: task.goal(outputs.clone())?,
            weight,
            taught: false,
        })
    };
    tasks.iter().zip(weights).enumerate().map(lesson).collect()
}

/// The batch of pictures in `samples` for a network that learns `lessons`.
pub fn batch(samples: &Samples, lessons: &[Lesson]) -> Batch {
    let mut inputs: Vec<Vec<f32>> = samples.inputs.iter().map(|images| images.concat()).collect();
    for Lesson { task, goal, weight, taught, .. } in lessons {
        let words = samples.targets(*task);
        let (labels, terms): (Vec<f32>, usize) = if *taught {
            (Vec::new(), words.len() * goal.terms(&[]))
        } else {
            let labels = words.iter().flat_map(|words| goal.labels(words)).collect();
            (labels, words.iter().map(|words| goal.terms(words)).sum())
        };
        let scale = if terms == 0 { 0.0 } else { weight / terms as f64 };
        inputs.extend([labels, vec![scale as f32]]);
    }
    let words = (0..samples.labels.len()).map(|task| samples.targets(task).concat()).collect();
    Batch { inputs, words }
}
