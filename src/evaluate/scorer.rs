//! The search's evaluator on a device.

use super::grams::grams;
use super::network::{Request, fitting_plan};
use super::shared::{Set, Split, Whole};
use super::teacher::Teacher;
use super::{EvaluateError, Options};
use crate::gpu::Gpu;
use crate::graph::{Graph, Sizes, ValueId};
use crate::optimise::optimise;
use crate::search::{Evaluator, Grams, Part, TaskLimit};
use crate::tasks::{Loss, Samples, Source, Task};
use crate::units::Units;

/// Scores candidate prunings on images in memory: a candidate is one live table, nothing is compiled, bound or
/// copied for it. What candidates of one unit have in common runs once for all of them, and is kept in host memory for
/// the visits after it (`evaluate::shared`).
pub struct GpuEvaluator {
    gpu: Gpu,
    tasks: Vec<Task>,
    limits: Vec<TaskLimit>,
    judging: Set,
    options: Options,
    fitting: Set,
    network: Option<Split>,
    /// Images in one run; found for the first network.
    batch: Option<usize>,
    /// What the sums of losses are divided by, in task order.
    units: Vec<f64>,
    scored: u64,
    macs: u64,
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
        Ok(Self {
            gpu: gpu.clone(),
            tasks,
            limits,
            judging: Set::new(samples),
            options,
            fitting: Set::new(Samples::default()),
            network: None,
            batch: None,
            units,
            scored: 0,
            macs: 0,
        })
    }

    /// Runs the unpruned network on all images for the tasks whose losses compare with what it makes of them. Without
    /// such a task nothing is done.
    ///
    /// # Errors
    /// As [`Evaluator::prepare`].
    pub fn teach(&mut self, graph: &Graph) -> Result<(), EvaluateError> {
        let images = self.judging.len();
        if let Some(mut teacher) = Teacher::new(&self.gpu, graph, &self.tasks, &self.options, images)? {
            let mut samples = std::mem::take(&mut self.judging.samples);
            teacher.teach(&mut samples)?;
            self.judging = Set::new(samples);
            self.units = teacher.units();
        }
        Ok(())
    }

    /// The same, with pictures to fit recovery on; they are best not among those of the scoring set.
    pub fn fitting(self, samples: Samples) -> Self {
        Self { fitting: Set::new(samples), ..self }
    }

    /// The images of the scoring set.
    pub fn images(&self) -> usize {
        self.judging.len()
    }

    /// Images in one run of `graph`, as many as are worth it and fit.
    fn batch(&mut self, graph: &Graph, units: &Units) -> Result<usize, EvaluateError> {
        if let Some(batch) = self.batch {
            return Ok(batch);
        }
        let (tasks, options, images) = (&self.tasks[..], &self.options, self.judging.len());
        let plan = fitting_plan(&self.gpu, &Request { graph, units, tasks, options, images })?;
        self.batch = Some(plan.batch);
        Ok(plan.batch)
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

    fn prepare(&mut self, graph: &Graph, units: &Units, varying: Option<usize>) -> Result<(), EvaluateError> {
        self.network = None;
        if self.tasks.is_empty() {
            return Err(EvaluateError::NoTasks);
        }
        let untaught = |task: &&Task| self.judging.samples.targets.is_empty() && task.kind.needs_teacher();
        if let Some(task) = self.tasks.iter().find(untaught) {
            return Err(EvaluateError::Untaught(task.name.clone()));
        }
        let batch = self.batch(graph, units)?;
        let sizes = Sizes::new(batch, self.options.symbols.clone());
        let graph = optimise(graph, &sizes)?.graph;
        let shapes = graph.infer(&sizes)?;
        let whole = Whole { graph: &graph, shapes: &shapes, units, batch };
        self.judging.next_turn();
        let judged = (&self.tasks[..], &self.options);
        self.network = Some(Split::new(&self.gpu, &whole, varying, judged, &mut self.judging)?);
        Ok(())
    }

    fn grams(&mut self, graph: &Graph, units: &Units, values: &[ValueId]) -> Result<Grams, EvaluateError> {
        self.network = None;
        let images = self.fitting.len();
        if images == 0 || values.is_empty() {
            return Ok(vec![None; values.len()]);
        }
        let request = Request { graph, units, tasks: &self.tasks, options: &self.options, images };
        let (grams, macs) = grams(&self.gpu, &request, &mut self.fitting, values)?;
        self.macs += macs;
        Ok(grams)
    }

    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, EvaluateError> {
        let network = self.network.as_mut().ok_or(EvaluateError::Unprepared)?;
        let mut losses = vec![vec![Loss::default(); self.tasks.len()]; candidates.len()];
        network.score(&mut self.judging, candidates, &mut losses)?;
        self.macs += network.take_macs();
        for (loss, unit) in losses.iter_mut().flat_map(|losses| losses.iter_mut().zip(&self.units)) {
            loss.sum /= unit;
        }
        self.scored += (self.judging.len() * candidates.len()) as u64;
        Ok(losses)
    }

    fn probe(&mut self, candidate: &[usize]) -> Result<Part, EvaluateError> {
        let network = self.network.as_mut().ok_or(EvaluateError::Unprepared)?;
        let Some(mut part) = network.probe(&mut self.judging, candidate)? else { return Ok(None) };
        self.macs += network.take_macs();
        for (loss, unit) in part.iter_mut().zip(&self.units) {
            loss.iter_mut().for_each(|loss| loss.sum /= unit);
        }
        Ok(Some(part))
    }

    fn macs(&self) -> u64 {
        self.macs
    }
}
