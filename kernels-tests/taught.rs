//! Tasks that compare with the unpruned network, in the evaluator: whatever the batch, against compacted networks, and
//! on the network itself.

use crate::harness::gpus;
use crate::loss::Numbers;
use std::collections::BTreeSet;
use std::sync::Arc;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::evaluate::{EvaluateError, GpuEvaluator, Options, Subject, evaluate};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Graph, Padding, Shapes, Sizes, ValueId};
use wgpu_pagcp::search::Evaluator;
use wgpu_pagcp::tasks::detection::{Family, Format, Rect, Truth};
use wgpu_pagcp::tasks::{Agreement, FLOOR, Loss, Measure, Samples, Targets, Task, TaskKind};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::train::{
    Assigner, Augment, Augmenter, Normalisation, Picture, Rule, Settings, Trainer, Unassigned, lessons,
    prepared,
};
use wgpu_pagcp::units::{Keeps, Units, analyse};

const IMAGES: usize = 5;
const SIZE: [usize; 3] = [3, 32, 40];

struct Net {
    builder: Builder,
    numbers: Numbers,
}

impl Net {
    fn conv(&mut self, x: ValueId, [inputs, outputs, kernel, stride]: [usize; 4]) -> ValueId {
        let shape = vec![outputs, inputs, kernel, kernel];
        let scale = 2.5 / ((inputs * kernel * kernel) as f32).sqrt();
        let values = (0..count(&shape)).map(|_| self.numbers.float(scale)).collect();
        let weight = Tensor::from_f32(shape, values).unwrap();
        let pads = Padding::Explicit([kernel / 2; 4]);
        self.builder.conv(x, Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) }, weight, None)
    }

    fn layer(&mut self, x: ValueId, sizes: [usize; 4]) -> ValueId {
        let y = self.conv(x, sizes);
        self.builder.activation(y, Activation::Relu)
    }
}

/// One backbone with the heads of three detectors at a stride of 8.
struct World {
    graph: Graph,
    shapes: Shapes,
    units: Units,
    tasks: Vec<Task>,
    samples: Samples,
}

fn world() -> World {
    let mut net = Net { builder: Builder::new("heads"), numbers: Numbers(3) };
    let x = net.builder.image("x", SIZE);
    let x = net.layer(x, [3, 7, 3, 2]);
    let x = net.layer(x, [7, 9, 3, 2]);
    let x = net.layer(x, [9, 13, 3, 2]);
    let heads = [("five", Family::Yolov5, 14), ("x", Family::Yolox, 7), ("eight", Family::Yolov8, 18)];
    let mut tasks = Vec::new();
    for (name, family, channels) in heads {
        let y = net.conv(x, [13, channels, 1, 1]);
        net.builder.output(y, &format!("out {name}"));
        let anchors = vec![vec![[12.0, 16.0], [24.0, 20.0]]];
        let anchors = if family == Family::Yolov5 { anchors } else { vec![] };
        let format = Format {
            family,
            classes: 2,
            strides: vec![8],
            anchors,
            probabilities: None,
            decoded: None,
            bins: 4,
        };
        let detector = Arc::new(format.detector([SIZE[1], SIZE[2]], &[vec![channels, 4, 5]]).unwrap());
        for part in detector.parts() {
            let kind = TaskKind::Detection(detector.clone(), part);
            tasks.push(task(format!("{name}.{}", part.name()), kind, &format!("out {name}")));
        }
    }
    for (measure, first, channels) in [(Measure::L1, 0, 14), (Measure::Kl, 4, 3), (Measure::Cosine, 1, 5)] {
        let kind = TaskKind::Agreement(Agreement { measure, first, channels, floor: FLOOR });
        tasks.push(task(format!("{measure:?}"), kind, "out five"));
    }
    let graph = net.builder.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(1)).unwrap();
    let units = analyse(&graph, &shapes);
    assert_eq!(units.units.iter().map(|unit| unit.channels).collect::<Vec<_>>(), [7, 9, 13]);
    let mut numbers = Numbers(8);
    let mut picture = |_| (0..count(&SIZE)).map(|_| numbers.float(1.0)).collect();
    let inputs = (0..IMAGES).map(&mut picture).collect();
    let labels = tasks.iter().map(|task| (0..IMAGES).map(|image| labels(task, image)).collect()).collect();
    World { graph, shapes, units, tasks, samples: Samples { inputs: vec![inputs], labels, targets: vec![] } }
}

fn task(name: String, kind: TaskKind, output: &str) -> Task {
    Task { name, kind, outputs: vec![output.to_owned()], limit: None, names: vec![] }
}

/// As many boxes as the image's number; none in the first one.
fn labels(task: &Task, image: usize) -> Vec<u32> {
    let boxes = if matches!(task.kind, TaskKind::Detection(..)) { image } else { 0 };
    let truth = |at: usize| {
        let centre = [8.7 + 6.0 * at as f64, 9.0 + 4.0 * at as f64];
        Truth { class: at % 2, rect: Rect::around(centre, [14.0, 12.0 + at as f64]) }
    };
    (0..boxes).flat_map(|at| truth(at).words()).collect()
}

fn evaluator(gpu: &Gpu, world: &World, batch: usize) -> GpuEvaluator {
    let options = Options { batch: Some(batch), ..Options::default() };
    let mut evaluator = GpuEvaluator::new(gpu, world.tasks.clone(), world.samples.clone(), options).unwrap();
    evaluator.teach(&world.graph).unwrap();
    evaluator.prepare(&world.graph, &world.units, None).unwrap();
    evaluator
}

fn candidates() -> Vec<Vec<usize>> {
    vec![vec![7, 9, 13], vec![1, 1, 1], vec![5, 6, 7], vec![4, 9, 12]]
}

fn bits(losses: &[Vec<Loss>]) -> Vec<[u64; 2]> {
    losses.iter().flatten().map(|loss| [loss.sum.to_bits(), loss.count.to_bits()]).collect()
}

#[test]
fn trap_30_the_batch_does_not_change_a_bit() {
    let Some(gpus) = gpus() else { return };
    let world = world();
    for gpu in gpus {
        let expected = bits(&evaluator(&gpu, &world, 1).score(&candidates()).unwrap());
        for batch in [2, 3, 5] {
            let found = evaluator(&gpu, &world, batch).score(&candidates()).unwrap();
            assert_eq!(bits(&found), expected, "batch {batch}");
        }
    }
}

#[test]
fn trap_28_candidates_score_as_their_compacted_networks_do() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let mut evaluator = evaluator(&gpu, &world, 3);
    let masked = evaluator.score(&candidates()).unwrap();
    for (keep, masked) in candidates().iter().zip(&masked) {
        let kept = Keeps::prefix(&world.units, keep);
        let graph = compact(&world.graph, &world.shapes, &world.units, &kept).unwrap();
        evaluator.prepare(&graph, &world.units.pruned(&kept), None).unwrap();
        let compacted = evaluator.score(std::slice::from_ref(keep)).unwrap();
        assert_eq!(bits(&compacted), bits(std::slice::from_ref(masked)), "{keep:?}");
    }
}

#[test]
fn the_network_agrees_with_itself_and_pruned_ones_do_not() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let losses = evaluator(&gpu, &world, 5).score(&candidates()).unwrap();
    for (number, task) in world.tasks.iter().enumerate() {
        let means: Vec<f64> = losses.iter().map(|losses| losses[number].mean()).collect();
        assert!(means.iter().all(|mean| mean.is_finite() && *mean >= 0.0), "{}: {means:?}", task.name);
        if matches!(task.kind, TaskKind::Agreement(_)) {
            assert!(means[0] < 1e-6, "{}: {means:?}", task.name);
            assert!(means[1..].iter().all(|mean| *mean > 0.01), "{}: {means:?}", task.name);
        }
    }
}

#[test]
fn trap_29_a_broken_weight_breaks_every_loss() {
    let Some([gpu, _]) = gpus() else { return };
    let mut world = world();
    let weight = world.graph.nodes[0].inputs[1];
    let mut values = world.graph.constant(weight).unwrap().f32s().unwrap().to_vec();
    *values.last_mut().unwrap() = f32::NAN;
    let shape = world.graph.constant(weight).unwrap().shape().to_vec();
    let mut evaluator = evaluator(&gpu, &world, 5);
    world.graph.edit().set_constant(weight, Tensor::from_f32(shape, values).unwrap());
    evaluator.prepare(&world.graph, &world.units, None).unwrap();
    let losses = evaluator.score(&[vec![7, 9, 13], vec![6, 9, 13]]).unwrap();
    assert!(losses[0].iter().all(|loss| !loss.sum.is_finite()), "{losses:?}");
    assert!(losses[1].iter().all(|loss| loss.sum.is_finite()), "{losses:?}");
}

#[test]
fn reports_have_the_search_s_losses_and_say_who_teaches() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let scored = evaluator(&gpu, &world, 5).score(&candidates()).unwrap();
    let kept = Keeps::prefix(&world.units, &candidates()[2]);
    let pruned = compact(&world.graph, &world.shapes, &world.units, &kept).unwrap();
    let options = Options { batch: Some(2), ..Options::default() };
    let report = |graph: &Graph, teacher: Option<&Graph>| {
        let subject = Subject { gpu: &gpu, graph, tasks: &world.tasks, teacher };
        let report = evaluate(&subject, &world.samples, &options, &mut |_, _| ()).unwrap();
        vec![report.tasks.iter().map(|task| task.loss).collect::<Vec<_>>()]
    };
    assert_eq!(bits(&report(&world.graph, None)), bits(&scored[..1]));
    assert_eq!(bits(&report(&pruned, Some(&world.graph))), bits(&scored[2..3]));
    let itself = &report(&pruned, None)[0];
    assert!(itself[itself.len() - 3].mean() < 1e-6, "{itself:?}");
}

/// The detectors of the world, without the tasks that compare outputs.
fn detectors(world: &World) -> (Vec<Task>, Samples) {
    let detects = |task: &Task| matches!(task.kind, TaskKind::Detection(..));
    let count = world.tasks.iter().filter(|task| detects(task)).count();
    assert!(world.tasks[..count].iter().all(detects));
    let Samples { inputs, labels, .. } = world.samples.clone();
    (world.tasks[..count].to_vec(), Samples { inputs, labels: labels[..count].to_vec(), targets: vec![] })
}

fn training(weights: Vec<f64>) -> Settings {
    Settings {
        epochs: 1,
        batch: IMAGES,
        rule: Rule::ADAM_W,
        rate: 0.02,
        final_share: 1.0,
        warm_up: 0.0,
        decay: 0.0,
        clip: 0.0,
        average: 0.0,
        normalisation: Normalisation::Train,
        moment_images: 0,
        frozen: BTreeSet::new(),
        weights,
        distil: 0.0,
        distil_features: 0.0,
        every: 1,
        augment: Augment::default(),
        seed: 0,
    }
}

/// Targets are those of the network before its training. Every part of every family's loss falls, and the first ones are
/// those of the same targets in a report.
#[test]
fn detectors_learn() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let (tasks, samples) = detectors(&world);
    let subject = Subject { gpu: &gpu, graph: &world.graph, tasks: &tasks, teacher: None };
    let report = evaluate(&subject, &samples, &Options::default(), &mut |_, _| ()).unwrap();
    for family in ["five.", "x.", "eight."] {
        let losses = learning(&gpu, &world, (&tasks, &samples), family);
        let own = |task: &Task| task.name.starts_with(family);
        let mut ratios = Vec::new();
        for (number, task) in tasks.iter().enumerate() {
            let [first, last] = [&losses[0], &losses[losses.len() - 1]].map(|losses| losses[number]);
            let off = (report.tasks[number].loss.mean() - first).abs();
            assert!(off < 1e-4 * first, "{}: {first}, off by {off}", task.name);
            if own(task) {
                eprintln!("{}: {first} to {last}", task.name);
                ratios.push(last / first);
            }
        }
        assert!(ratios.iter().all(|ratio| *ratio < 1.0), "{family} {ratios:?}");
        assert!(ratios.iter().sum::<f64>() < 0.85 * ratios.len() as f64, "{family} {ratios:?}");
    }
}

/// The losses of all tasks step by step where those of one family are learnt, each part as much as the others.
fn learning(gpu: &Gpu, world: &World, (tasks, samples): (&[Task], &Samples), family: &str) -> Vec<Vec<f64>> {
    let weight = |task: &Task| match &task.kind {
        TaskKind::Detection(detector, part) if task.name.starts_with(family) => 1.0 / detector.gain(*part),
        _ => 0.0,
    };
    let settings = training(tasks.iter().map(weight).collect());
    let sizes = Sizes::batch(IMAGES);
    let shapes = world.graph.outputs.iter().map(|id| (world.graph.value(*id), &world.shapes[id.0]));
    let outputs = shapes.map(|(value, shape)| (value.name.as_str(), shape.as_slice()));
    let lessons = lessons(tasks, &settings.weights, outputs).unwrap();
    let graph = prepared(&world.graph, &sizes, settings.normalisation).unwrap();
    let mut assigner = Assigner::new(gpu, &world.graph, &sizes).unwrap();
    let unassigned = Unassigned::new(samples.clone(), &lessons);
    let batch = assigner.assign(unassigned, (tasks, &lessons)).unwrap();
    let mut trainer = Trainer::new(gpu, &graph, tasks, lessons, (&settings, &sizes)).unwrap();
    let step = |_| {
        let stepped = trainer.step(&batch, settings.rate, true).unwrap();
        stepped.losses.iter().map(|loss| loss.mean()).collect()
    };
    (0..100).map(step).collect()
}

/// The cells of a mirrored picture answer as those of the picture do, mirrored: the labels went along.
#[test]
fn targets_follow_a_mirrored_picture() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let (tasks, samples) = detectors(&world);
    let sizes = Sizes::batch(IMAGES);
    let picture = Picture { size: SIZE, mean: vec![], std: vec![], white: 1.0 };
    let augment = Augment { flip: true, ..Augment::default() };
    let sides = vec![[14, 4, 5]; tasks.len()];
    let augmenter = Augmenter::new(augment, 3, vec![picture], (&tasks, &sides)).unwrap();
    let mut shown = samples.clone();
    augmenter.change(0, &[0, 1, 2, 3, 4], &mut shown);
    let mirrored: Vec<bool> = samples.inputs[0].iter().zip(&shown.inputs[0]).map(|(a, b)| a != b).collect();
    assert!(mirrored[1..].contains(&true) && mirrored[1..].contains(&false), "{mirrored:?}");
    let mut assigner = Assigner::new(&gpu, &world.graph, &sizes).unwrap();
    let [plain, turned] = [samples, shown].map(|samples| {
        let unassigned = Unassigned::new(samples, &[]);
        assigner.assign(unassigned, (&tasks, &[])).unwrap()
    });
    // YOLOv5's cells follow from labels alone: of the first task's words, a plane says which class each cell has.
    let TaskKind::Detection(detector, _) = &tasks[0].kind else { panic!("it is a detector") };
    let words = detector.target_words();
    for (image, mirrored) in mirrored.into_iter().enumerate() {
        let [plain, turned] = [&plain, &turned].map(|batch| &batch.words[0][words * image..][..words]);
        for (number, map) in detector.maps.iter().enumerate() {
            for cell in 0..map.cells() {
                let [x, y] = map.position(cell).map(|at| at as usize);
                let other = y * map.width + if mirrored { map.width - 1 - x } else { x };
                let found = detector.target(turned, number, other);
                let expected = detector.target(plain, number, cell);
                assert_eq!(found.map(|t| t.class), expected.map(|t| t.class), "{image}, {number}, {cell}");
                let (Some(found), Some(expected)) = (found, expected) else { continue };
                let Rect { left, right, .. } = expected.rect;
                let width = SIZE[2] as f64;
                let left = if mirrored { width - right } else { left };
                assert!((found.rect.left - left).abs() < 1e-4, "{image}: {found:?} {expected:?}");
            }
        }
    }
}

#[test]
fn parts_of_a_detector_share_their_targets_and_nothing_is_scored_untaught() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let new = || GpuEvaluator::new(&gpu, world.tasks.clone(), world.samples.clone(), Options::default());
    let untaught = new().unwrap().prepare(&world.graph, &world.units, None).unwrap_err();
    assert!(matches!(untaught, EvaluateError::Untaught(name) if name == "five.box"));
    let shared = Samples {
        targets: vec![Targets::Words(vec![vec![1], vec![2]]), Targets::Of(0)],
        ..Samples::default()
    };
    assert_eq!(shared.targets(1), [[1], [2]]);
}
