//! The search on a device decides what a plain search decides that compacts and runs the whole network for every
//! candidate, on a small multitask network.

mod bundled;
mod energy;
mod memory;
mod plain;
mod recovered;

use crate::harness::gpus;
use crate::random_graph::Rng;
use plain::{Plain, Step};
use std::collections::BTreeSet;
use wgpu_pagcp::evaluate::{GpuEvaluator, Options as EvaluateOptions};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Gemm, Graph, Padding, Shapes, Sizes, ValueId};
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::search::saliency::Criterion;
use wgpu_pagcp::search::{Journal, Options, Outcome, Problem, Silent, search};
use wgpu_pagcp::tasks::{Samples, Task, TaskKind};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::units::{Units, analyse};

const IMAGES: usize = 6;
const SIZE: [usize; 3] = [3, 16, 16];

/// A network, its units, and what produces each of them.
struct World {
    graph: Graph,
    shapes: Shapes,
    units: Units,
    /// For every unit: the convolutions and matrix products whose outputs it is.
    producers: Vec<Vec<ValueId>>,
    tasks: Vec<Task>,
    samples: Samples,
}

struct Net {
    b: Builder,
    rng: Rng,
}

impl Net {
    /// Weights whose outputs matter unequally: a few of them hardly.
    fn weights(&mut self, shape: &[usize]) -> Tensor {
        let fan_in = count(&shape[1..]);
        let mut values = self.rng.tensor(shape, 1.4 / (fan_in as f32).sqrt()).f32s().unwrap().to_vec();
        for filter in values.chunks_mut(fan_in) {
            let factor = (1 + self.rng.below(100)) as f32 / 100.0;
            filter.iter_mut().for_each(|weight| *weight *= factor * factor);
        }
        Tensor::from_f32(shape.to_vec(), values).unwrap()
    }

    fn conv(&mut self, x: ValueId, [inputs, outputs, kernel, stride]: [usize; 4]) -> ValueId {
        let pads = Padding::Explicit([kernel / 2; 4]);
        let conv = Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) };
        let weight = self.weights(&[outputs, inputs, kernel, kernel]);
        let bias = self.rng.tensor(&[outputs], 0.05);
        self.b.conv(x, conv, weight, Some(bias))
    }

    fn batch_norm(&mut self, x: ValueId, channels: usize) -> ValueId {
        let [mut scale, shift, mean, mut variance] = [(); 4].map(|()| self.rng.tensor(&[channels], 0.2));
        let above = |t: &Tensor| t.f32s().unwrap().iter().map(|v| 0.8 + v.abs()).collect();
        scale = Tensor::from_f32(vec![channels], above(&scale)).unwrap();
        variance = Tensor::from_f32(vec![channels], above(&variance)).unwrap();
        self.b.batch_norm(x, [scale, shift, mean, variance], 1e-5)
    }

    fn relu(&mut self, x: ValueId) -> ValueId {
        self.b.activation(x, Activation::Relu)
    }

    fn gemm(&mut self, x: ValueId, [inputs, outputs]: [usize; 2]) -> ValueId {
        let weight = self.weights(&[outputs, inputs]);
        self.b.gemm(x, Gemm { trans_b: true, ..Gemm::default() }, weight, None)
    }
}

/// A residual encoder, two dense heads, and a class for the whole picture.
fn network(seed: u64) -> (Graph, Vec<Vec<ValueId>>) {
    let mut net = Net { b: Builder::new("heads"), rng: Rng::new(seed) };
    let x = net.b.image("x", SIZE);
    let stem = net.conv(x, [3, 14, 3, 1]);
    let y = net.batch_norm(stem, 14);
    let skip = net.relu(y);
    let inner = net.conv(skip, [14, 11, 3, 1]);
    let y = net.batch_norm(inner, 11);
    let y = net.relu(y);
    let outer = net.conv(y, [11, 14, 3, 1]);
    let y = net.batch_norm(outer, 14);
    let y = net.b.add(y, skip);
    let y = net.relu(y);
    let down = net.conv(y, [14, 18, 3, 2]);
    let y = net.batch_norm(down, 18);
    let features = net.relu(y);
    let classes = net.conv(features, [18, 9, 3, 1]);
    let y = net.relu(classes);
    let y = net.conv(y, [9, 4, 1, 1]);
    net.b.output(y, "seg");
    let distances = net.conv(features, [18, 8, 1, 1]);
    let y = net.relu(distances);
    let y = net.conv(y, [8, 1, 3, 1]);
    net.b.output(y, "depth");
    let y = net.b.global_average_pool(features);
    let y = net.b.flatten(y, 1);
    let hidden = net.gemm(y, [18, 10]);
    let y = net.relu(hidden);
    let y = net.gemm(y, [10, 3]);
    net.b.output(y, "room");
    let producers =
        vec![vec![stem, outer], vec![inner], vec![down], vec![classes], vec![distances], vec![hidden]];
    (net.b.finish().unwrap(), producers)
}

fn task(name: &str, kind: TaskKind, limit: Option<f64>) -> Task {
    Task { name: format!("the {name}"), kind, outputs: vec![name.to_owned()], limit, names: vec![] }
}

/// Pictures, and labels that the unpruned network mostly agrees with.
fn samples(graph: &Graph, shapes: &Shapes, rng: &mut Rng) -> Samples {
    let mut samples = Samples { inputs: vec![vec![]], labels: vec![vec![]; 3], targets: vec![] };
    for _ in 0..IMAGES {
        let input = rng.tensor(&SIZE, 1.0).f32s().unwrap().to_vec();
        let array = Array::from_f32(vec![1, SIZE[0], SIZE[1], SIZE[2]], &input).unwrap();
        let values = run(graph, shapes, &[array]).unwrap();
        let outputs = graph.outputs.iter().map(|id| values[id.0].as_ref().unwrap());
        let [seg, depth, room] = outputs.collect::<Vec<_>>()[..] else { panic!("three heads") };
        samples.inputs[0].push(input);
        samples.labels[0].push(largest(seg));
        let noise = rng.tensor(&[depth.data.len()], 0.2);
        let noisy = depth.data.iter().zip(noise.f32s().unwrap()).map(|(d, n)| (*d as f32 + n).to_bits());
        samples.labels[1].push(noisy.collect());
        samples.labels[2].push(largest(room));
    }
    samples
}

/// The channel with the largest value at every pixel.
fn largest(output: &Array) -> Vec<u32> {
    let (channels, pixels) = (output.shape[1], count(&output.shape[2..]));
    let value = |channel: u32, pixel| -> f64 { output.data[channel as usize * pixels + pixel] };
    let best = |p| (0..channels as u32).max_by(|&a, &b| value(a, p).total_cmp(&value(b, p))).unwrap();
    (0..pixels).map(best).collect()
}

impl World {
    fn new(seed: u64) -> Self {
        let (graph, producers) = network(seed);
        let tasks = vec![
            task("seg", TaskKind::Segmentation, None),
            task("depth", TaskKind::Depth, Some(0.02)),
            task("room", TaskKind::Classification, None),
        ];
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        let samples = samples(&graph, &shapes, &mut Rng::new(seed + 1));
        Self::of(graph, producers, tasks, samples)
    }

    fn of(graph: Graph, producers: Vec<Vec<ValueId>>, tasks: Vec<Task>, samples: Samples) -> Self {
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        let units = analyse(&graph, &shapes);
        assert_eq!(units.units.len(), producers.len(), "{:?}", units.units);
        for (unit, producers) in units.units.iter().zip(&producers) {
            assert!(producers.iter().all(|id| unit.members.iter().any(|m| m.value == *id)));
        }
        Self { graph, shapes, units, producers, tasks, samples }
    }

    fn evaluator(&self, gpu: &Gpu) -> GpuEvaluator {
        let options = EvaluateOptions { batch: Some(3), ..EvaluateOptions::default() };
        GpuEvaluator::new(gpu, self.tasks.clone(), self.samples.clone(), options).unwrap()
    }

    fn search(&self, gpu: &Gpu, options: &Options) -> Outcome {
        let problem = Problem { graph: &self.graph, shapes: &self.shapes, units: &self.units };
        let mut journal = Journal::in_memory();
        search(problem, options, &mut self.evaluator(gpu), &mut journal, &mut Silent).unwrap()
    }

    /// What the search decided, in the plain search's words.
    fn steps(&self, outcome: &Outcome) -> Vec<Step> {
        let place = |id: &String| self.units.units.iter().position(|unit| unit.id == *id).unwrap();
        let step = |visit: &wgpu_pagcp::search::Visit| Step {
            unit: place(&visit.unit),
            accepted: visit.accepted,
            limited_by: visit.limited_by.clone(),
            scored: visit.candidates.len(),
        };
        outcome.visits.iter().map(step).collect()
    }
}

fn settings() -> Vec<Options> {
    vec![
        Options::default(),
        Options { rate: 0.01, total: 1.04, round_to: 1, criterion: Criterion::L2, ..Options::default() },
        Options {
            rate: 0.3,
            round_to: 2,
            min_channels: 5,
            criterion: Criterion::Bn,
            target_flops: Some(0.6),
            ..Options::default()
        },
        Options { rate: 0.1, total: 1.5, round_to: 1, topk: 0.5, width: 5, ..Options::default() },
    ]
}

#[test]
fn the_search_decides_what_compacting_every_candidate_decides() {
    let Some([_, gpu]) = gpus() else { return };
    let (mut accepted, mut refused, mut second) = (0, 0, 0);
    for seed in [1, 2] {
        let world = World::new(seed);
        for options in settings() {
            let outcome = world.search(&gpu, &options);
            let plain = Plain::new(&world, &gpu, &options).search();
            assert_eq!(world.steps(&outcome), plain.steps, "network {seed}, {options:?}");
            assert_eq!(outcome.keeps.0, plain.keeps, "network {seed}, {options:?}");
            let after: Vec<f64> = outcome.after.iter().map(|loss| loss.mean()).collect();
            assert_eq!(after, plain.losses, "network {seed}, {options:?}");
            accepted += plain.steps.iter().filter(|step| step.accepted.is_some()).count();
            refused += plain.steps.iter().filter(|step| step.limited_by.is_some()).count();
            second += usize::from(outcome.visits.iter().any(|visit| visit.pass == 1));
        }
    }
    assert!(accepted >= 10 && refused >= 10 && second >= 1, "{accepted} {refused} {second}");
}

#[test]
fn trap_32_final_losses_are_within_the_product_of_the_accepted_limits() {
    let Some([_, gpu]) = gpus() else { return };
    for (seed, options) in (3..).zip(settings()) {
        let world = World::new(seed);
        let outcome = world.search(&gpu, &options);
        let mut allowed = vec![1.0; world.tasks.len()];
        for visit in outcome.visits.iter().filter(|visit| visit.accepted.is_some()) {
            allowed.iter_mut().zip(&visit.limits).for_each(|(product, limit)| *product *= 1.0 + limit);
        }
        assert!(outcome.after != outcome.before, "network {seed} is pruned");
        for ((before, after), allowed) in outcome.before.iter().zip(&outcome.after).zip(allowed) {
            assert!(
                after.mean() <= before.mean() * allowed,
                "network {seed}: {after:?} {before:?} {allowed}"
            );
            assert!(allowed <= options.total);
        }
    }
}

/// A network in which two channels of the first unit cancel: without the last of them, numbers grow past what f32
/// holds.
fn cancelling() -> (Graph, Vec<Vec<ValueId>>) {
    const LARGE: f32 = (1_u128 << 126) as f32;
    let mut net = Net { b: Builder::new("cancelling"), rng: Rng::new(8) };
    let x = net.b.image("x", SIZE);
    let mut first = net.rng.tensor(&[8, 3, 1, 1], 1.0).f32s().unwrap().to_vec();
    first[..18].iter_mut().for_each(|weight| *weight += weight.signum());
    first[18..].copy_from_slice(&[0.25, 0.25, 0.0, 0.25, 0.25, 0.0]);
    let first = Tensor::from_f32(vec![8, 3, 1, 1], first).unwrap();
    let a = net.b.conv(x, Conv2d::new([1, 1]), first, None);
    let y = net.relu(a);
    let mut second = net.rng.tensor(&[6, 8, 1, 1], 0.5).f32s().unwrap().to_vec();
    second[6..8].copy_from_slice(&[LARGE, -LARGE]);
    let second = Tensor::from_f32(vec![6, 8, 1, 1], second).unwrap();
    let b = net.b.conv(y, Conv2d::new([1, 1]), second, None);
    let y = net.relu(b);
    let third = Tensor::from_f32(vec![4, 6, 1, 1], vec![64.0; 24]).unwrap();
    let y = net.b.conv(y, Conv2d::new([1, 1]), third, None);
    net.b.output(y, "seg");
    (net.b.finish().unwrap(), vec![vec![a], vec![b]])
}

#[test]
fn trap_29_a_candidate_without_a_finite_loss_is_refused() {
    let Some(gpus) = gpus() else { return };
    let (graph, producers) = cancelling();
    let mut rng = Rng::new(9);
    let mut samples = Samples { inputs: vec![vec![]], labels: vec![vec![]], targets: vec![] };
    for _ in 0..IMAGES {
        let input = rng.tensor(&SIZE, 1.0);
        samples.inputs[0].push(input.f32s().unwrap().iter().map(|v| v.abs().min(1.0)).collect());
        samples.labels[0].push((0..SIZE[1] * SIZE[2]).map(|_| rng.below(4) as u32).collect());
    }
    let tasks = vec![task("seg", TaskKind::Segmentation, None)];
    let world = World::of(graph, producers, tasks, samples);
    let options = Options { round_to: 1, rate: 0.5, ..Options::default() };
    let ignore: BTreeSet<String> = [world.units.units[1].id.clone()].into();
    for gpu in gpus {
        let outcome = world.search(&gpu, &Options { ignore: ignore.clone(), ..options.clone() });
        let [visit] = &outcome.visits[..] else { panic!("one unit is visited") };
        assert_eq!(visit.candidates[0].keep, 7);
        assert!(!visit.candidates[0].losses[0].mean().is_finite(), "{visit:?}");
        assert_eq!((visit.candidates.len(), visit.accepted), (1, None));
        assert_eq!(visit.limited_by.as_deref(), Some("the seg"));
        assert!(outcome.before[0].mean().is_finite());
        assert_eq!(outcome.before, outcome.after);
        assert_eq!(
            world.steps(&world.search(&gpu, &options)),
            Plain::new(&world, &gpu, &options).search().steps
        );
    }
}
