//! Training as commands do it: progress, checkpoints, and what they leave in the output folder.

use super::finetune::failure;
use super::model::Model;
use super::{Failure, progress};
use crate::gpu::Gpu;
use crate::graph::{Graph, Sizes, ValueId};
use crate::search::fingerprint;
use crate::tasks::{Dataset, Source, Task, TaskKind};
use crate::train::checkpoint;
use crate::train::{
    Assigner, Augmenter, Course, Epoch, Follow, Lectures, Lesson, MomentOptions, Moments, Normalisation,
    Picture, Progress, Settings, State, Thinning, TrainError, Trainer, Tutor, features, lessons, prepared,
    taught, tune,
};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What is trained, and where.
#[derive(Clone, Copy)]
pub struct Pupil<'a> {
    /// The network.
    pub model: &'a Model,
    /// The pictures.
    pub train: &'a Dataset,
    /// The network whose outputs count beside the labels.
    pub teacher: Option<&'a Graph>,
    /// The folder of checkpoints.
    pub out: &'a Path,
    /// Whether to go on from the checkpoint that is there.
    pub resume: bool,
    /// The most bytes of device memory that it may take.
    pub memory: Option<u64>,
}

/// What is known of the epochs before, in a checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Head {
    step: u64,
    epochs: Vec<Epoch>,
}

/// Trains a network: what is written of it, and how its losses went.
pub fn train(gpu: &Gpu, pupil: &Pupil, settings: &Settings) -> Result<(Graph, Vec<Epoch>), Failure> {
    let Pupil { model, train, teacher, out, resume, memory } = *pupil;
    let sizes = Sizes::new(settings.batch, model.sizes.symbols.clone());
    let graph = prepared(&model.graph, &sizes, settings.normalisation).map_err(failure)?;
    let thinning = Thinning::new(&graph, &sizes, train.tasks(), settings.every).map_err(failure)?;
    let outputs: Vec<(&str, Vec<usize>)> = model
        .graph
        .outputs
        .iter()
        .map(|id| {
            let name = model.graph.value(*id).name.as_str();
            (name, thinning.shape(name, &model.shapes[id.0]))
        })
        .collect();
    let outputs = outputs.iter().map(|(name, shape)| (*name, shape.as_slice()));
    let mut lessons = lessons(train.tasks(), &settings.weights, outputs).map_err(failure)?;
    let mut tutor = None;
    if let Some(teacher) = teacher.filter(|_| settings.distil.max(settings.distil_features) > 0.0) {
        let own = (train.tasks(), &lessons[..]);
        let (more, shown) = said(own, (&graph, teacher), (settings, &sizes)).map_err(failure)?;
        tutor = Some(Tutor::new(gpu, teacher, &shown, &sizes).map_err(failure)?);
        lessons.extend(more);
    }
    // Which cells of a detector answer for a box is the teacher's to say, or the network's own as it is now.
    let detects = train.tasks().iter().any(|task| matches!(task.kind, TaskKind::Detection(..)));
    let says = detects.then_some(teacher.unwrap_or(&model.graph));
    let mut assigner = says.map(|graph| Assigner::new(gpu, graph, &sizes)).transpose().map_err(failure)?;
    let augmenter = augmenter(model, train, settings)?;
    let taken =
        tutor.as_ref().map_or(0, Tutor::device_bytes) + assigner.as_ref().map_or(0, Assigner::device_bytes);
    let memory = memory.map(|most| most.saturating_sub(taken));
    let trainer = Trainer::within(memory, gpu, &graph, (train.tasks(), lessons), (settings, &sizes));
    let mut trainer = trainer.map_err(failure)?;
    let path = out.join("checkpoint.bin");
    let key = checkpoint::key(&(
        settings,
        fingerprint(&model.graph),
        teacher.map(fingerprint),
        train.stems(),
        train.tasks().iter().map(|task| format!("{task:?}")).collect::<Vec<_>>(),
    ))
    .map_err(Failure::work)?;
    let mut head = Head::default();
    if resume && path.exists() {
        let (found, sections) = checkpoint::read::<Head>(&path, key).map_err(Failure::input)?;
        trainer.restore(&State::from_sections(found.step, sections)).map_err(failure)?;
        eprintln!("going on after epoch {}", found.epochs.len());
        head = found;
    } else if path.exists() {
        fs::remove_file(&path).map_err(|e| Failure::file(&path, e))?;
    }
    announce(model, (&trainer, taken), settings);
    let names = train.tasks().iter().map(|task| task.name.clone()).collect();
    let bar = progress::bar(0, "train");
    let mut shown = Shown { bar, names, epochs: settings.epochs, path, key, head };
    let lectures = tutor.map(|tutor| hear(tutor, train, &trainer, out)).transpose()?;
    let lectures = lectures.as_ref();
    let (tasks, assigner, augmenter) = (train.tasks(), assigner.as_mut(), Some(&augmenter));
    let course = Course { source: train, tasks, lectures, assigner, augmenter };
    tune(&mut trainer, course, (settings, &mut shown)).map_err(failure)?;
    shown.bar.finish_and_clear();
    let mut graph = trainer.graph(settings.average > 0.0).map_err(failure)?;
    if settings.normalisation == Normalisation::Train {
        re_estimate(gpu, &mut graph, train, (settings, model))?;
    }
    Ok((graph, shown.head.epochs))
}

/// What is learnt from the outputs and the features of a teacher, and the values that it shows for that.
fn said(
    (tasks, lessons): (&[Task], &[Lesson]),
    networks: (&Graph, &Graph),
    (settings, sizes): (&Settings, &Sizes),
) -> Result<(Vec<Lesson>, Vec<ValueId>), TrainError> {
    let (mut all, mut shown) = (Vec::new(), Vec::new());
    if settings.distil > 0.0 {
        (all, shown) = taught(tasks, (lessons, settings.distil), networks, sizes)?;
    }
    if settings.distil_features > 0.0 {
        let (more, values) = features(networks, &all, settings.distil_features, sizes)?;
        let names: Vec<&str> = more.iter().map(|lesson| lesson.goal.output.as_str()).collect();
        eprintln!("comparing {} with the teacher's", names.join(", "));
        all.extend(more);
        shown.extend(values);
    }
    Ok((all, shown))
}

/// Asks the teacher, once for every picture.
fn hear(mut tutor: Tutor, train: &Dataset, trainer: &Trainer, out: &Path) -> Result<Lectures, Failure> {
    let bar = progress::bar(train.len(), "teacher");
    let path = out.join("teacher.bin");
    let done = |images: usize| bar.set_position(images as u64);
    let lectures = Lectures::hear(&mut tutor, train, trainer.lessons(), &path, done).map_err(failure);
    bar.finish_and_clear();
    lectures
}

/// Says before it starts what a training needs.
fn announce(model: &Model, (trainer, taken): (&Trainer, u64), settings: &Settings) {
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let teacher =
        if taken > 0 { format!(", {} of it the teacher's", mebibytes(taken)) } else { String::new() };
    let again = match trainer.computed_again() {
        0 => String::new(),
        count => format!(" (to save memory, {count} operators are computed twice)"),
    };
    let macs = trainer.macs() as f64 / settings.batch as f64;
    eprintln!(
        "training {} with {} of device memory{teacher}{again}; a picture takes {:.1} M multiply-adds, {:.1} times a forward pass",
        model.name(),
        mebibytes(trainer.device_bytes() + taken),
        macs / 1e6,
        macs / crate::units::cost(&model.graph, &model.shapes).macs as f64,
    );
}

fn augmenter(model: &Model, train: &Dataset, settings: &Settings) -> Result<Augmenter, Failure> {
    let pictures = train.formats().map(|(format, size)| Picture::new(format, size)).collect();
    let size = |name: &String| -> [usize; 3] {
        let found = model.graph.outputs.iter().find(|id| model.graph.value(**id).name == *name);
        let shape = found.map_or(&[][..], |id| &model.shapes[id.0]);
        let width = if shape.len() > 2 { shape[shape.len() - 1] } else { 1 };
        let pixels: usize = shape.iter().skip(2).product();
        [shape.get(1).copied().unwrap_or(1), pixels / width.max(1), width]
    };
    let outputs: Vec<[usize; 3]> = train.tasks().iter().map(|task| size(&task.outputs[0])).collect();
    Augmenter::new(settings.augment, settings.seed, pictures, (train.tasks(), &outputs)).map_err(failure)
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

/// Progress on standard error, and a checkpoint after every epoch.
struct Shown {
    bar: ProgressBar,
    names: Vec<String>,
    epochs: usize,
    path: PathBuf,
    key: u64,
    head: Head,
}

impl Follow for Shown {
    fn stepped(&mut self, progress: &Progress<'_>) {
        self.bar.set_length((progress.steps * self.epochs) as u64);
        self.bar.set_position((progress.steps * progress.epoch + progress.step) as u64);
        let losses = &progress.last.losses;
        if losses.iter().any(|loss| loss.count > 0.0) {
            self.bar.set_message(listed(&self.names, losses.iter().map(|loss| loss.mean()), 3));
        }
    }

    fn finished(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<(), TrainError> {
        let skipped =
            if epoch.skipped > 0 { format!(", {} steps skipped", epoch.skipped) } else { String::new() };
        let losses = listed(&self.names, epoch.losses.iter().copied(), 4);
        let (number, epochs, seconds) = (epoch.epoch + 1, self.epochs, epoch.seconds);
        let line = format!("epoch {number} of {epochs}: {losses}; {seconds:.0} s{skipped}");
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
        let state = trainer.state()?;
        self.head.step = state.step;
        self.head.epochs.push(epoch.clone());
        Ok(checkpoint::write(&self.path, self.key, &self.head, &state.sections())?)
    }
}

fn listed(names: &[String], losses: impl Iterator<Item = f64>, digits: usize) -> String {
    let each = names.iter().zip(losses).map(|(name, loss)| format!("{name} {loss:.digits$}"));
    each.collect::<Vec<_>>().join(", ")
}

/// Refuses what the device would refuse only later.
pub fn check(train: &Dataset, settings: &Settings) -> Result<(), Failure> {
    settings.augment.check(train.tasks()).map_err(failure)?;
    if settings.weights.iter().all(|weight| *weight == 0.0) {
        return Err(Failure::input("every task has weight 0: nothing would be learnt"));
    }
    Ok(())
}
