//! What a step of training costs: its time in forward passes of the same network over the same pictures, on the default
//! device. Run with `cargo bench --bench training`; words after `--` are files to take instead of the bundled network, which
//! have its outputs.
//!
//! Both run from host to host in turns, so that a busy machine slows both: the ratio is that of a turn, and its spread
//! is what the middle half of the turns have. One of the steps of a turn measures losses, as in `wgpu-pagcp finetune`. Behind
//! that is what each kernel takes of a step, every dispatch timed by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::time::Instant;
use wgpu_pagcp::gpu::{Gpu, Selector, Session};
use wgpu_pagcp::graph::{Graph, Shapes, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::build;
use wgpu_pagcp::tasks::{Samples, Task, TaskKind};
use wgpu_pagcp::tensor::count;
use wgpu_pagcp::train::{
    Augment, Batch, Normalisation, Rule, Settings, Thinning, Trainer, batch, lessons, prepared,
};
use wgpu_pagcp::units::{Units, cost};

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");

/// Pictures of a step.
const BATCH: usize = 16;
/// Steps, and forward passes, of a turn.
const STEPS: usize = 8;
/// Turns that count.
const TURNS: usize = 11;

/// The settings that `finetune` has where it is told nothing.
fn settings(tasks: usize) -> Settings {
    Settings {
        epochs: 1,
        batch: BATCH,
        rule: Rule::ADAM_W,
        rate: 1e-3,
        final_share: 0.01,
        warm_up: 0.5,
        decay: 0.01,
        clip: 10.0,
        average: 0.998,
        normalisation: Normalisation::Train,
        moment_images: 512,
        frozen: BTreeSet::new(),
        weights: vec![1.0; tasks],
        distil: 0.0,
        distil_features: 0.0,
        every: 2,
        augment: Augment::default(),
        seed: 0,
    }
}

/// A task for every output of the bundled network.
fn tasks(graph: &Graph) -> Vec<Task> {
    let kind = |name: &str| match name {
        "seg" => TaskKind::Segmentation,
        "depth" => TaskKind::Depth,
        "normals" => TaskKind::Normals,
        "edges" => TaskKind::Edges { positive_weight: 4.0 },
        _ => TaskKind::Classification,
    };
    let task = |name: String| {
        let (kind, outputs) = (kind(&name), vec![name.clone()]);
        Task { name, kind, outputs, limit: None, names: Vec::new() }
    };
    graph.outputs.iter().map(|id| task(graph.value(*id).name.clone())).collect()
}

/// Label words of a picture for an output `[N, C, …]`.
fn words(kind: &TaskKind, shape: &[usize]) -> Vec<u32> {
    let (channels, pixels) = (shape[1], count(&shape[2..]));
    match kind {
        TaskKind::Segmentation | TaskKind::Classification => {
            (0..pixels).map(|at| (at % channels) as u32).collect()
        }
        TaskKind::Edges { .. } => (0..pixels).map(|at| (at % 2) as u32).collect(),
        _ => (0..channels * pixels).map(|at| (1.0 + (at % 7) as f32).to_bits()).collect(),
    }
}

/// A trainer of `graph` and what it learns from.
fn trainer(
    gpu: &Gpu,
    graph: &Graph,
    (shapes, sizes): (&Shapes, &Sizes),
    pictures: &[f32],
) -> Result<(Trainer, Batch), Box<dyn Error>> {
    let tasks = tasks(graph);
    let settings = settings(tasks.len());
    let prepared = prepared(graph, sizes, settings.normalisation)?;
    let thinning = Thinning::new(&prepared, sizes, &tasks, settings.every)?;
    let shape = |id: &wgpu_pagcp::graph::ValueId| {
        let name = graph.value(*id).name.as_str();
        (name, thinning.shape(name, &shapes[id.0]))
    };
    let outputs: Vec<_> = graph.outputs.iter().map(shape).collect();
    let outputs = outputs.iter().map(|(name, shape)| (*name, shape.as_slice()));
    let lessons = lessons(&tasks, &settings.weights, outputs)?;
    let label =
        |(task, id): (&Task, &wgpu_pagcp::graph::ValueId)| vec![words(&task.kind, &shapes[id.0]); BATCH];
    let picture = pictures.len() / BATCH;
    let mut samples = Samples {
        inputs: vec![pictures.chunks(picture).map(<[f32]>::to_vec).collect()],
        labels: tasks.iter().zip(&graph.outputs).map(label).collect(),
        targets: Vec::new(),
    };
    thinning.of_labels(&mut samples);
    let batch = batch(&samples, &lessons);
    Ok((Trainer::new(gpu, &prepared, &tasks, lessons, (&settings, sizes))?, batch))
}

/// The middle of some numbers, and what the middle half of them has.
fn spread(mut numbers: Vec<f64>) -> [f64; 3] {
    numbers.sort_by(f64::total_cmp);
    [2, 1, 3].map(|quarter| numbers[(numbers.len() - 1) * quarter / 4])
}

/// Prints what each kernel takes of a run, the slowest first: dispatches, milliseconds, and billions of operations a second where
/// multiply-adds are counted.
fn print_kernels(session: &mut Session) -> Result<(), Box<dyn Error>> {
    let mut kernels: BTreeMap<&str, (usize, f64, u64)> = BTreeMap::new();
    for step in session.timings()?.steps {
        let (steps, seconds, macs) = kernels.entry(step.kernel).or_default();
        *steps += 1;
        *seconds += step.seconds;
        *macs += step.macs;
    }
    let mut kernels: Vec<_> = kernels.into_iter().collect();
    kernels.sort_by(|(_, a), (_, b)| b.1.total_cmp(&a.1));
    for (kernel, (steps, seconds, macs)) in kernels {
        let speed = 2e-9 * macs as f64 / seconds;
        let speed = if macs > 0 { format!("{speed:>8.1} GFLOP/s") } else { String::new() };
        println!("  {kernel:<26} {steps:>4} {:>8.2} ms {speed}", 1e3 * seconds);
    }
    Ok(())
}

fn bench(path: &Path, turns: usize) -> Result<(), Box<dyn Error>> {
    let graph = onnx::load(path)?;
    let gpu = Gpu::open(&Selector::Best)?;
    let sizes = Sizes::batch(BATCH);
    let shapes = graph.infer(&sizes)?;
    let optimised = optimise(&graph, &sizes)?.graph;
    let plan = build(&optimised, &optimised.infer(&sizes)?, &Units::default(), &gpu.plan_options(BATCH))?;
    let mut session = Session::new(&gpu, plan, 0)?;
    let pictures: Vec<f32> =
        (0..count(&shapes[graph.inputs[0].0])).map(|at| (at % 255) as f32 / 255.0).collect();
    let (mut trainer, batch) = trainer(&gpu, &graph, (&shapes, &sizes), &pictures)?;
    let mut times = [Vec::new(), Vec::new()];
    // The first turn compiles.
    for turn in 0..=turns {
        let mut seconds = [0.0; 2];
        for step in 0..STEPS {
            let start = Instant::now();
            session.run(&[&pictures])?;
            let between = Instant::now();
            trainer.step(&batch, 1e-4, step == 0)?;
            seconds[0] += (between - start).as_secs_f64();
            seconds[1] += between.elapsed().as_secs_f64();
        }
        if turn > 0 {
            times.iter_mut().zip(seconds).for_each(|(all, one)| all.push(1e3 * one / (STEPS * BATCH) as f64));
        }
    }
    let ratios = times[0].iter().zip(&times[1]).map(|(forward, step)| step / forward).collect();
    let macs = (trainer.macs() as f64, cost(&graph, &shapes).macs as f64);
    println!("{}, {BATCH} pictures a step", path.display());
    println!("  multiply-adds {:>8.2} forward passes", macs.0 / macs.1);
    for (name, numbers) in ["forward", "step"].into_iter().zip(times) {
        let [middle, low, high] = spread(numbers);
        println!("  {name:<13} {middle:>8.2} ms a picture ({low:.2} to {high:.2})");
    }
    let [middle, low, high] = spread(ratios);
    println!("  ratio         {middle:>8.2} ({low:.2} to {high:.2})");
    print_kernels(trainer.session())
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test` runs benches too, without this argument and with its own filters.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let files: Vec<String> =
        std::env::args().skip(1).filter(|arg| measured && !arg.starts_with("--")).collect();
    let files = if files.is_empty() { vec![BUNDLED.to_owned()] } else { files };
    files.iter().try_for_each(|file| bench(Path::new(file), if measured { TURNS } else { 1 }))
}
