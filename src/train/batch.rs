//! What a step learns from: pictures, labels, and how much each task counts.

use super::TrainError;
use crate::tasks::{Goal, Samples, Task, TaskKind};

/// A loss that a network learns by.
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
    /// Whether a teacher gives its labels ([`super::Lectures`]).
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
        let reason = match task.kind {
            TaskKind::Agreement(_) => Some("agreement is no goal, a teacher is (--teacher)"),
            TaskKind::Detection(..) => {
                Some("targets of cells are a teacher's, which training does not run yet")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(TrainError::Task { task: task.name.clone(), reason: reason.to_owned() });
        }
        let named = |(number, goal): (usize, Goal)| {
            let name = if number == 0 { task.name.clone() } else { format!("{}:{number}", task.name) };
            Lesson { name, task: at, goal, weight, taught: false }
        };
        Ok(task.goals(outputs.clone())?.into_iter().enumerate().map(named).collect::<Vec<_>>())
    };
    let lists = tasks.iter().zip(weights).enumerate().map(lesson).collect::<Result<Vec<_>, _>>()?;
    Ok(lists.concat())
}

/// The batch of pictures in `samples` for a network that learns `lessons`.
pub fn batch(samples: &Samples, lessons: &[Lesson]) -> Batch {
    let mut inputs: Vec<Vec<f32>> = samples.inputs.iter().map(|images| images.concat()).collect();
    let terms_of = |lesson: &Lesson| -> usize {
        let words = samples.targets(lesson.task);
        if lesson.taught {
            return words.len() * lesson.goal.terms(&[]);
        }
        words.iter().map(|words| lesson.goal.terms(words)).sum()
    };
    for Lesson { task, goal, weight, taught, .. } in lessons {
        let words = if *taught { &[][..] } else { samples.targets(*task) };
        let labels = words.iter().flat_map(|words| goal.labels(words)).collect();
        let parts = lessons.iter().filter(|other| (other.task, other.taught) == (*task, *taught));
        let terms: usize = parts.map(terms_of).sum();
        let scale = if terms == 0 { 0.0 } else { goal.factor * weight / terms as f64 };
        inputs.extend([labels, vec![scale as f32]]);
    }
    let words = (0..samples.labels.len()).map(|task| samples.targets(task).concat()).collect();
    Batch { inputs, words }
}
