//! Distillation: another network, as a rule the unpruned one, shows its outputs for every batch (arXiv 1503.02531).

use super::batch::{Batch, Lesson};
use super::{Thinning, TrainError};
use crate::gpu::{Gpu, Running, Session};
use crate::graph::{Graph, Sizes};
use crate::optimise::optimise;
use crate::plan::build;
use crate::tasks::{Agreement, Measure, Task, TaskKind};
use crate::units::Units;

/// A network that shows its outputs.
pub struct Tutor {
    session: Session,
}

impl Tutor {
    /// Readies `graph` for batches of `sizes`, as far as outputs are trained.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn new(gpu: &Gpu, graph: &Graph, sizes: &Sizes, thinning: &Thinning) -> Result<Self, TrainError> {
        let graph = optimise(&thinning.of_graph(graph), sizes)?.graph;
        let shapes = graph.infer(sizes)?;
        let plan = build(&graph, &shapes, &Units::default(), &gpu.plan_options(sizes.batch))?;
        Ok(Self { session: Session::new(gpu, plan, 0)? })
    }

    /// Begins to look at the pictures of `batch`. It has to end before the next look begins.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn look(&mut self, batch: &Batch) -> Result<Running, TrainError> {
        let pictures = self.session.plan().inputs.len();
        let inputs: Vec<&[f32]> = batch.inputs[..pictures].iter().map(Vec::as_slice).collect();
        Ok(self.session.start(&inputs)?)
    }

    /// Fills in the labels of those `lessons` that a tutor gives, for the pictures of `batch`, which it had a `look` at.
    ///
    /// # Errors
    /// [`TrainError::Gpu`]; also where it has no such output.
    pub fn teach(&self, look: Running, batch: &mut Batch, lessons: &[Lesson]) -> Result<(), TrainError> {
        let outputs = self.session.results(look)?;
        let pictures = self.session.plan().inputs.len();
        let ports = &self.session.plan().outputs;
        for (at, lesson) in lessons.iter().enumerate().filter(|(_, lesson)| lesson.taught) {
            let output = ports.iter().position(|port| port.name == lesson.goal.output).ok_or_else(|| {
                let reason = format!("the teacher has no output {}", lesson.goal.output);
                TrainError::Task { task: lesson.name.clone(), reason }
            })?;
            let floats: usize = ports[output].shape[1..].iter().product();
            let labels = outputs[output].chunks(floats).flat_map(|image| lesson.goal.taught(image)).collect();
            batch.inputs[pictures + 2 * at] = labels;
        }
        Ok(())
    }
}

/// What a network learns from a tutor's outputs beside `lessons`, each task counting `share` of what it counts there.
///
/// # Errors
/// [`TrainError::Tasks`] where an output has another form.
pub fn taught<'a>(
    tasks: &[Task],
    lessons: &[Lesson],
    share: f64,
    outputs: impl Iterator<Item = (&'a str, &'a [usize])> + Clone,
) -> Result<Vec<Lesson>, TrainError> {
    let mut all = Vec::new();
    for lesson in lessons {
        let task = &tasks[lesson.task];
        let Some(measure) = measure(&task.kind) else { continue };
        let shape = outputs.clone().find(|(name, _)| *name == lesson.goal.output).map(|(_, shape)| shape);
        let channels = shape.and_then(|shape| shape.get(1)).copied().unwrap_or(1);
        let kind = TaskKind::Agreement(Agreement { measure, first: 0, channels, floor: 0.0 });
        for goal in (Task { kind, ..task.clone() }).goals(outputs.clone())? {
            let (name, weight) = (format!("{} of the teacher", lesson.name), share * lesson.weight);
            all.push(Lesson { name, task: lesson.task, goal, weight, taught: true });
        }
    }
    Ok(all)
}

/// How outputs of a kind are compared with a tutor's.
fn measure(kind: &TaskKind) -> Option<Measure> {
    match kind {
        TaskKind::Segmentation | TaskKind::Classification | TaskKind::Edges { .. } => Some(Measure::Kl),
        TaskKind::Depth | TaskKind::Regression(_) => Some(Measure::L1),
        TaskKind::Normals => Some(Measure::Cosine),
        // Every channel of a multilabel output is a question of its own.
        TaskKind::Multilabel | TaskKind::Detection(..) | TaskKind::Agreement(_) => None,
    }
}
