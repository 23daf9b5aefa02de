//! What becomes of a compacted network before it is written: training, or new moments for its batch normalisations.

use super::args::Split;
use super::balance::balance;
use super::finetune::settings;
use super::model::Model;
use super::outcome::Pruned;
use super::prune::Job;
use super::summary::TrainingSummary;
use super::training::{self, Pupil};
use super::{Failure, eval};
use crate::evaluate::Report;
use crate::gpu::Gpu;
use crate::graph::{Graph, Sizes};
use crate::tasks::Dataset;
use crate::train::{MomentOptions, Moments, TrainError};
use std::time::Instant;

/// What was done to a compacted network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Improved {
    /// How it was trained.
    pub training: Option<TrainingSummary>,
    /// Whether its batch normalisations have moments of its own.
    pub re_estimated: bool,
}

/// Pictures whose moments batch normalisations get.
const MOMENT_IMAGES: usize = 512;

/// Pictures of a run that normalise each other.
const MOMENT_BATCH: usize = 16;

/// Trains the compacted `graph` where that was asked for; else gives its batch normalisations the moments of training
/// pictures, if the worst task is the better for it.
pub fn improve(gpu: &Gpu, job: &Job, pruned: &Pruned, graph: Graph) -> Result<(Graph, Improved), Failure> {
    let sizes = Sizes::new(1, job.model.sizes.symbols.clone());
    let model = Model::new(&job.out.join("pruned.onnx"), graph, sizes)?;
    let mut train = eval::open_data(job.tasks, Split::Train, &model)?;
    if let Some((epochs, args)) = job.training {
        let mut settings = settings(args, epochs, (&model, &train))?;
        if args.balance {
            let data = eval::open_data(job.tasks, Split::Train, &model)?;
            balance(gpu, &model, Some(job.teacher), (data, &mut settings))?;
        }
        let start = Instant::now();
        let teacher = Some(job.teacher);
        let (out, resume, memory) = (job.out, job.resume, args.memory.map(|mebibytes| mebibytes << 20));
        let pupil = Pupil { model: &model, train: &train, teacher, out, resume, memory };
        let (graph, course) = training::train(gpu, &pupil, &settings)?;
        let (images, seconds) = (train.stems().len(), start.elapsed().as_secs_f64());
        let settings = Some(settings);
        let training = Some(TrainingSummary { epochs, images, seconds, course, settings });
        return Ok((graph, Improved { training, re_estimated: false }));
    }
    let (images, batch, symbols) = (MOMENT_IMAGES, MOMENT_BATCH, model.sizes.symbols.clone());
    let options = MomentOptions { images, batch, symbols };
    let graph = match with_moments(gpu, &model.graph, (&train, &options)) {
        Ok(Some(graph)) => graph,
        Ok(None) => return Ok((model.graph, Improved::default())),
        Err(error) => {
            eprintln!("batch normalisations keep the moments of the unpruned network: {error}");
            return Ok((model.graph, Improved::default()));
        }
    };
    if let Some(images) = job.search.images {
        train.subset(images, job.search.seed);
    }
    let other = Model::new(&model.path, graph, model.sizes.clone())?;
    let [before, after] =
        [&model, &other].map(|model| eval::measure(gpu, model, &train, Some(&job.model.graph)));
    let re_estimated = worst(pruned, &after?) < worst(pruned, &before?);
    let graph = if re_estimated { other.graph } else { model.graph };
    Ok((graph, Improved { training: None, re_estimated }))
}

/// `graph` with the moments of training pictures; `None` where nothing normalises by them.
fn with_moments(
    gpu: &Gpu,
    graph: &Graph,
    (train, options): (&Dataset, &MomentOptions),
) -> Result<Option<Graph>, TrainError> {
    let Some(moments) = Moments::measure(gpu, graph, train, options)? else { return Ok(None) };
    let mut graph = graph.clone();
    moments.set(&mut graph)?;
    Ok(Some(graph))
}

/// The largest ratio of a task's loss to that of the unpruned network.
fn worst(pruned: &Pruned, report: &Report) -> f64 {
    let ratios = report.tasks.iter().zip(&pruned.outcome.before);
    ratios.map(|(task, base)| task.loss.mean() / base.mean().max(f64::MIN_POSITIVE)).fold(0.0, f64::max)
}
