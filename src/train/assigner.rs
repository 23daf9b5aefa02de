//! Which cells of a detector answer for which labelled boxes, while it is trained: another network, as a rule the unpruned
//! one, says it of every picture as it is shown.

use super::TrainError;
use super::batch::{Batch, Lesson};
use crate::evaluate::answer;
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, Sizes};
use crate::optimise::optimise;
use crate::plan::build;
use crate::tasks::{Samples, Targets, Task, TaskKind};
use crate::units::analyse;

/// A network by whose outputs cells are assigned.
pub struct Assigner {
    session: Session,
}

/// A batch in which the labels of detectors are missing, and the label words that these follow from.
pub struct Unassigned {
    pub(super) batch: Batch,
    pub(super) samples: Samples,
}

impl Unassigned {
    /// The pictures of `samples`, as they are shown, for a network that learns `lessons`.
    pub fn new(mut samples: Samples, lessons: &[Lesson]) -> Self {
        let batch = super::batch(&samples, lessons);
        samples.inputs.clear();
        Self { batch, samples }
    }
}

impl Assigner {
    /// Readies `graph` for batches of `sizes`.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn new(gpu: &Gpu, graph: &Graph, sizes: &Sizes) -> Result<Self, TrainError> {
        let graph = optimise(graph, sizes)?.graph;
        let shapes = graph.infer(sizes)?;
        let plan = build(&graph, &shapes, &analyse(&graph, &shapes), &gpu.plan_options(sizes.batch))?;
        Ok(Self { session: Session::new(gpu, plan, 0)? })
    }

    /// Bytes of device memory ([`Session::bytes_for`]).
    pub fn device_bytes(&self) -> u64 {
        self.session.device_bytes()
    }

    /// The batch with the labels of those `lessons` of `tasks` that detectors learn.
    ///
    /// # Errors
    /// [`TrainError::Gpu`]; [`TrainError::Tasks`] where the network has no such outputs.
    pub fn assign(
        &mut self,
        unassigned: Unassigned,
        (tasks, lessons): (&[Task], &[Lesson]),
    ) -> Result<Batch, TrainError> {
        let Unassigned { mut batch, mut samples } = unassigned;
        let pictures = self.session.plan().inputs.len();
        let inputs: Vec<&[f32]> = batch.inputs[..pictures].iter().map(Vec::as_slice).collect();
        let outputs = self.session.run(&inputs)?;
        let ports = &self.session.plan().outputs;
        samples.targets = Targets::unfilled(&tasks.iter().collect::<Vec<_>>(), &samples.labels);
        for ((task, labels), targets) in tasks.iter().zip(&samples.labels).zip(&mut samples.targets) {
            let (TaskKind::Detection(detector, _), Targets::Words(words)) = (&task.kind, targets) else {
                continue;
            };
            let places = task.find(ports.iter().map(|port| (port.name.as_str(), port.shape.as_slice())))?;
            let found = |(image, truth): (usize, &Vec<u32>)| {
                detector.targets(truth, &answer(&places, (ports, &outputs), image))
            };
            words.extend(labels.iter().enumerate().map(found));
        }
        batch.assign(&samples, lessons);
        Ok(batch)
    }
}
