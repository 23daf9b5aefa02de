//! A part of a network on a device, with the losses of the tasks whose outputs it computes.

use super::cut::Whole;
use crate::evaluate::EvaluateError;
use crate::evaluate::network::joined;
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, ValueId};
use crate::plan::{build, build_with_grams};
use crate::tasks::{Loss, Samples, Scoring, Task, UNLABELLED, attach, result_bytes};
use crate::units::{Units, cost_kept};
use std::ops::Range;

/// Candidates whose sums are read back at once. The session cuts submissions by time on its own.
const CANDIDATES: u64 = 32;

/// A part of a network, its session, and its tasks.
pub(in crate::evaluate) struct Piece {
    pub(in crate::evaluate) session: Session,
    graph: Graph,
    shapes: Vec<Vec<usize>>,
    units: Units,
    /// The tasks, by their numbers, and where their losses are; none where there is no task.
    tasks: Vec<usize>,
    scoring: Option<Scoring>,
    means: bool,
}

impl Piece {
    /// `graph` is a part of that of `whole`; `tasks` are those that it has the outputs of.
    pub(in crate::evaluate) fn new(
        gpu: &Gpu,
        (whole, graph): (&Whole<'_>, Graph),
        (all, tasks): (&[Task], Vec<usize>),
        means: bool,
    ) -> Result<Self, EvaluateError> {
        let options = gpu.plan_options(whole.batch);
        let mut plan = build(&graph, whole.shapes, whole.units, &options)?;
        let ours: Vec<Task> = tasks.iter().map(|&task| all[task].clone()).collect();
        let (mut candidates, mut scoring) = (1, None);
        if !ours.is_empty() {
            let room = options.limits.binding_bytes / result_bytes(&plan, &ours)?.max(1);
            candidates = room.clamp(1, CANDIDATES) as usize;
            scoring = Some(attach(&mut plan, &ours, candidates)?);
        }
        let session = Session::new(gpu, plan, candidates)?;
        let (shapes, units) = (whole.shapes.clone(), whole.units.clone());
        Ok(Self { session, graph, shapes, units, tasks, scoring, means })
    }

    /// `graph`, with the channel products of `values` summed on the way.
    pub(in crate::evaluate) fn summing(
        gpu: &Gpu,
        (whole, graph): (&Whole<'_>, Graph),
        values: &[ValueId],
    ) -> Result<Self, EvaluateError> {
        let options = gpu.plan_options(whole.batch);
        let plan = build_with_grams(&graph, whole.shapes, whole.units, &options, values)?;
        let session = Session::new(gpu, plan, 0)?;
        let (shapes, units) = (whole.shapes.clone(), whole.units.clone());
        Ok(Self { session, graph, shapes, units, tasks: Vec::new(), scoring: None, means: false })
    }

    /// The multiply-accumulates of one run for a candidate.
    pub(in crate::evaluate) fn macs(&self, keep: &[usize]) -> u64 {
        cost_kept(&self.graph, &self.shapes, &self.units, keep).macs
    }

    /// Uploads what the losses of a batch compare with.
    pub(in crate::evaluate) fn label(
        &mut self,
        samples: &Samples,
        images: Range<usize>,
    ) -> Result<(), EvaluateError> {
        let batch = self.session.plan().batch;
        let buffers = self.scoring.iter().flat_map(|scoring| &scoring.labels);
        for (buffer, task) in buffers.zip(&self.tasks) {
            let list = &samples.targets(*task)[images.clone()];
            let words = joined(&buffer.task, list, buffer.words, batch, UNLABELLED)?;
            self.session.write_external(buffer.external, bytemuck::cast_slice(&words))?;
        }
        Ok(())
    }

    /// Adds the losses of `images` pictures that the last run or scoring left, for each of its candidates.
    pub(in crate::evaluate) fn add_losses(
        &self,
        images: usize,
        losses: &mut [Vec<Loss>],
    ) -> Result<(), EvaluateError> {
        let Some(scoring) = &self.scoring else { return Ok(()) };
        let sums = self.session.read_external(scoring.results)?;
        for (sums, losses) in sums.chunks_exact(scoring.words).zip(losses) {
            let mut ours: Vec<Loss> = self.tasks.iter().map(|&task| losses[task]).collect();
            if self.means {
                scoring.add_means(sums, images, &mut ours);
            } else {
                scoring.add(sums, images, &mut ours);
            }
            self.tasks.iter().zip(ours).for_each(|(&task, loss)| losses[task] = loss);
        }
        Ok(())
    }
}
