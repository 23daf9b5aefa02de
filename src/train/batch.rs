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
    /// Whether it counts relative to the mean square of its labels, which are values inside of a teacher: it is then of no
    /// task.
    pub relative: bool,
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
        let gain =
            if let TaskKind::Detection(detector, part) = &task.kind { detector.gain(*part) } else { 1.0 };
        let weight = weight * gain;
        let named = |(number, goal): (usize, Goal)| {
            let name = if number == 0 { task.name.clone() } else { format!("{}:{number}", task.name) };
            Lesson { name, task: at, goal, weight, taught: false, relative: false }
        };
        Ok(task.goals(outputs.clone())?.into_iter().enumerate().map(named).collect::<Vec<_>>())
    };
    let lists = tasks.iter().zip(weights).enumerate().map(lesson).collect::<Result<Vec<_>, _>>()?;
    Ok(lists.concat())
}

/// The batch of pictures in `samples` for a network that learns `lessons`. Those of detectors have no labels as long as
/// `samples` have no targets ([`super::Assigner`]).
pub fn batch(samples: &Samples, lessons: &[Lesson]) -> Batch {
    let mut inputs: Vec<Vec<f32>> = samples.inputs.iter().map(|images| images.concat()).collect();
    for lesson in lessons {
        let waits = lesson.goal.is_of_cells() && samples.targets.is_empty();
        inputs.extend(if waits { [Vec::new(), vec![0.0]] } else { learnt(lesson, lessons, samples) });
    }
    let words = (0..samples.labels.len()).map(|task| samples.targets(task).concat()).collect();
    Batch { inputs, words }
}

impl Batch {
    /// Fills in the labels of detectors, whose targets `samples` have.
    pub(super) fn assign(&mut self, samples: &Samples, lessons: &[Lesson]) {
        let pictures = self.inputs.len() - 2 * lessons.len();
        for (at, lesson) in lessons.iter().enumerate().filter(|(_, lesson)| lesson.goal.is_of_cells()) {
            let inputs = &mut self.inputs[pictures + 2 * at..][..2];
            inputs.clone_from_slice(&learnt(lesson, lessons, samples));
        }
        self.words = (0..samples.labels.len()).map(|task| samples.targets(task).concat()).collect();
    }
}

/// Labels and factor of one of `lessons`.
fn learnt(lesson: &Lesson, lessons: &[Lesson], samples: &Samples) -> [Vec<f32>; 2] {
    let Lesson { task, goal, weight, taught, relative, .. } = lesson;
    if *relative {
        return [Vec::new(), vec![0.0]];
    }
    let words = samples.targets(*task);
    let terms_of = |lesson: &Lesson| -> f64 {
        if lesson.taught {
            return (words.len() * lesson.goal.terms(&[])) as f64;
        }
        words.iter().map(|words| lesson.goal.divisor(words)).sum()
    };
    let parts =
        lessons.iter().filter(|other| (other.task, other.taught) == (*task, *taught) && !other.relative);
    let terms: f64 = parts.map(terms_of).sum();
    let scale = if terms > 0.0 { goal.factor * weight / terms } else { 0.0 };
    let words = if *taught { &[][..] } else { words };
    [words.iter().flat_map(|words| goal.labels(words)).collect(), vec![scale as f32]]
}
