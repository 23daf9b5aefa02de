//! `eval`: the loss and metrics of every task on a data set.

use super::args::{DeviceArgs, EvalArgs, Split};
use super::model::{Model, open};
use super::{Failure, files, progress, table};
use crate::evaluate::{EvaluateError, Options, Report, Subject, evaluate, signature};
use crate::gpu::Gpu;
use crate::graph::Graph;
use crate::tasks::{Dataset, TasksFile};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Evaluation {
    version: u32,
    images: usize,
    tasks: Vec<TaskEvaluation>,
}

#[derive(Serialize)]
struct TaskEvaluation {
    name: String,
    kind: &'static str,
    loss: f64,
    metric: MetricValue,
    metrics: Vec<MetricValue>,
}

#[derive(Clone, Serialize)]
struct MetricValue {
    name: &'static str,
    value: f64,
    higher_is_better: bool,
}

/// Runs the command.
pub fn run(args: &EvalArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let model = Model::load(&args.model, 1, &args.sizes)?;
    let mut data = open_data(&args.tasks, args.split, &model)?;
    if let Some(images) = args.images {
        data.subset(images, 0);
    }
    let gpu = open(device)?;
    let teacher = args.teacher.as_ref().map(|path| Model::load(path, 1, &args.sizes)).transpose()?;
    let report = measure(&gpu, &model, &data, teacher.as_ref().map(|teacher| &teacher.graph))?;
    let evaluation = evaluation(&report);
    if args.json {
        return files::print_json(&evaluation);
    }
    let mut table = table::new(&["task", "kind", "loss", "metrics"]);
    for task in &evaluation.tasks {
        let metrics: Vec<String> =
            task.metrics.iter().map(|metric| format!("{} {:.4}", metric.name, metric.value)).collect();
        table.add_row([
            task.name.clone(),
            task.kind.to_owned(),
            format!("{:.4}", task.loss),
            metrics.join(", "),
        ]);
    }
    println!("{}\n\n{} pictures", table.trim_fmt(), report.images);
    Ok(())
}

/// Opens one part of the data set that a tasks file names, for a model.
pub fn open_data(tasks: &Path, split: Split, model: &Model) -> Result<Dataset, Failure> {
    let file = TasksFile::read(tasks).map_err(Failure::input)?;
    let name = match split {
        Split::Train => "train",
        Split::Val => "val",
    };
    let signature = signature(&model.graph, &options(model)).map_err(Failure::input)?;
    Dataset::open(&file, name, &signature).map_err(Failure::input)
}

/// Losses and metrics of a network, with a progress bar. `teacher` is the unpruned network, where it is another one.
pub fn measure(gpu: &Gpu, model: &Model, data: &Dataset, teacher: Option<&Graph>) -> Result<Report, Failure> {
    let bar = progress::bar(data.stems().len(), "evaluate");
    let subject = Subject { gpu, graph: &model.graph, tasks: data.tasks(), teacher };
    let report = evaluate(&subject, data, &options(model), &mut |done, _| bar.set_position(done as u64));
    bar.finish_and_clear();
    report.map_err(failure)
}

fn options(model: &Model) -> Options {
    Options { symbols: model.sizes.symbols.clone(), ..Options::default() }
}

/// Device failures are failures of the work, everything else of the input.
pub fn failure(error: EvaluateError) -> Failure {
    match error {
        EvaluateError::Gpu(error) => Failure::work(error),
        other => Failure::input(other),
    }
}

fn evaluation(report: &Report) -> Evaluation {
    let value = |metric: &crate::tasks::Metric| MetricValue {
        name: metric.name,
        value: metric.value,
        higher_is_better: metric.higher_is_better,
    };
    let task = |task: &crate::evaluate::TaskReport| TaskEvaluation {
        name: task.name.clone(),
        kind: task.kind,
        loss: task.loss.mean(),
        metric: value(&task.metrics[0]),
        metrics: task.metrics.iter().map(value).collect(),
    };
    Evaluation { version: 1, images: report.images, tasks: report.tasks.iter().map(task).collect() }
}
