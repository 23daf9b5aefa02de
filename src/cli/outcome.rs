//! What a finished search leaves: the pruned model, the plan, the summary and the report.

use super::bench::{self, Layer, ModelTimes, layers_as};
use super::eval::measure;
use super::improve::{Improved, improve};
use super::model::Model;
use super::prune::Job;
use super::report::{self, LayerTime, Report, Searched};
use super::summary::{Change, Latency, MetricChange, SearchSummary, Summary, TaskSummary, UnitSummary};
use super::{Failure, files, table};
use crate::compact::compact;
use crate::evaluate;
use crate::gpu::Gpu;
use crate::graph::Sizes;
use crate::search::{Options, Outcome, Visit, fingerprint};
use crate::tasks::Dataset;
use crate::units::{Cost, cost};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// A finished search.
#[derive(Debug)]
pub struct Pruned {
    /// What it decided.
    pub outcome: Outcome,
    /// The options it ran with.
    pub options: Options,
    /// The pictures that it scored on.
    pub images: usize,
    /// How long it took.
    pub seconds: f64,
}

#[derive(Serialize)]
struct PlanFile<'a> {
    version: u32,
    network: String,
    units: Vec<PlanUnit<'a>>,
}

#[derive(Serialize)]
struct PlanUnit<'a> {
    id: &'a str,
    channels: usize,
    kept: &'a [usize],
    limited_by: Option<&'a str>,
}

/// Timed runs of each network for the summary.
const RUNS: usize = 25;

/// Writes `plan.json`, `pruned.onnx`, `report.html` and `summary.json`, each whole or not at all. The model comes before
/// what is measured of it, the summary last.
pub fn finish(gpu: &Gpu, job: &Job, val: &Dataset, pruned: &Pruned) -> Result<Summary, Failure> {
    let Model { graph, shapes, units, .. } = job.model;
    let smaller =
        compact(&pruned.outcome.graph, shapes, units, &pruned.outcome.keeps).map_err(Failure::work)?;
    let (smaller, improved) = improve(gpu, job, pruned, smaller)?;
    let path = job.out.join("pruned.onnx");
    let bytes = crate::onnx::encode(&smaller).map_err(Failure::work)?;
    let sizes = Sizes::new(1, job.model.sizes.symbols.clone());
    // The file that is written is the one that is measured, not the graph that it came from.
    let read = crate::onnx::parse(&bytes, &path.display().to_string(), None).map_err(Failure::work)?;
    let after = Model::new(&path, read, sizes)?;
    files::write_json(&job.out.join("plan.json"), &plan_file(job.model, &pruned.outcome))?;
    files::write_whole(&path, &bytes)?;
    let before_report = measure(gpu, job.model, val, None)?;
    let after_report = measure(gpu, &after, val, Some(graph))?;
    let models = [job.model.at_batch(1)?, after];
    let times = bench::time(gpu, &models, RUNS, false)?;
    let costs = models.each_ref().map(|model| cost(&model.graph, &model.shapes));
    let reports = [&before_report, &after_report];
    let summary = summary(gpu, job, (pruned, &improved), (&costs, &times, reports))?;
    let examples = report::examples(gpu, [&models[0], &models[1]], val)?;
    let means = pruned.outcome.before.iter().map(|loss| loss.mean());
    let base: Vec<(f64, f64)> = means.zip(val.tasks().iter().map(|task| task.kind.floor())).collect();
    let page = report::render(&Report {
        model: job.model.name(),
        summary: &summary,
        search: Some(Searched { visits: &pruned.outcome.visits, base: &base }),
        rounds: &[],
        layers: &compared(&times),
        examples: &examples,
    })
    .map_err(Failure::work)?;
    files::write_whole(&job.out.join("report.html"), page.as_bytes())?;
    files::write_json(&job.out.join("summary.json"), &summary)?;
    Ok(summary)
}

/// Removes what an earlier search left, so that nothing looks finished while another one runs.
pub fn remove_results(out: &Path) -> Result<(), Failure> {
    for name in ["summary.json", "report.html", "pruned.onnx", "plan.json", "checkpoint.bin"] {
        let path = out.join(name);
        if path.exists() {
            fs::remove_file(&path).map_err(|e| Failure::file(&path, e))?;
        }
    }
    Ok(())
}

fn plan_file<'a>(model: &'a Model, outcome: &'a Outcome) -> PlanFile<'a> {
    let unit = |(unit, kept): (&'a crate::units::Unit, &'a Vec<usize>)| PlanUnit {
        id: &unit.id,
        channels: unit.channels,
        kept,
        limited_by: limited_by(outcome, &unit.id),
    };
    let units = model.units.units.iter().zip(&outcome.keeps.0).map(unit).collect();
    PlanFile { version: 1, network: fingerprint(&model.graph), units }
}

fn limited_by<'a>(outcome: &'a Outcome, unit: &str) -> Option<&'a str> {
    visit(outcome, unit)?.limited_by.as_deref()
}

/// The last visit of a unit.
fn visit<'a>(outcome: &'a Outcome, unit: &str) -> Option<&'a Visit> {
    outcome.visits.iter().rev().find(|visit| visit.unit == unit)
}

fn predicted(pruned: &Pruned) -> Option<f64> {
    let table = pruned.options.times.as_ref()?.table()?;
    Some(table.predict(&pruned.outcome.keeps.counts()))
}

type Measured<'a> = (&'a [Cost; 2], &'a [ModelTimes], [&'a evaluate::Report; 2]);

fn summary(
    gpu: &Gpu,
    job: &Job,
    (pruned, improved): (&Pruned, &Improved),
    (costs, times, reports): Measured,
) -> Result<Summary, Failure> {
    let [before, after] = costs;
    let outcome = &pruned.outcome;
    let tasks = reports[0].tasks.iter().zip(&reports[1].tasks).map(task_summary);
    let unit = |(unit, kept): (&crate::units::Unit, &Vec<usize>)| UnitSummary {
        id: unit.id.clone(),
        channels: unit.channels,
        kept: kept.len(),
        limited_by: limited_by(outcome, &unit.id).map(str::to_owned),
        recovered: visit(outcome, &unit.id).is_some_and(|v| v.recovered && v.accepted.is_some()),
        ranked_by: visit(outcome, &unit.id).and_then(|v| v.ranked_by),
    };
    Ok(Summary {
        version: 1,
        flops: Change { before: 2 * before.macs, after: 2 * after.macs },
        macs: Change { before: before.macs, after: after.macs },
        params: Change { before: before.params, after: after.params },
        tasks: tasks.collect(),
        latency_ms: Latency {
            before: times[0].latency_ms.median,
            after: times[1].latency_ms.median,
            device: gpu.info().name,
            against_before: times[1].against_first,
            predicted: predicted(pruned),
        },
        search: SearchSummary {
            units: outcome.visits.len(),
            candidates: outcome.candidates,
            images: pruned.images,
            macs: outcome.macs,
            scan_macs: outcome.scan_macs * pruned.images as u64,
            reference_macs: outcome.reference_macs * pruned.images as u64,
            seconds: pruned.seconds,
        },
        units: job.model.units.units.iter().zip(&outcome.keeps.0).map(unit).collect(),
        training: improved.training.clone(),
        re_estimated: improved.re_estimated,
        options: serde_json::to_value(&pruned.options).map_err(Failure::work)?,
    })
}

/// A task of two networks.
pub fn task_summary((before, after): (&evaluate::TaskReport, &evaluate::TaskReport)) -> TaskSummary {
    TaskSummary {
        name: before.name.clone(),
        kind: before.kind.to_owned(),
        loss: Change { before: before.loss.mean(), after: after.loss.mean() },
        metric: MetricChange {
            name: before.metrics[0].name.to_owned(),
            higher_is_better: before.metrics[0].higher_is_better,
            before: before.metrics[0].value,
            after: after.metrics[0].value,
        },
    }
}

/// Layers of the unpruned network beside those of the same name in the pruned one: what is one step in either is one layer.
fn compared(times: &[ModelTimes]) -> Vec<LayerTime> {
    let merged = [times[0].merged.clone(), times[1].merged.clone()].concat();
    let pruned = layers_as(&times[1], &merged);
    let beside = |layer: Layer| LayerTime {
        after: pruned.iter().find(|other| other.name == layer.name).map_or(0.0, |other| other.ms),
        before: layer.ms,
        name: layer.name,
        op: layer.op,
    };
    layers_as(&times[0], &merged).into_iter().map(beside).collect()
}

/// The result as a table on standard output, with where the report is.
pub fn print(summary: &Summary, out: &Path) {
    let mut rows = table::new(&["", "before", "after", "change"]);
    for task in &summary.tasks {
        let metric = &task.metric;
        let better = if metric.higher_is_better { "higher is better" } else { "lower is better" };
        rows.add_row([
            format!("{}: {} ({better})", task.name, metric.name),
            format!("{:.4}", metric.before),
            format!("{:.4}", metric.after),
            table::change(metric.before, metric.after),
        ]);
    }
    for (name, change) in [("FLOPs", summary.flops), ("parameters", summary.params)] {
        rows.add_row([
            name.to_owned(),
            table::millions(change.before),
            table::millions(change.after),
            table::change(change.before as f64, change.after as f64),
        ]);
    }
    let latency = &summary.latency_ms;
    let verdict = latency.against_before.map_or(String::new(), |against| against.words());
    let ms = |ms: f64| format!("{ms:.2} ms");
    rows.add_row(["latency of one picture".to_owned(), ms(latency.before), ms(latency.after), verdict]);
    if let Some(predicted) = latency.predicted {
        rows.add_row(["predicted before the search".to_owned(), String::new(), ms(predicted), String::new()]);
    }
    table::numbers_from(&mut rows, 1);
    println!("{}", rows.trim_fmt());
    println!("\nmodel   {}", out.join("pruned.onnx").display());
    println!("report  {}", out.join("report.html").display());
}
