//! Distillation: another network, as a rule the unpruned one, shows its outputs for every picture (arXiv 1503.02531).
//! Outputs that both networks upsample are compared before that, where everything that they say is already there.

use super::TrainError;
use super::batch::Lesson;
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, Op, Shapes, Sizes, ValueId};
use crate::optimise::optimise;
use crate::plan::build;
use crate::tasks::{Agreement, Measure, Task, TaskKind};
use crate::units::analyse;

/// A network that shows its outputs.
pub struct Tutor {
    session: Session,
}

impl Tutor {
    /// Readies `graph`, of which `shown` ([`taught`]) are what it shows, for batches of `sizes`.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn new(gpu: &Gpu, graph: &Graph, shown: &[ValueId], sizes: &Sizes) -> Result<Self, TrainError> {
        let mut graph = graph.clone();
        graph.outputs = shown.to_vec();
        graph.edit().drop_dead_nodes();
        let graph = optimise(&graph, sizes)?.graph;
        let shapes = graph.infer(sizes)?;
        let plan = build(&graph, &shapes, &analyse(&graph, &shapes), &gpu.plan_options(sizes.batch))?;
        Ok(Self { session: Session::new(gpu, plan, 0)? })
    }

    /// Bytes of device memory ([`Session::bytes_for`]).
    pub fn device_bytes(&self) -> u64 {
        self.session.device_bytes()
    }

    /// Pictures of a batch.
    pub fn batch(&self) -> usize {
        self.session.plan().batch
    }

    /// Whether it runs on the CPU.
    pub(super) fn on_cpu(&self) -> bool {
        self.session.gpu().is_cpu()
    }

    /// What it shows of a batch of pictures: for every input all of them, one after another, to the same for every output.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn say(&mut self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, TrainError> {
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        Ok(self.session.run(&inputs)?)
    }
}

/// What a network `student` learns from the outputs of `teacher` beside `lessons`, each task counting `share` of what it
/// counts there, and the values of the teacher that these lessons compare with, in their order.
///
/// # Errors
/// [`TrainError::Task`] where the teacher has no such output.
pub fn taught(
    tasks: &[Task],
    (lessons, share): (&[Lesson], f64),
    (student, teacher): (&Graph, &Graph),
    sizes: &Sizes,
) -> Result<(Vec<Lesson>, Vec<ValueId>), TrainError> {
    let [student, teacher] = [(student, student.infer(sizes)?), (teacher, teacher.infer(sizes)?)];
    let (mut all, mut values) = (Vec::new(), Vec::new());
    for lesson in lessons {
        let task = &tasks[lesson.task];
        let Some(measure) = measure(&task.kind) else { continue };
        let (own, shown) = meeting(&student, &teacher, &lesson.goal.output)
            .map_err(|reason| TrainError::Task { task: lesson.name.clone(), reason })?;
        let (output, shape) = (&student.0.value(own).name, &student.1[own.0]);
        let channels = shape.get(1).copied().unwrap_or(1);
        let kind = TaskKind::Agreement(Agreement { measure, first: 0, channels, floor: 0.0 });
        let compared = Task { kind, outputs: vec![output.clone()], ..task.clone() };
        for goal in compared.goals([(output.as_str(), shape.as_slice())].into_iter())? {
            let (name, weight) = (format!("{} of the teacher", lesson.name), share * lesson.weight);
            all.push(Lesson { name, task: lesson.task, goal, weight, taught: true, relative: false });
            values.push(shown);
        }
    }
    Ok((all, values))
}

/// The values of two networks that are compared for an output of both: what they upsample to it, if that has one shape,
/// else the output.
fn meeting(
    student: &(&Graph, Shapes),
    teacher: &(&Graph, Shapes),
    output: &str,
) -> Result<(ValueId, ValueId), String> {
    let find = |graph: &Graph| graph.outputs.iter().copied().find(|id| graph.value(*id).name == output);
    let own = find(student.0).ok_or_else(|| format!("the model has no output {output}"))?;
    let shown = find(teacher.0).ok_or_else(|| format!("the teacher has no output {output}"))?;
    let shape = |network: &(&Graph, Shapes), id: ValueId| network.1[id.0].clone();
    if let (Some(a), Some(b)) = (upsampled(student, own), upsampled(teacher, shown))
        && shape(student, a) == shape(teacher, b)
    {
        return Ok((a, b));
    }
    let (expected, found) = (shape(student, own), shape(teacher, shown));
    if expected != found {
        return Err(format!("output {output} of the teacher has shape {found:?}, expected {expected:?}"));
    }
    Ok((own, shown))
}

/// What a resize, and nothing else, enlarges to `output`.
fn upsampled((graph, shapes): &(&Graph, Shapes), output: ValueId) -> Option<ValueId> {
    let node = &graph.nodes[graph.producers()[output.0]?];
    let input = node.inputs[0];
    let larger = shapes[output.0].iter().zip(&shapes[input.0]).all(|(after, before)| after >= before);
    (matches!(node.op, Op::Resize(_)) && larger && graph.consumers()[input.0].len() == 1).then_some(input)
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
