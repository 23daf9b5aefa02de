//! Weights of tasks that make their losses count relative to what they are without pruning.

use super::model::Model;
use super::{Failure, eval};
use crate::gpu::Gpu;
use crate::graph::Graph;
use crate::tasks::Dataset;
use crate::train::Settings;

/// Pictures of the train split whose losses decide.
const IMAGES: usize = 256;

/// Divides the weight of every task by its loss in `teacher`, the unpruned network, or in `model` itself where there is
/// none: a rise by a tenth then counts alike in every task, as in a search. Weights keep their mean. `data`, which this
/// cuts, are pictures to train on.
///
/// # Errors
/// Where a task without weight 0 has no loss to compare with.
pub fn balance(
    gpu: &Gpu,
    model: &Model,
    teacher: Option<&Graph>,
    (mut data, settings): (Dataset, &mut Settings),
) -> Result<(), Failure> {
    data.subset(IMAGES, settings.seed);
    let network =
        teacher.map(|graph| Model::new(&model.path, graph.clone(), model.sizes.clone())).transpose()?;
    let report = eval::measure(gpu, network.as_ref().unwrap_or(model), &data, teacher)?;
    let before: f64 = settings.weights.iter().sum();
    for (task, weight) in report.tasks.iter().zip(&mut settings.weights).filter(|(_, weight)| **weight != 0.0)
    {
        let loss = task.loss.mean();
        if !(loss.is_finite() && loss > 0.0) {
            let reason = "tasks whose loss the unpruned network has not, or has as 0, cannot be balanced";
            return Err(Failure::input(format!("--balance: task {}: {reason}", task.name)));
        }
        *weight /= loss;
    }
    let after: f64 = settings.weights.iter().sum();
    settings.weights.iter_mut().for_each(|weight| *weight *= before / after);
    let each = report.tasks.iter().zip(&settings.weights);
    let each: Vec<String> = each.map(|(task, weight)| format!("{} {weight:.3}", task.name)).collect();
    eprintln!("weights of the tasks: {}", each.join(", "));
    Ok(())
}
