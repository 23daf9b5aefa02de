//! `finetune`: training on the device.

use super::args::{BatchNormArg, DeviceArgs, FinetuneArgs, RuleArg, Split, TrainArgs};
use super::model::{Model, open};
use super::{Failure, eval, files, progress, table};
use crate::evaluate::Report;
use crate::gpu::Gpu;
use crate::graph::{Graph, Sizes};
use crate::tasks::{Dataset, Source};
use crate::train::{
    Epoch, Follow, MomentOptions, Moments, Normalisation, Progress, Rule, Settings, TrainError, Trainer,
    Tutor, lessons, prepared, taught, tune,
};
use globset::{Glob, GlobSetBuilder};
use indicatif::ProgressBar;
use std::collections::BTreeSet;
use std::time::Instant;

/// Runs the command.
pub fn run(args: &FinetuneArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let model = Model::load(&args.model, 1, &args.sizes)?;
    let val = eval::open_data(&args.tasks, Split::Val, &model)?;
    let train = eval::open_data(&args.tasks, Split::Train, &model)?;
    let settings = settings(&args.train, args.epochs, (&model, &train))?;
    let teacher = args.teacher.as_ref().map(|path| Model::load(path, 1, &args.sizes)).transpose()?;
    let teacher = teacher.as_ref().map(|teacher| &teacher.graph);
    files::output_folder(&args.out)?;
    let gpu = open(device)?;
    let before = eval::measure(&gpu, &model, &val, None)?;
    let start = Instant::now();
    let graph = fine_tune(&gpu, &model, &train, (&settings, teacher))?;
    let seconds = start.elapsed().as_secs_f64();
    let path = args.out.join("finetuned.onnx");
    let bytes = crate::onnx::encode(&graph).map_err(Failure::work)?;
    files::write_whole(&path, &bytes)?;
    let read = crate::onnx::parse(&bytes, &path.display().to_string(), None).map_err(Failure::work)?;
    let tuned = Model::new(&path, read, model.sizes.clone())?;
    let after = eval::measure(&gpu, &tuned, &val, Some(&model.graph))?;
    print(&before, &after);
    println!("\n{} epochs in {seconds:.0} s", settings.epochs);
    println!("model   {}", path.display());
    Ok(())
}

/// Trains a model and gives what is written.
pub fn fine_tune(
    gpu: &Gpu,
    model: &Model,
    train: &Dataset,
    (settings, teacher): (&Settings, Option<&Graph>),
) -> Result<Graph, Failure> {
    let sizes = Sizes::new(settings.batch, model.sizes.symbols.clone());
    let graph = prepared(&model.graph, &sizes, settings.normalisation).map_err(failure)?;
    let outputs = model.graph.outputs.iter();
    let outputs = outputs.map(|id| (model.graph.value(*id).name.as_str(), model.shapes[id.0].as_slice()));
    let mut lessons = lessons(train.tasks(), &settings.weights, outputs.clone()).map_err(failure)?;
    let teacher = teacher.filter(|_| settings.distil > 0.0);
    if teacher.is_some() {
        let more = taught(train.tasks(), &lessons, settings.distil, outputs).map_err(failure)?;
        lessons.extend(more);
    }
    let tutor = teacher.map(|teacher| Tutor::new(gpu, teacher, &sizes)).transpose();
    let mut tutor = tutor.map_err(failure)?;
    let mut trainer =
        Trainer::new(gpu, &graph, train.tasks(), lessons, (settings, &sizes)).map_err(failure)?;
    let macs = trainer.macs() as f64 / settings.batch as f64;
    eprintln!(
        "training {} with {:.1} MiB of device memory; a picture takes {:.1} M multiply-adds, {:.1} times a forward pass",
        model.name(),
        trainer.device_bytes() as f64 / f64::from(1 << 20),
        macs / 1e6,
        macs / crate::units::cost(&model.graph, &model.shapes).macs as f64,
    );
    let names = train.tasks().iter().map(|task| task.name.clone()).collect();
    let mut shown = Shown { bar: progress::bar(0, "train"), names, epochs: settings.epochs };
    tune(&mut trainer, (train, train.tasks()), tutor.as_mut(), (settings, &mut shown)).map_err(failure)?;
    shown.bar.finish_and_clear();
    let mut graph = trainer.graph(settings.average > 0.0).map_err(failure)?;
    if settings.normalisation == Normalisation::Train {
        re_estimate(gpu, &mut graph, train, (settings, model))?;
    }
    Ok(graph)
}

/// Gives batch normalisations the moments of training pictures.
fn re_estimate(
    gpu: &Gpu,
    graph: &mut Graph,
    train: &Dataset,
    (settings, model): (&Settings, &Model),
) -> Result<(), Failure> {
    let options = MomentOptions {
        images: settings.moment_images,
        batch: settings.batch,
        symbols: model.sizes.symbols.clone(),
    };
    match Moments::measure(gpu, graph, train, &options).map_err(failure)? {
        Some(moments) => moments.set(graph).map_err(failure),
        None => Ok(()),
    }
}

/// Progress on standard error.
struct Shown {
    bar: ProgressBar,
    names: Vec<String>,
    epochs: usize,
}

impl Follow for Shown {
    fn stepped(&mut self, progress: &Progress<'_>) {
        self.bar.set_length((progress.steps * self.epochs) as u64);
        self.bar.set_position((progress.steps * progress.epoch + progress.step) as u64);
        let judged = progress.last.losses.iter().any(|loss| loss.count > 0.0);
        let losses = self.names.iter().zip(&progress.last.losses).filter(|_| judged);
        let losses: Vec<String> = losses.map(|(name, loss)| format!("{name} {:.3}", loss.mean())).collect();
        if judged {
            self.bar.set_message(losses.join(", "));
        }
    }

    fn finished(&mut self, _: &mut Trainer, epoch: &Epoch) -> Result<(), TrainError> {
        let losses = self.names.iter().zip(&epoch.losses);
        let losses: Vec<String> = losses.map(|(name, loss)| format!("{name} {loss:.4}")).collect();
        let line = format!(
            "epoch {} of {}: {}; {:.0} s{}",
            epoch.epoch + 1,
            self.epochs,
            losses.join(", "),
            epoch.seconds,
            if epoch.skipped > 0 { format!(", {} steps skipped", epoch.skipped) } else { String::new() }
        );
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
        Ok(())
    }
}

/// Failures of the device or of the training itself are of the work, everything else of the input.
pub fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Gpu(error) => Failure::work(error),
        TrainError::Evaluate(error) => eval::failure(error),
        TrainError::Diverged { .. } | TrainError::Loader => Failure::work(error),
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
    number("learning-rate", args.learning_rate, 1e3)?;
    number("warm-up", args.warm_up, epochs as f64)?;
    number("decay", args.decay, 1.0)?;
    number("clip", args.clip, f64::MAX)?;
    number("distil", args.distil, f64::MAX)?;
    number("average", args.average, 0.999_999)?;
    if args.batch == 0 || epochs == 0 || args.batch > data.len() {
        return Err(Failure::input(format!(
            "--batch {} and --epochs {epochs}: expected at least 1, and batches of at most the {} pictures",
            args.batch,
            data.len()
        )));
    }
    Ok(Settings {
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
        seed: 0,
    })
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
fn print(before: &Report, after: &Report) {
    let mut rows = table::new(&["", "before", "after", "change"]);
    for (before, after) in before.tasks.iter().zip(&after.tasks) {
        let (old, new) = (&before.metrics[0], &after.metrics[0]);
        let better = if old.higher_is_better { "higher is better" } else { "lower is better" };
        rows.add_row([
            format!("{}: {} ({better})", before.name, old.name),
            format!("{:.4}", old.value),
            format!("{:.4}", new.value),
            table::change(old.value, new.value),
        ]);
    }
    table::numbers_from(&mut rows, 1);
    println!("{}", rows.trim_fmt());
}
