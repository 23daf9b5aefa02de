//! `prune --rounds`: search and training in turns, each on what the one before left, until a task would lose too much.

use super::args::{PruneArgs, SearchArgs, Split};
use super::model::Model;
use super::outcome::remove_results;
use super::prune::{Job, prune};
use super::report::{self, Report};
use super::summary::{Change, MetricChange, Summary, UnitSummary};
use super::{Failure, eval, files};
use crate::gpu::Gpu;
use crate::search::fingerprint;
use crate::search::schedule::Schedule;
use crate::tasks::TasksFile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of a `plan.json` that rounds put together.
#[derive(Debug, Serialize, Deserialize)]
struct PlanFile {
    version: u32,
    network: String,
    units: Vec<PlanUnit>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlanUnit {
    id: String,
    channels: usize,
    kept: Vec<usize>,
    limited_by: Option<String>,
}

/// Prunes `model` in `args.rounds` rounds; each has a folder of its own in the output folder, which gets the model, plan
/// and summary of the last one that kept every task.
pub fn rounds(gpu: &Gpu, model: &Model, args: &PruneArgs) -> Result<Summary, Failure> {
    check(args)?;
    let limits = TasksFile::read(&args.tasks).map_err(Failure::input)?;
    files::output_folder(&args.out)?;
    remove_results(&args.out)?;
    let mut accepted: Vec<(PathBuf, Summary)> = Vec::new();
    for round in 1..=args.rounds {
        let out = args.out.join(format!("round-{round}"));
        eprintln!("round {round} of {}", args.rounds);
        let summary = self::round(gpu, model, args, (round, &out, &accepted))?;
        let first = accepted.first().map_or(&summary, |(_, first)| first);
        if let Some(lost) = too_much(first, &summary, &|task| limits.max_drop(task).or(args.max_drop)) {
            eprintln!("round {round} is not taken: {lost}");
            break;
        }
        accepted.push((out, summary));
        if reached(&accepted, &args.search) {
            break;
        }
    }
    let Some((last, _)) = accepted.last() else {
        let reason = "no round keeps every task within its max_drop; the first one's results are in the folder round-1";
        return Err(Failure::work(reason));
    };
    let summary = joined(&accepted);
    let folders: Vec<&Path> = accepted.iter().map(|(folder, _)| folder.as_path()).collect();
    files::write_json(&args.out.join("plan.json"), &plan(model, &folders)?)?;
    let pruned = last.join("pruned.onnx");
    let bytes = fs::read(&pruned).map_err(|e| Failure::file(&pruned, e))?;
    files::write_whole(&args.out.join("pruned.onnx"), &bytes)?;
    let page = page(gpu, model, args, (&summary, &folders))?;
    files::write_whole(&args.out.join("report.html"), page.as_bytes())?;
    files::write_json(&args.out.join("summary.json"), &summary)?;
    Ok(summary)
}

/// Refuses rounds that cannot be, before the first one runs.
fn check(args: &PruneArgs) -> Result<(), Failure> {
    if args.rounds == 0 || args.max_drop.is_some_and(|most| most.is_nan() || most < 0.0) {
        return Err(Failure::input("--rounds must be at least 1, and --max-drop a share of at least 0"));
    }
    let (rate, total) = limits(args, args.rounds);
    let solved = Schedule::solve(rate, total, 1).map_err(|error| {
        Failure::input(format!("--rate-slope or --total-slope, in round {}: {error}", args.rounds))
    });
    solved.map(drop)
}

/// Rate and total of a round, which is counted from 1, as PAGCP's reference code has them grow.
fn limits(args: &PruneArgs, round: usize) -> (f64, f64) {
    let before = (round - 1) as f64;
    (args.search.rate + args.rate_slope * before, args.search.total + args.total_slope * before)
}

/// One round, on what the last accepted one left; its targets are on a geometric way to those of all rounds.
fn round(
    gpu: &Gpu,
    model: &Model,
    args: &PruneArgs,
    (round, out, accepted): (usize, &Path, &[(PathBuf, Summary)]),
) -> Result<Summary, Failure> {
    let before = match accepted.last() {
        None => None,
        Some((folder, _)) => Some(Model::load(&folder.join("pruned.onnx"), 1, &args.sizes)?),
    };
    let share = |target: Option<f64>, done: f64| {
        target.map(|target| (target.powf(round as f64 / args.rounds as f64) / done).min(1.0))
    };
    let done = |change: fn(&Summary) -> Change<u64>| match (accepted.first(), accepted.last()) {
        (Some((_, first)), Some((_, last))) => change(last).after as f64 / change(first).before as f64,
        _ => 1.0,
    };
    let (rate, total) = limits(args, round);
    let search = SearchArgs {
        rate,
        total,
        target_flops: share(args.search.target_flops, done(|summary| summary.flops)),
        target_params: share(args.search.target_params, done(|summary| summary.params)),
        ..args.search.clone()
    };
    let training = args.finetune.map(|epochs| (epochs, &args.train));
    let resume = args.resume && out.join("journal.jsonl").exists();
    // What it learns from is the unpruned network in every round.
    let teacher = &model.graph;
    let model = before.as_ref().unwrap_or(model);
    prune(gpu, &Job { model, tasks: &args.tasks, out, resume, search: &search, training, teacher })
}

/// The report of all rounds.
fn page(
    gpu: &Gpu,
    model: &Model,
    args: &PruneArgs,
    (summary, folders): (&Summary, &[&Path]),
) -> Result<String, Failure> {
    let after = Model::load(&args.out.join("pruned.onnx"), 1, &args.sizes)?;
    let val = eval::open_data(&args.tasks, Split::Val, model)?;
    let name = |folder: &&Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let rounds: Vec<String> = folders.iter().map(name).collect();
    let page = report::render(&Report {
        model: model.name(),
        summary,
        search: None,
        rounds: &rounds,
        layers: &[],
        examples: &report::examples(gpu, [model, &after], &val)?,
    });
    page.map_err(Failure::work)
}

/// Whether the targets of all rounds are reached.
fn reached(accepted: &[(PathBuf, Summary)], search: &SearchArgs) -> bool {
    let summary = joined(accepted);
    let below = |target: Option<f64>, change: Change<u64>| {
        target.is_none_or(|target| change.after as f64 <= target * change.before as f64)
    };
    (search.target_flops.is_some() || search.target_params.is_some())
        && below(search.target_flops, summary.flops)
        && below(search.target_params, summary.params)
}

/// The task that lost more of its metric since the first round began than `most` says of it.
fn too_much(first: &Summary, summary: &Summary, most: &dyn Fn(&str) -> Option<f64>) -> Option<String> {
    first.tasks.iter().zip(&summary.tasks).find_map(|(first, last)| {
        let most = most(&first.name)?;
        let (before, after) = (first.metric.before, last.metric.after);
        let lost = if first.metric.higher_is_better { before - after } else { after - before };
        let share = lost / before.abs().max(f64::MIN_POSITIVE);
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        (share > most || share.is_nan()).then(|| {
            format!(
                "{} lost {} of {}, at most {} may go",
                first.name,
                percent(share),
                first.metric.name,
                percent(most)
            )
        })
    })
}

/// From before the first to after the last.
fn joined(accepted: &[(PathBuf, Summary)]) -> Summary {
    let (first, last) = (&accepted[0].1, &accepted[accepted.len() - 1].1);
    let mut summary = last.clone();
    summary.flops.before = first.flops.before;
    summary.macs.before = first.macs.before;
    summary.params.before = first.params.before;
    for (task, first) in summary.tasks.iter_mut().zip(&first.tasks) {
        task.loss.before = first.loss.before;
        task.metric = MetricChange { before: first.metric.before, ..task.metric.clone() };
    }
    summary.latency_ms.before = first.latency_ms.before;
    // What was timed side by side are the networks of one round.
    summary.latency_ms.against_before = None;
    let kept: BTreeMap<&str, &UnitSummary> = last.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
    summary.units = first
        .units
        .iter()
        .map(|unit| UnitSummary {
            channels: unit.channels,
            ..kept.get(unit.id.as_str()).copied().unwrap_or(unit).clone()
        })
        .collect();
    for (_, other) in accepted[..accepted.len() - 1].iter().rev() {
        summary.search.candidates += other.search.candidates;
        summary.search.macs += other.search.macs;
        summary.search.scan_macs += other.search.scan_macs;
        summary.search.reference_macs += other.search.reference_macs;
        summary.search.seconds += other.search.seconds;
        if let (Some(all), Some(training)) = (&mut summary.training, &other.training) {
            all.epochs += training.epochs;
            all.seconds += training.seconds;
            all.course.splice(0..0, training.course.iter().cloned());
        }
    }
    summary
}

/// The plan of all rounds in channels of `model`: every round keeps some of what the one before kept.
fn plan(model: &Model, rounds: &[&Path]) -> Result<PlanFile, Failure> {
    let mut units: Vec<PlanUnit> = Vec::new();
    for folder in rounds {
        let path = folder.join("plan.json");
        let bytes = fs::read(&path).map_err(|e| Failure::file(&path, e))?;
        let plan: PlanFile = serde_json::from_slice(&bytes).map_err(|e| Failure::file(&path, e))?;
        if units.is_empty() {
            units = plan.units;
            continue;
        }
        let later: BTreeMap<String, PlanUnit> =
            plan.units.into_iter().map(|unit| (unit.id.clone(), unit)).collect();
        for unit in &mut units {
            let Some(next) = later.get(&unit.id) else { continue };
            if next.channels != unit.kept.len() {
                let reason =
                    format!("unit {} has {} channels, expected {}", unit.id, next.channels, unit.kept.len());
                return Err(Failure::file(&path, reason));
            }
            unit.kept = next.kept.iter().map(|&at| unit.kept[at]).collect();
            unit.limited_by.clone_from(&next.limited_by);
        }
    }
    Ok(PlanFile { version: 1, network: fingerprint(&model.graph), units })
}
