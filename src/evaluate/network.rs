//! One network on a device with the losses of its tasks.

use super::{EvaluateError, Options};
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, Sizes};
use crate::optimise::optimise;
use crate::plan::{Plan, PlanError, build};
use crate::tasks::{Loss, Samples, Scoring, Task, UNLABELLED, attach};
use crate::tensor::count;
use crate::units::Units;
use std::ops::Range;

/// More images than this in one run gain nothing: every dispatch is far larger than its overhead.
pub(super) const LARGEST_BATCH: usize = 16;

/// Bytes that the buffers of a network may take where a smaller batch would take less.
const MEMORY: u64 = 512 << 20;

/// A network on a device, ready to be scored.
pub(super) struct Network {
    session: Session,
    scoring: Scoring,
    loaded: Option<Range<usize>>,
    inputs: Vec<Vec<f32>>,
    /// See [`Options::mean_of_batches`].
    means: bool,
}

/// What is measured, and on how many images.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub graph: &'a Graph,
    pub units: &'a Units,
    pub tasks: &'a [Task],
    pub options: &'a Options,
    pub images: usize,
}

impl Network {
    pub(super) fn new(gpu: &Gpu, request: &Request<'_>) -> Result<Self, EvaluateError> {
        if request.images == 0 {
            return Err(EvaluateError::NoImages);
        }
        if request.tasks.is_empty() {
            return Err(EvaluateError::NoTasks);
        }
        let mut plan = fitting_plan(gpu, request)?;
        let scoring = attach(&mut plan, request.tasks, 1)?;
        let session = Session::new(gpu, plan, 1)?;
        let means = request.options.mean_of_batches;
        Ok(Self { session, scoring, loaded: None, inputs: Vec::new(), means })
    }

    /// Images in one run.
    pub(super) fn batch(&self) -> usize {
        self.session.plan().batch
    }

    /// What it runs.
    pub(super) fn plan(&self) -> &Plan {
        self.session.plan()
    }

    /// Runs the loaded batch unpruned: every output, row-major, in graph order.
    pub(super) fn run(&mut self) -> Result<Vec<Vec<f32>>, EvaluateError> {
        let inputs: Vec<&[f32]> = self.inputs.iter().map(Vec::as_slice).collect();
        Ok(self.session.run(&inputs)?)
    }

    /// Uploads images `images` of the set, at most a batch, of which `samples` begins with number `first`. Nothing is
    /// done where they are what was uploaded last.
    pub(super) fn load(
        &mut self,
        samples: &Samples,
        first: usize,
        images: Range<usize>,
    ) -> Result<(), EvaluateError> {
        if self.loaded.as_ref() == Some(&images) {
            return Ok(());
        }
        self.loaded = None;
        let part = images.start - first..images.end - first;
        let plan = self.session.plan();
        let mut inputs = Vec::new();
        for (port, list) in plan.inputs.iter().zip(&samples.inputs) {
            let each = count(&port.shape) / plan.batch;
            inputs.push(joined(&port.name, &list[part.clone()], each, plan.batch, 0.0)?);
        }
        self.inputs = inputs;
        for (task, buffer) in self.scoring.labels.iter().enumerate() {
            let list = &samples.targets(task)[part.clone()];
            let words = joined(&buffer.task, list, buffer.words, plan.batch, UNLABELLED)?;
            self.session.write_external(buffer.external, bytemuck::cast_slice(&words))?;
        }
        let inputs: Vec<&[f32]> = self.inputs.iter().map(Vec::as_slice).collect();
        self.session.upload(&inputs, &[])?;
        self.loaded = Some(images);
        Ok(())
    }

    /// Adds the losses of the loaded images, nothing being pruned.
    pub(super) fn score(&mut self, losses: &mut [Loss]) -> Result<(), EvaluateError> {
        let images = self.loaded.as_ref().map_or(0, ExactSizeIterator::len);
        self.session.score(&[vec![]])?;
        let sums = self.session.read_external(self.scoring.results)?;
        if self.means {
            self.scoring.add_means(&sums, images, losses);
        } else {
            self.scoring.add(&sums, images, losses);
        }
        Ok(())
    }
}

/// The images one after another, filled up to a batch.
pub(super) fn joined<T: Copy>(
    what: &str,
    images: &[Vec<T>],
    each: usize,
    batch: usize,
    rest: T,
) -> Result<Vec<T>, EvaluateError> {
    if let Some(wrong) = images.iter().find(|image| image.len() != each) {
        return Err(EvaluateError::Size { what: what.to_owned(), expected: each, found: wrong.len() });
    }
    let mut all = images.concat();
    all.resize(batch * each, rest);
    Ok(all)
}

/// A plan for the batch asked for, or for the largest that fits.
pub(super) fn fitting_plan(gpu: &Gpu, request: &Request<'_>) -> Result<Plan, EvaluateError> {
    let asked = request.options.batch.map(|batch| batch.min(request.images));
    let most = request.options.most.map_or(LARGEST_BATCH, |most| most.clamp(1, LARGEST_BATCH));
    let mut batch = asked.unwrap_or_else(|| even_batch(request.images, most));
    loop {
        let smaller = (asked.is_none() && batch > 1).then(|| even_batch(request.images, batch / 2));
        match (plan(gpu, request, batch), smaller) {
            (Ok(plan), Some(smaller)) if memory(&plan) > MEMORY => batch = smaller,
            (
                Err(EvaluateError::Plan(
                    PlanError::TooLarge { .. } | PlanError::TooManyGroups { .. } | PlanError::TooFine { .. },
                )),
                Some(smaller),
            ) => batch = smaller,
            (result, _) => return result,
        }
    }
}

fn plan(gpu: &Gpu, request: &Request<'_>, batch: usize) -> Result<Plan, EvaluateError> {
    let sizes = Sizes::new(batch, request.options.symbols.clone());
    let graph = optimise(request.graph, &sizes)?.graph;
    let shapes = graph.infer(&sizes)?;
    Ok(build(&graph, &shapes, request.units, &gpu.plan_options(batch))?)
}

fn memory(plan: &Plan) -> u64 {
    plan.slots.iter().chain(&plan.externals).sum()
}

/// The batch of at most `largest` that cuts `images` into the fewest runs with the fewest places empty.
pub(super) fn even_batch(images: usize, largest: usize) -> usize {
    images.div_ceil(images.div_ceil(largest))
}

#[cfg(test)]
mod tests {
    use super::even_batch;

    #[test]
    fn batches_are_even() {
        assert_eq!(even_batch(1, 16), 1);
        assert_eq!(even_batch(16, 16), 16);
        assert_eq!(even_batch(17, 16), 9);
        assert_eq!(even_batch(100, 16), 15);
        for images in 1..200 {
            let batch = even_batch(images, 16);
            assert!(batch <= 16 && images.div_ceil(batch) == images.div_ceil(16));
        }
    }
}
