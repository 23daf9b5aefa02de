//! The plan of a training step.

use super::batch::Lesson;
use super::differentiate::{Differentiated, Objective, differentiate};
use super::forward::Forward;
use super::parameters::repacks;
use super::recompute::recomputed;
use super::update::{Buffers, Placed, add_updates};
use super::{Settings, TrainError};
use crate::gpu::{Gpu, Session};
use crate::graph::Graph;
use crate::plan::{Plan, PlanError, build};
use crate::tasks::{Scoring, Task, attach};
use crate::units::Units;

/// A plan that trains, and where its numbers are.
pub(super) struct Program {
    pub plan: Plan,
    pub scoring: Scoring,
    pub blocks: Vec<Placed>,
    pub buffers: Buffers,
    /// Operators that are computed once more for gradients.
    pub again: usize,
}

/// Into how many parts a network is cut, one after another, until a step fits.
const PARTS: [usize; 9] = [1, 2, 3, 4, 6, 8, 12, 16, 24];

/// Plans steps of `form` that learn `lessons`, with the losses of `tasks` for progress. Where they would take more than
/// `memory` bytes, values are computed again instead of kept.
pub(super) fn program(
    gpu: &Gpu,
    form: &Forward,
    (tasks, lessons): (&[Task], &[Lesson]),
    (settings, memory): (&Settings, Option<u64>),
) -> Result<Program, TrainError> {
    let objectives = lessons.iter().map(|lesson| objective(form, lesson)).collect::<Result<Vec<_>, _>>()?;
    let trained = differentiate(&form.graph, &form.shapes, &form.trained, &objectives)?;
    let Some(most) = memory else {
        return planned(gpu, form, (trained, 0), (tasks, settings));
    };
    let mut least = u64::MAX;
    for parts in PARTS {
        let cut = recomputed(&trained, form.graph.nodes.len(), parts);
        let program = planned(gpu, form, cut, (tasks, settings))?;
        let bytes = Session::bytes_for(gpu, &program.plan, 0);
        if bytes <= most {
            return Ok(program);
        }
        least = least.min(bytes);
    }
    Err(TrainError::Memory { least, most })
}

/// The plan of a training graph.
fn planned(
    gpu: &Gpu,
    form: &Forward,
    (trained, again): (Differentiated, usize),
    (tasks, settings): (&[Task], &Settings),
) -> Result<Program, TrainError> {
    let options = gpu.plan_options(settings.batch);
    let nothing_goes = Units::default();
    let built =
        |graph: &Graph| -> Result<Plan, PlanError> { build(graph, &trained.shapes, &nothing_goes, &options) };
    let mut plan = built(&trained.graph)?;
    let repacks = repacks(&trained, &plan, built)?;
    let scoring = attach(&mut plan, tasks, 1)?;
    let outputs = form.graph.outputs.len();
    drop_outputs(&mut plan, outputs);
    let gradients = plan.outputs.iter().map(|port| port.external);
    let Differentiated { blocks, .. } = trained;
    let blocks = blocks.into_iter().zip(gradients).collect();
    let (blocks, buffers) = add_updates(&mut plan, blocks, repacks, settings.rule)?;
    Ok(Program { plan, scoring, blocks, buffers, again })
}

/// The network's own outputs are read by losses alone: they need not leave the device.
fn drop_outputs(plan: &mut Plan, outputs: usize) {
    plan.outputs.drain(..outputs);
    plan.unpack.drain(..outputs);
}

fn objective(form: &Forward, lesson: &Lesson) -> Result<Objective, TrainError> {
    let found = form.graph.outputs.iter().find(|id| form.graph.value(**id).name == lesson.goal.output);
    let Some(&output) = found else {
        let reason = format!("the model has no output {}", lesson.goal.output);
        return Err(TrainError::Task { task: lesson.name.clone(), reason });
    };
    Ok(Objective {
        name: lesson.name.clone(),
        output,
        view: lesson.goal.view.clone(),
        kind: lesson.goal.loss,
    })
}
