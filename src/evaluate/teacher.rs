//! The unpruned network as a teacher: what losses compare with where labels alone do not say it.

use super::network::{Request, fitting_plan};
use super::{EvaluateError, Options};
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, Sizes};
use crate::plan::Port;
use crate::tasks::{Samples, Source, Spread, Targets, Task, TaskKind};
use crate::tensor::count;
use crate::units::analyse;

/// Runs a network once for every image and turns its outputs into targets.
pub(super) struct Teacher {
    session: Session,
    tasks: Vec<Taught>,
}

/// What one task takes from the outputs.
struct Taught {
    task: Task,
    /// Its outputs, by their places among the network's.
    outputs: Vec<usize>,
    spread: Spread,
}

impl Teacher {
    /// A teacher for `images` images; `None` where no task needs one.
    pub(super) fn new(
        gpu: &Gpu,
        graph: &Graph,
        tasks: &[Task],
        options: &Options,
        images: usize,
    ) -> Result<Option<Self>, EvaluateError> {
        if !tasks.iter().any(|task| task.kind.needs_teacher()) {
            return Ok(None);
        }
        if images == 0 {
            return Err(EvaluateError::NoImages);
        }
        let shapes = graph.infer(&Sizes::new(1, options.symbols.clone()))?;
        let units = analyse(graph, &shapes);
        let plan = fitting_plan(gpu, &Request { graph, units: &units, tasks, options, images })?;
        let ports = plan.outputs.iter().map(|port| (port.name.as_str(), port.shape.as_slice()));
        let taught = |task: &Task| {
            let outputs = task.find(ports.clone())?;
            Ok(Taught { task: task.clone(), outputs, spread: Spread::default() })
        };
        let tasks = tasks.iter().map(taught).collect::<Result<_, EvaluateError>>()?;
        Ok(Some(Self { session: Session::new(gpu, plan, 0)?, tasks }))
    }

    /// Fills in what the losses of `samples` compare with.
    pub(super) fn teach(&mut self, samples: &mut Samples) -> Result<(), EvaluateError> {
        let images = samples.len();
        let batch = self.session.plan().batch;
        let tasks: Vec<&Task> = self.tasks.iter().map(|taught| &taught.task).collect();
        samples.targets = Targets::unfilled(&tasks, &samples.labels);
        for first in (0..images).step_by(batch) {
            let part = first..images.min(first + batch);
            let mut inputs = Vec::new();
            for (port, list) in self.session.plan().inputs.iter().zip(&samples.inputs) {
                let each = count(&port.shape) / batch;
                inputs.push(super::network::joined(&port.name, &list[part.clone()], each, batch, 0.0)?);
            }
            let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let outputs = self.session.run(&inputs)?;
            let ports = &self.session.plan().outputs;
            for (number, taught) in self.tasks.iter_mut().enumerate() {
                for image in part.clone() {
                    let answer = answer(&taught.outputs, (ports, &outputs), image - first);
                    taught.learn((number, image), &answer, ports[taught.outputs[0]].shape[1], samples);
                }
            }
        }
        Ok(())
    }

    /// What the sum of each task's losses is divided by, given all that was taught.
    pub(super) fn units(&self) -> Vec<f64> {
        let unit = |taught: &Taught| match &taught.task.kind {
            TaskKind::Agreement(agreement) => taught.spread.unit(agreement),
            _ => 1.0,
        };
        self.tasks.iter().map(unit).collect()
    }
}

impl Taught {
    fn learn(
        &mut self,
        (number, image): (usize, usize),
        answer: &[f32],
        channels: usize,
        samples: &mut Samples,
    ) {
        match &self.task.kind {
            TaskKind::Agreement(agreement) => {
                let words = agreement.words(answer, channels);
                self.spread.add(agreement, &words);
                samples.labels[number][image] = words;
            }
            TaskKind::Detection(detector, _) => {
                if let Targets::Words(words) = &mut samples.targets[number] {
                    words.push(detector.targets(&samples.labels[number][image], answer));
                }
            }
            _ => {}
        }
    }
}

/// The outputs of a task for one image, one after another.
pub fn answer(outputs: &[usize], (ports, all): (&[Port], &[Vec<f32>]), image: usize) -> Vec<f32> {
    let part = |&output: &usize| {
        let floats: usize = ports[output].shape[1..].iter().product();
        &all[output][image * floats..][..floats]
    };
    outputs.iter().flat_map(part).copied().collect()
}
