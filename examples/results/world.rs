//! The network, its data and its device, opened once for all cells.

use crate::Fallible;
use crate::budget::Budget;
use crate::cells::Baseline;
use crate::statistics::Metric;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wgpu_pagcp::evaluate::{GpuEvaluator, Options, Report, Subject, evaluate, signature};
use wgpu_pagcp::gpu::{Gpu, Selector};
use wgpu_pagcp::graph::{Graph, Shapes, Sizes};
use wgpu_pagcp::scenes::{SceneOptions, write_dataset};
use wgpu_pagcp::search::{Decision, Problem};
use wgpu_pagcp::tasks::{Dataset, Samples, Source, Task, TasksFile};
use wgpu_pagcp::train::{
    Augment, Augmenter, Course, Epoch, Follow, MomentOptions, Moments, Normalisation, Picture, Progress,
    Rule, Settings, Thinning, TrainError, Trainer, lessons, prepared, tune,
};
use wgpu_pagcp::units::{Keeps, Units, analyse, cost, cost_kept};

/// What the pictures follow from; `val` of this seed was never trained on (models/scenes/README.md).
const DATA_SEED: u64 = 1;
/// Images in a batch of the reference code's validation.
const FAITHFUL_BATCH: usize = 32;
/// Pictures whose moments batch normalisations get after training.
const MOMENT_IMAGES: usize = 128;
/// Upsampled maps are learnt from at every such row and column.
const EVERY: usize = 2;
/// How the bundled network was trained to weigh its tasks, in the order of the data set's tasks file.
const WEIGHTS: [(&str, f64); 2] = [("normals", 3.0), ("room", 0.5)];

/// What the pictures of a search are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halves {
    /// Every second one fits recovery, the others judge.
    Apart,
    /// All judge.
    Judging,
    /// All fit recovery, nothing is judged.
    Fitting,
}

pub struct World {
    pub budget: Budget,
    pub graph: Graph,
    pub shapes: Shapes,
    pub units: Units,
    gpu: Gpu,
    tasks: Vec<Task>,
    file: PathBuf,
    pictures: Vec<Picture>,
    train: Samples,
    val: Samples,
}

impl World {
    /// Opens the model on a device. The data set is written first where it is not there.
    pub fn open((model, device): (&Path, Option<&str>), out: &Path, budget: &Budget) -> Fallible<Self> {
        let graph = wgpu_pagcp::onnx::load(model)?;
        let shapes = graph.infer(&Sizes::batch(1))?;
        let units = analyse(&graph, &shapes);
        let data = out.join("data");
        let file = data.join("tasks.toml");
        if !file.exists() {
            let train = budget.images.max(budget.search_images);
            eprintln!("rendering {} pictures of rooms into {}", train + budget.val, data.display());
            let options = SceneOptions { train, val: budget.val, seed: DATA_SEED };
            write_dataset(&data, &options, &|_, _| ())?;
        }
        let selector = device.map_or(Selector::Best, |name| Selector::Name(name.to_owned()));
        let gpu = Gpu::open_cached(&selector, &out.join("pipelines"))?;
        let opened = [open(&file, "train", &graph)?, open(&file, "val", &graph)?];
        let [train, val] = opened.each_ref().map(|set| set.load(0..set.len()));
        let (mut train, val) = (train?, val?);
        first(&mut train, budget.images);
        Ok(Self {
            budget: budget.clone(),
            tasks: opened[0].tasks().to_vec(),
            pictures: opened[0].formats().map(|(format, size)| Picture::new(format, size)).collect(),
            graph,
            shapes,
            units,
            gpu,
            file,
            train,
            val,
        })
    }

    pub fn problem(&self) -> Problem<'_> {
        Problem { graph: &self.graph, shapes: &self.shapes, units: &self.units }
    }

    /// The share of the FLOPs that `keep` coordinates of every unit leave.
    pub fn left_by(&self, keep: &[usize]) -> f64 {
        let now = cost_kept(&self.graph, &self.shapes, &self.units, keep).macs;
        now as f64 / cost(&self.graph, &self.shapes).macs as f64
    }

    pub fn left(&self, keeps: &Keeps) -> f64 {
        self.left_by(&keeps.counts())
    }

    /// The share of the parameters.
    pub fn params_left(&self, keeps: &Keeps) -> f64 {
        let now = keeps.cost(&self.graph, &self.shapes, &self.units).params;
        now as f64 / cost(&self.graph, &self.shapes).params as f64
    }

    /// What `keeps` says of the unit of that id; `None` where nothing of it goes.
    pub fn decision(&self, id: &str, keeps: &Keeps) -> Option<Decision> {
        let unit = self.units.units.iter().position(|unit| unit.id == id)?;
        let (kept, channels) = (&keeps.0[unit], self.units.units[unit].channels);
        let rest = (0..channels).filter(|k| !kept.contains(k));
        let order = kept.iter().copied().chain(rest).collect();
        let keep = kept.len();
        (keep < channels).then_some(Decision { unit, order, keep, recovered: false })
    }

    /// An evaluator on the pictures of a seed.
    pub fn evaluator(&self, seed: u64, halves: Halves, faithful: bool) -> Fallible<GpuEvaluator> {
        let mut set = open(&self.file, "train", &self.graph)?;
        set.subset(self.budget.search_images, seed);
        let samples = set.load(0..set.len())?;
        let [fitting, judging] = match halves {
            Halves::Apart => samples.halves(),
            Halves::Judging => [Samples::default(), samples],
            Halves::Fitting => [samples.clone(), samples],
        };
        let batch = faithful.then_some(FAITHFUL_BATCH.min(judging.len()));
        let options = Options { batch, mean_of_batches: faithful, ..Options::default() };
        Ok(GpuEvaluator::new(&self.gpu, self.tasks.clone(), judging, options)?.fitting(fitting))
    }

    /// The unpruned network.
    pub fn baseline(&self) -> Fallible<Baseline> {
        let info = self.gpu.info();
        let named = |report: &wgpu_pagcp::evaluate::TaskReport| Metric {
            task: report.name.clone(),
            name: report.metrics[0].name.to_owned(),
            higher_is_better: report.metrics[0].higher_is_better,
            value: report.metrics[0].value,
        };
        let cost = cost(&self.graph, &self.shapes);
        Ok(Baseline {
            tasks: self.report(&self.graph)?.tasks.iter().map(named).collect(),
            flops: 2 * cost.macs,
            params: cost.params,
            device: format!("{}, {} {}", info.name, info.driver, info.driver_info),
        })
    }

    fn report(&self, graph: &Graph) -> Fallible<Report> {
        let subject = Subject { gpu: &self.gpu, graph, tasks: &self.tasks, teacher: None };
        Ok(evaluate(&subject, &self.val, &Options::default(), &mut |_, _| ())?)
    }

    /// The metric of every task on `val`.
    pub fn measure(&self, graph: &Graph) -> Fallible<Vec<f64>> {
        Ok(self.report(graph)?.tasks.iter().map(|task| task.metrics[0].value).collect())
    }

    /// How all are trained.
    pub fn settings(&self, seed: u64) -> Settings {
        let weight = |task: &Task| WEIGHTS.iter().find(|(name, _)| *name == task.name).map_or(1.0, |w| w.1);
        Settings {
            epochs: self.budget.epochs,
            batch: self.budget.batch,
            rule: Rule::ADAM_W,
            rate: self.budget.learning_rate,
            final_share: 0.01,
            warm_up: 0.1 * self.budget.epochs as f64,
            decay: 0.01,
            clip: 10.0,
            average: 0.0,
            normalisation: Normalisation::Train,
            moment_images: MOMENT_IMAGES,
            frozen: BTreeSet::new(),
            weights: self.tasks.iter().map(weight).collect(),
            distil: 0.0,
            distil_features: 0.0,
            every: EVERY,
            augment: Augment { flip: true, ..Augment::default() },
            seed,
        }
    }

    /// The network after training.
    pub fn train(&self, graph: &Graph, seed: u64) -> Fallible<Graph> {
        let settings = self.settings(seed);
        let sizes = Sizes::batch(settings.batch);
        let shapes = graph.infer(&Sizes::batch(1))?;
        let outputs = graph.outputs.iter().map(|id| (graph.value(*id).name.as_str(), &shapes[id.0][..]));
        let size = |task: &Task| {
            let shape = outputs.clone().find(|(name, _)| *name == task.outputs[0]).map_or(&[][..], |o| o.1);
            let width = if shape.len() > 2 { shape[shape.len() - 1] } else { 1 };
            [shape.get(1).copied().unwrap_or(1), shape.iter().skip(2).product::<usize>() / width, width]
        };
        let planes: Vec<[usize; 3]> = self.tasks.iter().map(size).collect();
        let augmenter =
            Augmenter::new(settings.augment, seed, self.pictures.clone(), (&self.tasks, &planes))?;
        let ready = prepared(graph, &sizes, settings.normalisation)?;
        let thinning = Thinning::new(&ready, &sizes, &self.tasks, settings.every)?;
        let thin: Vec<(&str, Vec<usize>)> =
            outputs.map(|(name, shape)| (name, thinning.shape(name, shape))).collect();
        let thin = thin.iter().map(|(name, shape)| (*name, &shape[..]));
        let lessons = lessons(&self.tasks, &settings.weights, thin)?;
        let mut trainer = Trainer::new(&self.gpu, &ready, &self.tasks, lessons, (&settings, &sizes))?;
        let course = Course {
            source: &self.train,
            tasks: &self.tasks,
            lectures: None,
            assigner: None,
            augmenter: Some(&augmenter),
        };
        tune(&mut trainer, course, (&settings, &mut Quiet))?;
        let mut graph = trainer.graph(false)?;
        let options =
            MomentOptions { images: MOMENT_IMAGES, batch: settings.batch, symbols: BTreeMap::new() };
        if let Some(moments) = Moments::measure(&self.gpu, &graph, &self.train, &options)? {
            moments.set(&mut graph)?;
        }
        Ok(graph)
    }
}

fn open(file: &Path, split: &str, graph: &Graph) -> Fallible<Dataset> {
    Ok(Dataset::open(&TasksFile::read(file)?, split, &signature(graph, &Options::default())?)?)
}

/// Keeps the first `images` pictures.
fn first(samples: &mut Samples, images: usize) {
    samples.inputs.iter_mut().for_each(|list| list.truncate(images));
    samples.labels.iter_mut().for_each(|list| list.truncate(images));
}

/// Follows nothing.
struct Quiet;

impl Follow for Quiet {
    fn stepped(&mut self, _progress: &Progress<'_>) {}

    fn finished(&mut self, _trainer: &mut Trainer, _epoch: &Epoch) -> Result<(), TrainError> {
        Ok(())
    }
}
