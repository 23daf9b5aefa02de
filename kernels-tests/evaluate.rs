//! The evaluator on a small network with five heads: against the f64 reference, whatever the batch and the grouping
//! of candidates, and bit for bit against the compacted network.

use crate::harness::gpus;
use crate::loss::{Numbers, ROUNDING};
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::evaluate::{EvaluateError, GpuEvaluator, Options, Subject, evaluate};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, Epilogue, Gemm, Graph, Padding, Shapes, Sizes, ValueId,
};
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::search::Evaluator;
use wgpu_pagcp::tasks::{Frame, Loss, Samples, Task, TaskKind, UNLABELLED};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::units::{Keeps, Units, analyse};

/// Pictures of the set: no batch but 1 and 7 divides it.
const IMAGES: usize = 7;
/// Channels, height and width of a picture.
const SIZE: [usize; 3] = [3, 9, 11];
const PIXELS: usize = SIZE[1] * SIZE[2];
/// Terms of every sum on the longest way through the network.
const TERMS: [f64; 5] = [27.0, 63.0, 7.0, 13.0, 108.0];

/// How weights are written into the network.
#[derive(Clone, Copy)]
enum Weights {
    Signed,
    /// Absolute values: its outputs bound what sums of the signed network can lose.
    Absolute,
}

struct Net {
    builder: Builder,
    numbers: Numbers,
    weights: Weights,
}

impl Net {
    fn tensor(&mut self, shape: Vec<usize>) -> Tensor {
        let number = |_| match self.weights {
            Weights::Signed => self.numbers.float(0.15),
            Weights::Absolute => self.numbers.float(0.15).abs(),
        };
        Tensor::from_f32(shape.clone(), (0..count(&shape)).map(number).collect())
            .expect("as many numbers as the shape has")
    }

    fn conv(&mut self, x: ValueId, [inputs, outputs, kernel]: [usize; 3]) -> ValueId {
        let weight = self.tensor(vec![outputs, inputs, kernel, kernel]);
        let bias = self.tensor(vec![outputs]);
        let conv = Conv2d { pads: Padding::Explicit([kernel / 2; 4]), ..Conv2d::new([kernel; 2]) };
        self.builder.conv(x, conv, weight, Some(bias))
    }

    fn relu(&mut self, x: ValueId) -> ValueId {
        self.builder.activation(x, Activation::Relu)
    }
}

/// Two convolutions with a residual, a concatenation, and heads for five tasks.
fn network(weights: Weights) -> Graph {
    let mut net = Net { builder: Builder::new("heads"), numbers: Numbers(11), weights };
    let x = net.builder.image("x", SIZE);
    let a = net.conv(x, [3, 7, 3]);
    let a = net.relu(a);
    let b = net.conv(a, [7, 6, 3]);
    let b = net.relu(b);
    let c = net.conv(b, [6, 7, 1]);
    let c = net.builder.add(c, a);
    let c = net.relu(c);
    let joined = net.builder.concat(&[c, b], 1);
    let d = net.conv(joined, [13, 12, 1]);
    let d = net.relu(d);
    for (name, channels, kernel) in [("seg", 5, 3), ("depth", 1, 1), ("normals", 3, 1), ("edges", 1, 3)] {
        let head = net.conv(d, [12, channels, kernel]);
        net.builder.output(head, name);
    }
    let pooled = net.builder.global_average_pool(d);
    let flat = net.builder.flatten(pooled, 1);
    let (weight, bias) = (net.tensor(vec![4, 12]), net.tensor(vec![4]));
    let gemm = Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true, epilogue: Epilogue::Plain };
    let room = net.builder.gemm(flat, gemm, weight, Some(bias));
    net.builder.output(room, "room");
    net.builder.finish().expect("a valid graph")
}

fn tasks() -> Vec<Task> {
    let task = |name: &str, kind| Task {
        name: format!("task {name}"),
        kind,
        outputs: vec![name.to_owned()],
        limit: None,
        names: vec![],
    };
    vec![
        task("edges", TaskKind::Edges { positive_weight: 2.5 }),
        task("seg", TaskKind::Segmentation),
        task("depth", TaskKind::Depth),
        task("normals", TaskKind::Normals),
        task("room", TaskKind::Classification),
    ]
}

/// The channels of a task's output.
fn channels(kind: &TaskKind) -> usize {
    match kind {
        TaskKind::Segmentation => 5,
        TaskKind::Classification => 4,
        TaskKind::Normals => 3,
        _ => 1,
    }
}

fn samples() -> Samples {
    let mut numbers = Numbers(5);
    let mut image = |floats, scale| -> Vec<f32> { (0..floats).map(|_| numbers.float(scale)).collect() };
    let inputs = (0..IMAGES).map(|_| image(SIZE[0] * PIXELS, 1.0)).collect();
    let mut numbers = Numbers(6);
    let mut class = |words: usize, classes: u64| -> Vec<u32> {
        let word = |_| match numbers.next() % (classes + 1) {
            class if class == classes => UNLABELLED,
            class => class as u32,
        };
        (0..words).map(word).collect()
    };
    let mut each = |words, classes| (0..IMAGES).map(|_| class(words, classes)).collect();
    let (edges, seg, room) = (each(PIXELS, 2), each(PIXELS, 5), each(1, 4));
    let mut numbers = Numbers(7);
    let depth = (0..IMAGES).map(|_| (0..PIXELS).map(|_| numbers.float(2.0).to_bits()).collect());
    let axis: Vec<u32> =
        (0..3 * PIXELS).map(|i| if i / PIXELS == i % 3 { 1.0_f32 } else { 0.0 }.to_bits()).collect();
    let labels = vec![edges, seg, depth.collect(), vec![axis; IMAGES], room];
    Samples { inputs: vec![inputs], labels, targets: vec![] }
}

struct World {
    graph: Graph,
    shapes: Shapes,
    units: Units,
}

fn world() -> World {
    let graph = network(Weights::Signed);
    let shapes = graph.infer(&Sizes::batch(1)).expect("the graph has shapes");
    let units = analyse(&graph, &shapes);
    assert_eq!(units.units.iter().map(|unit| unit.channels).collect::<Vec<_>>(), [7, 6, 12]);
    World { graph, shapes, units }
}

fn evaluator(gpu: &Gpu, batch: usize) -> GpuEvaluator {
    let options = Options { batch: Some(batch), ..Options::default() };
    GpuEvaluator::new(gpu, tasks(), samples(), options).expect("there are images")
}

fn candidates() -> Vec<Vec<usize>> {
    vec![vec![7, 6, 12], vec![1, 1, 1], vec![5, 6, 7], vec![4, 3, 8], vec![7, 2, 11]]
}

fn bits(losses: &[Vec<Loss>]) -> Vec<[u64; 2]> {
    losses.iter().flatten().map(|loss| [loss.sum.to_bits(), loss.count.to_bits()]).collect()
}

/// A task's output of one image, in f64.
fn output(graph: &Graph, shapes: &Shapes, task: &Task, input: Array) -> Vec<f64> {
    let values = run(graph, shapes, &[input]).expect("the reference runs it");
    let output = graph
        .outputs
        .iter()
        .find(|id| graph.value(**id).name == task.outputs[0])
        .expect("tasks name outputs");
    values[output.0].as_ref().expect("outputs are computed").data.clone()
}

/// The oracle's loss of a task over the set for one candidate, and its bound: every sum of the network loses at most
/// 2 (n + 8) roundings of the sum of absolute values, and the loss follows its output with a known slope.
fn expected(world: &World, keep: &[usize], task: usize) -> (Loss, f64) {
    let kept = Keeps::prefix(&world.units, keep);
    let graph = compact(&world.graph, &world.shapes, &world.units, &kept).expect("a legal prefix");
    let bounding =
        compact(&network(Weights::Absolute), &world.shapes, &world.units, &kept).expect("a legal prefix");
    let shapes = graph.infer(&Sizes::batch(1)).expect("the graph has shapes");
    let (samples, task_list) = (samples(), tasks());
    let (task, labels) = (&task_list[task], &samples.labels[task]);
    let mut total = Loss::default();
    let mut bound = 0.0;
    for (input, labels) in samples.inputs[0].iter().zip(labels) {
        let input =
            Array::from_f32(vec![1, SIZE[0], SIZE[1], SIZE[2]], input).expect("a picture fills its shape");
        let largest = output(&bounding, &shapes, task, input.abs());
        let exact = output(&graph, &shapes, task, input);
        let channels = channels(&task.kind);
        let rounded: Vec<f32> = exact.iter().map(|x| *x as f32).collect();
        let loss = task.kind.loss(&Frame { output: &rounded, channels, labels });
        let roundings: f64 = TERMS.iter().map(|terms| 2.0 * (terms + 8.0)).sum();
        let off = roundings * ROUNDING * largest.iter().copied().fold(0.0, f64::max);
        let slopes = match task.kind {
            TaskKind::Depth => loss.count,
            TaskKind::Edges { positive_weight } => f64::from(positive_weight) * loss.count,
            TaskKind::Normals => {
                let length = |pixel: usize| {
                    (0..3).map(|axis| exact[axis * PIXELS + pixel].powi(2)).sum::<f64>().sqrt()
                };
                (0..PIXELS).map(|pixel| 2.0 * 3.0_f64.sqrt() / length(pixel)).sum()
            }
            _ => 2.0 * loss.count,
        };
        bound += slopes * off + 2.0_f64.powi(-19) * loss.count + 64.0 * ROUNDING * loss.sum.abs();
        total.add(loss);
    }
    (total, bound)
}

#[test]
fn losses_are_those_of_the_reference() {
    let Some(gpus) = gpus() else { return };
    let world = world();
    for gpu in gpus {
        let mut evaluator = evaluator(&gpu, 3);
        evaluator.prepare(&world.graph, &world.units, None).unwrap();
        let found = evaluator.score(&candidates()).unwrap();
        for (keep, found) in candidates().iter().zip(&found) {
            for (task, found) in found.iter().enumerate() {
                let (expected, bound) = expected(&world, keep, task);
                let name = &evaluator.tasks()[task].name;
                assert_eq!(found.count, expected.count, "{name} at {keep:?}");
                let error = (found.sum - expected.sum).abs();
                assert!(error <= bound, "{name} at {keep:?}: {found:?} for {expected:?}, bound {bound:e}");
                assert!(bound < 0.02 * expected.sum, "{name} at {keep:?}: a bound of {bound:e} says nothing");
            }
        }
    }
}

#[test]
fn trap_30_neither_batch_nor_grouping_changes_a_bit() {
    let Some(gpus) = gpus() else { return };
    let world = world();
    let candidates = candidates();
    for gpu in gpus {
        let mut reference = None;
        for batch in [1, 2, 3, 7, 16] {
            let mut evaluator = evaluator(&gpu, batch);
            evaluator.prepare(&world.graph, &world.units, None).unwrap();
            let together = evaluator.score(&candidates).unwrap();
            let single =
                candidates.iter().rev().map(|keep| evaluator.score(std::slice::from_ref(keep)).unwrap());
            let mut single: Vec<_> = single.map(|mut losses| losses.swap_remove(0)).collect();
            single.reverse();
            assert_eq!(bits(&together), bits(&single), "together or one by one, batch {batch}");
            let many: Vec<_> = candidates.iter().cycle().take(70).cloned().collect();
            let many = evaluator.score(&many).unwrap();
            assert_eq!(bits(&many[65..]), bits(&together), "more than are read back at once, batch {batch}");
            let reference = reference.get_or_insert_with(|| bits(&together));
            assert_eq!(bits(&together), *reference, "batch {batch}");
        }
    }
}

/// Candidates of one unit, some of which end within a channel group, in no order.
fn of_unit(world: &World, unit: usize) -> Vec<Vec<usize>> {
    let whole: Vec<usize> = world.units.units.iter().map(|unit| unit.channels).collect();
    let keeps = [whole[unit], 4, 3, 5, whole[unit] - 1, 4, 1];
    let candidate = |keep: usize| {
        let mut counts = whole.clone();
        counts[unit] = keep.min(whole[unit]);
        counts
    };
    keeps.into_iter().map(candidate).collect()
}

#[test]
fn trap_37_sharing_what_candidates_have_in_common_changes_no_bit() {
    let Some(gpus) = gpus() else { return };
    let world = world();
    let mut other = world.graph.clone();
    let weight = other.nodes[2].inputs[1];
    let halved = other.constant(weight).unwrap().f32s().unwrap().iter().map(|w| 0.5 * w).collect();
    let shape = other.constant(weight).unwrap().shape().to_vec();
    other.edit().set_constant(weight, Tensor::from_f32(shape, halved).unwrap());
    for gpu in gpus {
        for batch in [2, 7] {
            let mut plain = evaluator(&gpu, batch);
            let mut sharing = evaluator(&gpu, batch);
            // What is kept of the first network must not be taken for the second's, and the third is the first again.
            for graph in [&world.graph, &other, &world.graph] {
                for unit in 0..world.units.units.len() {
                    let candidates = of_unit(&world, unit);
                    plain.prepare(graph, &world.units, None).unwrap();
                    sharing.prepare(graph, &world.units, Some(unit)).unwrap();
                    let (expected, before) = (plain.score(&candidates).unwrap(), sharing.macs());
                    let found = sharing.score(&candidates).unwrap();
                    assert_eq!(bits(&found), bits(&expected), "unit {unit}, batch {batch}");
                    let first = sharing.macs() - before;
                    let single = sharing.score(&candidates[2..3]).unwrap();
                    assert_eq!(bits(&single), bits(&expected[2..3]), "unit {unit}, alone");
                    assert!(sharing.macs() - before > first, "candidates cost something");
                }
            }
            assert!(sharing.macs() < plain.macs(), "{} of {}", sharing.macs(), plain.macs());
        }
    }
}

#[test]
fn means_of_batches_weigh_batches_by_their_images() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let score = |batch: usize, mean_of_batches: bool| {
        let options = Options { batch: Some(batch), mean_of_batches, ..Options::default() };
        let mut evaluator = GpuEvaluator::new(&gpu, tasks(), samples(), options).expect("there are images");
        evaluator.prepare(&world.graph, &world.units, None).unwrap();
        evaluator.score(&[vec![7, 6, 12]]).unwrap().swap_remove(0)
    };
    let sums = score(IMAGES, false);
    let one_batch = score(IMAGES, true);
    let many = score(1, true);
    for (sum, one) in sums.iter().zip(&one_batch) {
        assert!((sum.mean() - one.mean()).abs() <= 1e-12 * sum.mean().abs(), "{sum:?} {one:?}");
        assert_eq!(one.count, IMAGES as f64);
    }
    let differs = |(sum, many): (&Loss, &Loss)| (sum.mean() - many.mean()).abs() > 1e-6 * sum.mean();
    assert!(sums.iter().zip(&many).any(differs), "images have different numbers of labels");
}

#[test]
fn trap_28_candidates_score_as_their_compacted_networks_do() {
    let Some(gpus) = gpus() else { return };
    let world = world();
    for gpu in gpus {
        let mut evaluator = evaluator(&gpu, 4);
        evaluator.prepare(&world.graph, &world.units, None).unwrap();
        let masked = evaluator.score(&candidates()).unwrap();
        for (keep, masked) in candidates().iter().zip(&masked) {
            let kept = Keeps::prefix(&world.units, keep);
            let graph = compact(&world.graph, &world.shapes, &world.units, &kept).unwrap();
            evaluator.prepare(&graph, &world.units.pruned(&kept), None).unwrap();
            let compacted = evaluator.score(std::slice::from_ref(keep)).unwrap();
            assert_eq!(bits(&compacted), bits(std::slice::from_ref(masked)), "{keep:?}");
        }
    }
}

#[test]
fn a_broken_weight_breaks_the_loss() {
    let Some(gpus) = gpus() else { return };
    let mut world = world();
    let weight = world.graph.nodes[0].inputs[1];
    let mut values = world.graph.constant(weight).unwrap().f32s().unwrap().to_vec();
    *values.last_mut().unwrap() = f32::NAN;
    let shape = world.graph.constant(weight).unwrap().shape().to_vec();
    world.graph.edit().set_constant(weight, Tensor::from_f32(shape, values).unwrap());
    for gpu in gpus {
        let mut evaluator = evaluator(&gpu, 7);
        evaluator.prepare(&world.graph, &world.units, None).unwrap();
        let losses = evaluator.score(&[vec![7, 6, 12], vec![6, 6, 12]]).unwrap();
        assert!(losses[0].iter().all(|loss| !loss.sum.is_finite()), "{losses:?}");
        assert!(losses[1].iter().all(|loss| loss.sum.is_finite()), "{losses:?}");
    }
}

#[test]
fn the_report_has_the_search_s_losses_and_the_host_s_metrics() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let mut evaluator = evaluator(&gpu, 7);
    evaluator.prepare(&world.graph, &world.units, None).unwrap();
    let scored = evaluator.score(&[vec![]]).unwrap();
    let subject = Subject { gpu: &gpu, graph: &world.graph, tasks: &tasks(), teacher: None };
    let mut steps = Vec::new();
    let options = Options { batch: Some(3), ..Options::default() };
    let report = evaluate(&subject, &samples(), &options, &mut |done, all| steps.push((done, all))).unwrap();
    assert_eq!(steps, [(3, 7), (6, 7), (7, 7)]);
    let losses: Vec<Loss> = report.tasks.iter().map(|task| task.loss).collect();
    assert_eq!(bits(&[losses]), bits(&scored));
    for ((task, labels), report) in tasks().iter().zip(&samples().labels).zip(&report.tasks) {
        let channels = channels(&task.kind);
        let mut meter = task.kind.meter(channels);
        for (input, labels) in samples().inputs[0].iter().zip(labels) {
            let input = Array::from_f32(vec![1, SIZE[0], SIZE[1], SIZE[2]], input).unwrap();
            let exact = output(&world.graph, &world.shapes, task, input);
            let output: Vec<f32> = exact.iter().map(|x| *x as f32).collect();
            meter.add(&Frame { output: &output, channels, labels });
        }
        for (found, expected) in report.metrics.iter().zip(meter.metrics()) {
            assert_eq!(found.name, expected.name);
            let close = (found.value - expected.value).abs() <= 1e-3 * expected.value.abs();
            assert!(close, "{}: {found:?} for {expected:?}", task.name);
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let Some([gpu, _]) = gpus() else { return };
    let world = world();
    let fail = |tasks: Vec<Task>, samples: Samples| {
        let mut evaluator = GpuEvaluator::new(&gpu, tasks, samples, Options::default())?;
        evaluator.prepare(&world.graph, &world.units, None)?;
        evaluator.score(&[vec![]])
    };
    let mut wrong = tasks();
    wrong[1].outputs = vec!["edges".to_owned()];
    let message = fail(wrong, samples()).unwrap_err().to_string();
    assert!(message.contains("task seg") && message.contains("found 1 channels"), "{message}");
    let mut short = samples();
    short.labels[2][3].pop();
    let message = fail(tasks(), short).unwrap_err().to_string();
    assert_eq!(message, "task depth needs 99 numbers for an image, found 98");
    let message = fail(tasks(), Samples::default()).unwrap_err();
    assert!(matches!(message, EvaluateError::NoImages));
    let message = fail(vec![], samples()).unwrap_err();
    assert!(matches!(message, EvaluateError::NoTasks));
    let unprepared = evaluator(&gpu, 1).score(&[vec![]]).unwrap_err();
    assert!(matches!(unprepared, EvaluateError::Unprepared));
}
