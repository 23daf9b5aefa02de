//! `finetune`: training on the device.

use super::args::{BatchNormArg, DeviceArgs, FinetuneArgs, RuleArg, Split, TrainArgs};
use super::balance::balance;
use super::model::{Model, open};
use super::outcome::task_summary;
use super::report::{self, Tuned};
use super::summary::{TaskSummary, TrainingSummary};
use super::training::{self, Pupil};
use super::{Failure, eval, files, table};
use crate::tasks::{Dataset, Source};
use crate::train::{Augment, Epoch, Normalisation, Rule, Settings, TrainError};
use globset::{Glob, GlobSetBuilder};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Instant;

/// What a training leaves in `summary.json`.
#[derive(Serialize)]
struct FinetuneSummary {
    version: u32,
    epochs: Vec<Epoch>,
    images: usize,
    seconds: f64,
    tasks: Vec<TaskSummary>,
    settings: Settings,
}

/// Runs the command.
pub fn run(args: &FinetuneArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let model = Model::load(&args.model, 1, &args.sizes)?;
    let val = eval::open_data(&args.tasks, Split::Val, &model)?;
    let train = eval::open_data(&args.tasks, Split::Train, &model)?;
    let mut settings = settings(&args.train, args.epochs, (&model, &train))?;
    if settings.distil_features > 0.0 && args.teacher.is_none() {
        return Err(Failure::input("--distil-features: expected a network to compare with, --teacher"));
    }
    let teacher = args.teacher.as_ref().map(|path| Model::load(path, 1, &args.sizes)).transpose()?;
    files::output_folder(&args.out)?;
    let gpu = open(device)?;
    let tutor = teacher.as_ref().map(|teacher| &teacher.graph);
    if args.train.balance {
        let data = eval::open_data(&args.tasks, Split::Train, &model)?;
        balance(&gpu, &model, tutor, (data, &mut settings))?;
    }
    let before = eval::measure(&gpu, &model, &val, tutor)?;
    let start = Instant::now();
    let memory = args.train.memory.map(|mebibytes| mebibytes << 20);
    let out = args.out.as_path();
    let pupil = Pupil { model: &model, train: &train, teacher: tutor, out, resume: args.resume, memory };
    let (graph, epochs) = training::train(&gpu, &pupil, &settings)?;
    let seconds = start.elapsed().as_secs_f64();
    let path = args.out.join("finetuned.onnx");
    let bytes = crate::onnx::encode(&graph).map_err(Failure::work)?;
    files::write_whole(&path, &bytes)?;
    let read = crate::onnx::parse(&bytes, &path.display().to_string(), None).map_err(Failure::work)?;
    let tuned = Model::new(&path, read, model.sizes.clone())?;
    let after = eval::measure(&gpu, &tuned, &val, tutor.or(Some(&model.graph)))?;
    let tasks: Vec<TaskSummary> = before.tasks.iter().zip(&after.tasks).map(task_summary).collect();
    let images = train.stems().len();
    let training = TrainingSummary {
        epochs: epochs.len(),
        images,
        seconds,
        course: epochs,
        settings: Some(settings.clone()),
    };
    let page = report::render_tuned(&Tuned {
        model: model.name(),
        device: gpu.info().name,
        teacher: teacher.map(|teacher| teacher.name()),
        tasks: &tasks,
        training: &training,
        examples: &report::examples(&gpu, [&model, &tuned], &val)?,
    });
    files::write_whole(&args.out.join("report.html"), page.map_err(Failure::work)?.as_bytes())?;
    let epochs = training.course;
    let summary = FinetuneSummary { version: 1, epochs, images, seconds, tasks, settings };
    files::write_json(&args.out.join("summary.json"), &summary)?;
    if args.json {
        return files::print_json(&summary);
    }
    print(&summary.tasks);
    println!("\n{} epochs of {images} pictures in {seconds:.0} s", summary.epochs.len());
    println!("model   {}", path.display());
    println!("report  {}", args.out.join("report.html").display());
    Ok(())
}

/// Failures of the device or of the training itself are of the work, everything else of the input.
pub fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Gpu(error) => Failure::work(error),
        TrainError::Evaluate(error) => eval::failure(error),
        TrainError::Diverged { .. }
        | TrainError::Loader
        | TrainError::Checkpoint(_)
        | TrainError::Lectures(_) => Failure::work(error),
        other => Failure::input(other),
    }
}

/// The settings that arguments stand for.
pub fn settings(
    args: &TrainArgs,
    epochs: usize,
    (model, data): (&Model, &Dataset),
) -> Result<Settings, Failure> {
    let number = |name: &str, value: f64, most: f64| {
        if value.is_finite() && (0.0..=most).contains(&value) {
            return Ok(());
        }
        Err(Failure::input(format!("--{name} {value}: expected a number from 0 to {most}")))
    };
    if args.batch == 0 || epochs == 0 || args.batch > data.len() {
        return Err(Failure::input(format!(
            "--batch {} and --epochs {epochs}: expected at least 1, and batches of at most the {} pictures",
            args.batch,
            data.len()
        )));
    }
    if args.every == 0 {
        return Err(Failure::input("--every 0: expected at least 1"));
    }
    number("learning-rate", args.learning_rate, 1e3)?;
    number("warm-up", args.warm_up, epochs as f64)?;
    number("decay", args.decay, 1.0)?;
    number("clip", args.clip, f64::MAX)?;
    number("distil", args.distil, f64::MAX)?;
    number("distil-features", args.distil_features, f64::MAX)?;
    number("average", args.average, 0.999_999)?;
    let settings = Settings {
        epochs,
        batch: args.batch,
        rule: match args.optimiser {
            RuleArg::Adamw => Rule::ADAM_W,
            RuleArg::Sgd => Rule::SGD,
        },
        rate: args.learning_rate,
        final_share: 0.01,
        warm_up: args.warm_up,
        decay: args.decay,
        clip: args.clip,
        average: args.average,
        normalisation: match args.batch_norm {
            BatchNormArg::Train => Normalisation::Train,
            BatchNormArg::Fold => Normalisation::Fold,
        },
        moment_images: 512,
        frozen: frozen(&args.freeze, model)?,
        weights: weights(&args.weight, data)?,
        distil: args.distil,
        distil_features: args.distil_features,
        every: args.every,
        augment: Augment { flip: args.flip, scale: args.zoom, color: args.color },
        seed: 0,
    };
    training::check(data, &settings)?;
    Ok(settings)
}

/// The nodes whose names match.
fn frozen(patterns: &[String], model: &Model) -> Result<BTreeSet<String>, Failure> {
    let mut globs = GlobSetBuilder::new();
    for pattern in patterns {
        globs.add(Glob::new(pattern).map_err(|e| Failure::input(format!("--freeze {pattern}: {e}")))?);
    }
    let globs = globs.build().map_err(Failure::input)?;
    let names = model.graph.nodes.iter().map(|node| node.name.clone());
    Ok(names.filter(|name| globs.is_match(name)).collect())
}

fn weights(given: &[String], data: &Dataset) -> Result<Vec<f64>, Failure> {
    let mut weights = vec![1.0; data.tasks().len()];
    for text in given {
        let wrong = |why: &str| Failure::input(format!("--weight {text}: {why}"));
        let (name, weight) = text.rsplit_once('=').ok_or_else(|| wrong("expected TASK=WEIGHT"))?;
        let names: Vec<&str> = data.tasks().iter().map(|task| task.name.as_str()).collect();
        let at = names.iter().position(|task| *task == name);
        let at =
            at.ok_or_else(|| wrong(&format!("there is no such task; there are {}", names.join(", "))))?;
        let weight: f64 = weight.parse().map_err(|_| wrong("expected a number"))?;
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(wrong("expected a number of at least 0"));
        }
        weights[at] = weight;
    }
    Ok(weights)
}

/// Every task before and after.
fn print(tasks: &[TaskSummary]) {
    let mut rows = table::new(&["", "before", "after", "change"]);
    for TaskSummary { name, metric, .. } in tasks {
        let better = if metric.higher_is_better { "higher is better" } else { "lower is better" };
        rows.add_row([
            format!("{name}: {} ({better})", metric.name),
            format!("{:.4}", metric.before),
            format!("{:.4}", metric.after),
            table::change(metric.before, metric.after),
        ]);
    }
    table::numbers_from(&mut rows, 1);
    println!("{}", rows.trim_fmt());
}
