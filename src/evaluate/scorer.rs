//! The search's evaluator on a device.

use super::grams::grams;
use super::network::{Network, Request};
use super::teacher::Teacher;
use super::{EvaluateError, Options};
use crate::gpu::Gpu;
use crate::graph::{Graph, ValueId};
use crate::search::{Evaluator, Grams, TaskLimit};
use crate::tasks::{Loss, Samples, Source, Task};
use crate::units::Units;

/// Scores candidate prunings on images in memory: a candidate is one live table, nothing is compiled, bound or
/// copied for it.
pub struct GpuEvaluator {
    gpu: Gpu,
    tasks: Vec<Task>,
    limits: Vec<TaskLimit>,
    samples: Samples,
    options: Options,
    fitting: Samples,
    network: Option<Network>,
    /// What the sums of losses are divided by, in task order.
    units: Vec<f64>,
    scored: u64,
}

impl GpuEvaluator {
    /// An evaluator of `tasks` on `samples`, whose label lists are in the order of the tasks.
    ///
    /// # Errors
    /// Where there are no images.
    pub fn new(
        gpu: &Gpu,
        tasks: Vec<Task>,
        samples: Samples,
        options: Options,
    ) -> Result<Self, EvaluateError> {
        if samples.is_empty() {
            return Err(EvaluateError::NoImages);
        }
        let limit =
            |task: &Task| TaskLimit { name: task.name.clone(), limit: task.limit, floor: task.kind.floor() };
        let limits = tasks.iter().map(limit).collect();
        let units = vec![1.0; tasks.len()];
        let fitting = Samples::default();
        Ok(Self {
            gpu: gpu.clone(),
            tasks,
            limits,
            samples,
            options,
            fitting,
            network: None,
            units,
            scored: 0,
        })
    }

    /// Runs the unpruned network on all images for the tasks whose losses compare with what it makes of them. Without
    /// such a task nothing is done.
    ///
    /// # Errors
    /// As [`Evaluator::prepare`].
    pub fn teach(&mut self, graph: &Graph) -> Result<(), EvaluateError> {
        let images = self.samples.len();
        if let Some(mut teacher) = Teacher::new(&self.gpu, graph, &self.tasks, &self.options, images)? {
            teacher.teach(&mut self.samples)?;
            self.units = teacher.units();
        }
        Ok(())
    }

    /// The same, with pictures to fit recovery on; they are best not among those of the scoring set.
    pub fn fitting(self, samples: Samples) -> Self {
        Self { fitting: samples, ..self }
    }

    /// The images of the scoring set.
    pub fn images(&self) -> usize {
        self.samples.len()
    }

    /// How many times an image has been run through the network so far, over all candidates.
    pub fn scored(&self) -> u64 {
        self.scored
    }
}

impl Evaluator for GpuEvaluator {
    type Error = EvaluateError;

    fn tasks(&self) -> &[TaskLimit] {
        &self.limits
    }

    fn prepare(&mut self, graph: &Graph, units: &Units) -> Result<(), EvaluateError> {
        self.network = None;
        let untaught = |task: &&Task| self.samples.targets.is_empty() && task.kind.needs_teacher();
        if let Some(task) = self.tasks.iter().find(untaught) {
            return Err(EvaluateError::Untaught(task.name.clone()));
        }
        let images = self.samples.len();
        let request = Request { graph, units, tasks: &self.tasks, options: &self.options, images };
        self.network = Some(Network::new(&self.gpu, &request)?);
        Ok(())
    }

    fn grams(&mut self, graph: &Graph, units: &Units, values: &[ValueId]) -> Result<Grams, EvaluateError> {
        self.network = None;
        let images = self.fitting.len();
        if images == 0 || values.is_empty() {
            return Ok(vec![None; values.len()]);
        }
        let request = Request { graph, units, tasks: &self.tasks, options: &self.options, images };
        grams(&self.gpu, &request, &self.fitting, values)
    }

    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, EvaluateError> {
        let network = self.network.as_mut().ok_or(EvaluateError::Unprepared)?;
        let images = self.samples.len();
        let mut losses = vec![vec![Loss::default(); self.tasks.len()]; candidates.len()];
        for first in (0..images).step_by(network.batch()) {
            let batch = first..images.min(first + network.batch());
            network.load(&self.samples, 0, batch)?;
            let together = network.candidates();
            for (candidates, losses) in candidates.chunks(together).zip(losses.chunks_mut(together)) {
                network.score(candidates, losses)?;
            }
        }
        for (loss, unit) in losses.iter_mut().flat_map(|losses| losses.iter_mut().zip(&self.units)) {
            loss.sum /= unit;
        }
        self.scored += (images * candidates.len()) as u64;
        Ok(losses)
    }
}
