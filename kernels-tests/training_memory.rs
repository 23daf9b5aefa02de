//! Device memory: what is said before is what the device hands out, and steps that may take less compute values again.

use crate::harness::gpus;
use crate::network::numbers;
use crate::trainer::{BATCH, conv, normalised, settings};
use std::sync::atomic::{AtomicBool, Ordering};
use wgpu_pagcp::gpu::{Gpu, Selector, Session};
use wgpu_pagcp::graph::{Activation, Builder, Coordinates, Graph, Interpolation, Resize, Sizes, Target};
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{Plan, PlanOptions, build};
use wgpu_pagcp::tasks::{Samples, Task, TaskKind};
use wgpu_pagcp::tensor::{Dtype, count};
use wgpu_pagcp::train::{
    Batch, Lesson, Normalisation, Rule, Settings, TrainError, Trainer, batch, lessons, prepared,
};
use wgpu_pagcp::units::Units;

const SIZE: [usize; 2] = [64, 80];

/// Six residual blocks, and a class for each pixel.
fn network() -> Graph {
    let mut b = Builder::new("deep");
    let x = b.image("x", [3, SIZE[0], SIZE[1]]);
    let mut x = conv(&mut b, 1, x, [8, 3, 3, 1]);
    for block in 0..6 {
        let inner = conv(&mut b, 100 * block + 3, x, [8, 8, 3, 1]);
        let inner = normalised(&mut b, 100 * block + 20, inner, 8);
        let inner = b.activation(inner, Activation::Relu);
        let inner = conv(&mut b, 100 * block + 5, inner, [8, 8, 3, 1]);
        let inner = normalised(&mut b, 100 * block + 30, inner, 8);
        let sum = b.add(inner, x);
        x = b.activation(sum, Activation::Silu);
    }
    let y = conv(&mut b, 7, x, [4, 8, 1, 1]);
    b.output(y, "classes");
    b.finish().unwrap()
}

/// A network, its task, settings, lessons and a batch.
struct World {
    graph: Graph,
    tasks: Vec<Task>,
    settings: Settings,
    lessons: Vec<Lesson>,
    batch: Batch,
}

fn world() -> World {
    world_of(&network())
}

fn world_of(network: &Graph) -> World {
    let tasks = vec![Task {
        name: "classes".to_owned(),
        kind: TaskKind::Segmentation,
        outputs: vec!["classes".to_owned()],
        limit: None,
        names: Vec::new(),
    }];
    let settings = Settings { weights: vec![1.0], ..settings(Rule::ADAM_W, Normalisation::Train) };
    let shape = [1, 4, SIZE[0], SIZE[1]];
    let lessons = lessons(&tasks, &settings.weights, [("classes", &shape[..])].into_iter()).unwrap();
    let pixels = count(&SIZE);
    let classes = |image: usize| (0..pixels).map(|at| ((at * 7 + image) * 13 % 31 % 4) as u32).collect();
    let samples = Samples {
        inputs: vec![(1..=BATCH as u32).map(|image| numbers(image, 3 * pixels)).collect()],
        labels: vec![(0..BATCH).map(classes).collect()],
        targets: Vec::new(),
    };
    let graph = prepared(network, &Sizes::batch(BATCH), settings.normalisation).unwrap();
    World { batch: batch(&samples, &lessons), graph, tasks, settings, lessons }
}

impl World {
    fn trainer(&self, gpu: &Gpu, memory: Option<u64>) -> Result<Trainer, TrainError> {
        let sizes = Sizes::batch(BATCH);
        let learned = (self.tasks.as_slice(), self.lessons.clone());
        Trainer::within(memory, gpu, &self.graph, learned, (&self.settings, &sizes))
    }
}

/// A device that no other test uses, where it counts what it hands out.
fn counting() -> Option<Gpu> {
    gpus()?;
    let gpu = Gpu::open(&Selector::Best).unwrap();
    if gpu.allocated_bytes().is_none() {
        eprintln!("SKIPPED: this backend does not count its allocations");
        return None;
    }
    Some(gpu)
}

fn within_a_tenth(predicted: u64, found: u64) -> bool {
    predicted.abs_diff(found) * 10 <= found
}

#[test]
fn training_takes_the_memory_that_is_said_before() {
    let Some(gpu) = counting() else { return };
    let world = world();
    let before = gpu.allocated_bytes().unwrap();
    let mut trainer = world.trainer(&gpu, None).unwrap();
    trainer.step(&world.batch, 0.01, true).unwrap();
    let found = gpu.allocated_bytes().unwrap() - before;
    let whole = trainer.device_bytes();
    eprintln!("training: {whole} said, {found} found");
    assert!(within_a_tenth(whole, found), "{whole} said, {found} found");
    drop(trainer);
    // A smaller one is told from it.
    let smaller = world.trainer(&gpu, Some(whole * 85 / 100)).unwrap().device_bytes();
    assert!(!within_a_tenth(smaller, found), "{smaller} of {found}");
}

#[test]
fn inference_takes_the_memory_that_is_said_before() {
    let Some(gpu) = counting() else { return };
    let (sizes, inputs) = (Sizes::batch(BATCH), numbers(1, BATCH * 3 * count(&SIZE)));
    let graph = optimise(&network(), &sizes).unwrap().graph;
    let shapes = graph.infer(&sizes).unwrap();
    let dtypes = [Dtype::F32, Dtype::F16].into_iter().filter(|&dtype| dtype == Dtype::F32 || gpu.has_f16());
    for (dtype, candidates) in dtypes.flat_map(|dtype| [(dtype, 0), (dtype, 64)]) {
        let options = PlanOptions { dtype, ..gpu.plan_options(BATCH) };
        let plan = build(&graph, &shapes, &Units::default(), &options).unwrap();
        let predicted = Session::bytes_for(&gpu, &plan, candidates);
        let before = gpu.allocated_bytes().unwrap();
        let mut session = Session::new(&gpu, plan, candidates).unwrap();
        session.run(&[&inputs]).unwrap();
        let found = gpu.allocated_bytes().unwrap() - before;
        eprintln!("inference in {dtype} for {candidates}: {predicted} said, {found} found");
        assert!(within_a_tenth(predicted, found), "{predicted} said, {found} found");
        assert!(within_a_tenth(session.device_bytes(), found));
    }
}

/// What kernels read is what was trained: a network whose weights take a row of texels and a part of one goes on as one that
/// is made anew from its weights.
#[test]
fn kernels_read_the_weights_of_every_step() {
    let Some([gpu, _]) = gpus() else { return };
    let mut b = Builder::new("wide");
    let x = b.image("x", [3, SIZE[0], SIZE[1]]);
    let x = conv(&mut b, 1, x, [32, 3, 3, 2]);
    let x = b.activation(x, Activation::Relu);
    let x = conv(&mut b, 2, x, [40, 32, 3, 1]);
    let x = b.activation(x, Activation::Relu);
    let y = conv(&mut b, 3, x, [4, 40, 1, 1]);
    let up = Resize {
        target: Target::Sizes(SIZE),
        coordinates: Coordinates::HalfPixel,
        interpolation: Interpolation::Linear,
    };
    let y = b.resize(y, up);
    b.output(y, "classes");
    let world = world_of(&b.finish().unwrap());
    let mut trainer = world.trainer(&gpu, None).unwrap();
    for step in 0..3 {
        let graph = trainer.graph(false).unwrap();
        let mut anew = World { graph, ..world_of(&network()) }.trainer(&gpu, None).unwrap();
        let [expected, found] =
            [&mut anew, &mut trainer].map(|trainer| trainer.step(&world.batch, 0.01, true).unwrap());
        assert_eq!((expected.losses, expected.norm), (found.losses, found.norm), "step {step}");
    }
}

#[test]
fn values_that_are_computed_again_change_no_bit() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let mut whole = world.trainer(&gpu, None).unwrap();
    let bytes = whole.device_bytes();
    let mut least = world.trainer(&gpu, Some(bytes * 85 / 100)).unwrap();
    eprintln!("{bytes} bytes, {} with {} twice", least.device_bytes(), least.computed_again());
    assert!(least.device_bytes() <= bytes * 85 / 100 && least.computed_again() > 3);
    let enough = world.trainer(&gpu, Some(bytes)).unwrap();
    assert_eq!((whole.computed_again(), enough.computed_again()), (0, 0));
    for step in 0..3 {
        let [expected, found] =
            [&mut whole, &mut least].map(|trainer| trainer.step(&world.batch, 0.01, true).unwrap());
        assert_eq!(expected, found, "step {step}");
    }
    assert!(whole.state().unwrap() == least.state().unwrap(), "weights or moments differ");
    // Another step tells them apart.
    whole.step(&world.batch, 0.01, false).unwrap();
    assert!(whole.state().unwrap().weights != least.state().unwrap().weights);
    match world.trainer(&gpu, Some(10_000)) {
        Err(TrainError::Memory { least, most: 10_000 }) => assert!(least > 10_000 && least < bytes),
        other => panic!("{:?}", other.map(|trainer| trainer.device_bytes())),
    }
}

#[test]
fn what_others_allocate_meanwhile_is_not_counted() {
    let Some([gpu, _]) = gpus() else { return };
    let trainer = world().trainer(&gpu, None).unwrap();
    let expected = trainer.device_bytes();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Session::new(&gpu, small_plan(&gpu), 0).unwrap();
            }
        });
        let found: Vec<u64> = (0..50).map(|_| trainer.device_bytes()).collect();
        done.store(true, Ordering::Relaxed);
        for found in found {
            assert_eq!(found, expected, "with others, without");
        }
    });
}

/// One convolution, and with it a texture of weights where the device reads them as such.
fn small_plan(gpu: &Gpu) -> Plan {
    let mut b = Builder::new("small");
    let x = b.image("x", [3, 128, 128]);
    let y = conv(&mut b, 1, x, [8, 3, 3, 1]);
    b.output(y, "y");
    let graph = b.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(1)).unwrap();
    build(&graph, &shapes, &Units::default(), &gpu.plan_options(1)).unwrap()
}
