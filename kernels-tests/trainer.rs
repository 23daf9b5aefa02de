//! Training on the device against the same steps in f64: gradients by the interpreter, the optimiser in a few lines.

use crate::harness::gpus;
use crate::network::{numbers, tensor};
use std::collections::{BTreeMap, BTreeSet};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{
    Activation, Binary, Builder, Conv2d, Coordinates, Gemm, Graph, Interpolation, LossKind, Move, Norm, Op,
    Padding, Pool, Reduce, Reduction, Resize, Sizes, Statistics, Target, ValueId,
};
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::tasks::{Samples, Task, TaskKind, UNLABELLED};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::train::{
    Augment, Batch, Differentiated, Lesson, MomentOptions, Moments, Normalisation, Objective, Rule, Settings,
    Trainer, batch, differentiate, forward, lessons, prepared, set_weights, weights,
};

pub const BATCH: usize = 3;
pub const SIZE: [usize; 2] = [12, 10];

pub fn normalised(b: &mut Builder, seed: u32, x: ValueId, channels: usize) -> ValueId {
    let positive = |seed| numbers(seed, channels).iter().map(|x| 1.0 + 0.3 * x).collect();
    let vector = |values| Tensor::from_f32(vec![channels], values).unwrap();
    let constants = [
        ("scale", vector(positive(seed))),
        ("shift", tensor(seed + 1, &[channels])),
        ("mean", tensor(seed + 2, &[channels])),
        ("variance", vector(positive(seed + 3))),
    ];
    let mut inputs = vec![x];
    inputs.extend(constants.map(|(name, tensor)| b.constant(&format!("{name}{seed}"), tensor)));
    b.node(Op::BatchNorm { epsilon: 1e-5 }, &inputs)
}

pub fn conv(b: &mut Builder, seed: u32, x: ValueId, [out, inputs, kernel, stride]: [usize; 4]) -> ValueId {
    let pads = Padding::Explicit([kernel / 2; 4]);
    let conv = Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) };
    let scaled = numbers(seed, out * inputs * kernel * kernel).iter().map(|x| x * 0.4).collect();
    let weight = Tensor::from_f32(vec![out, inputs, kernel, kernel], scaled).unwrap();
    b.conv(x, conv, weight, seed.is_multiple_of(2).then(|| tensor(seed + 50, &[out])))
}

/// A norm of maps, slopes, and a norm and a product of tokens, whose mean this is.
fn tokens(b: &mut Builder, x: ValueId, channels: usize) -> ValueId {
    let norm = |b: &mut Builder, x, seed, statistics| {
        let scale = b.constant(&format!("scale{seed}"), tensor(seed, &[channels]));
        let shift = b.constant(&format!("shift{seed}"), tensor(seed + 1, &[channels]));
        b.node(Op::Norm(Norm { statistics, epsilon: 1e-3 }), &[x, scale, shift])
    };
    let y = norm(b, x, 70, Statistics::Group { groups: channels });
    let slope = b.constant("slope", tensor(72, &[channels, 1, 1]));
    let y = b.binary(Binary::PRelu, y, slope);
    let y = b.reshape(y, &[0, channels as i64, -1]);
    let y = b.node(Op::Move(Move::Transpose { perm: vec![0, 2, 1] }), &[y]);
    let y = norm(b, y, 73, Statistics::Layer { axis: 2 });
    let weight = b.constant("weight", tensor(75, &[channels, channels]));
    let y = b.node(Op::MatMul, &[y, weight]);
    let bias = b.constant("bias", tensor(76, &[channels]));
    let y = b.add(bias, y);
    let y = b.activation(y, Activation::Gelu { tanh: false });
    b.node(Op::Reduce(Reduce { reduction: Reduction::Mean, axes: vec![1], keep_dims: false }), &[y])
}

/// A residual network with a pool, strides, tokens, a resize and three heads: a class per pixel, a number per pixel, a class.
pub fn network() -> Graph {
    let mut b = Builder::new("small");
    let x = b.image("x", [3, SIZE[0], SIZE[1]]);
    let stem = conv(&mut b, 1, x, [6, 3, 3, 1]);
    let stem = normalised(&mut b, 20, stem, 6);
    let stem = b.activation(stem, Activation::Relu);
    let low = b.max_pool(stem, Pool { strides: [2, 2], ..Pool::new([2, 2]) });
    let inner = conv(&mut b, 3, low, [5, 6, 3, 1]);
    let inner = normalised(&mut b, 30, inner, 5);
    let inner = b.activation(inner, Activation::Relu);
    let inner = conv(&mut b, 5, inner, [6, 5, 1, 1]);
    let sum = b.add(inner, low);
    let sum = b.activation(sum, Activation::Relu);
    let deep = conv(&mut b, 7, sum, [7, 6, 3, 2]);
    let deep = normalised(&mut b, 40, deep, 7);
    let deep = b.activation(deep, Activation::Silu);
    let classes = conv(&mut b, 8, sum, [5, 6, 1, 1]);
    let resize = Resize {
        target: Target::Sizes(SIZE),
        coordinates: Coordinates::HalfPixel,
        interpolation: Interpolation::Linear,
    };
    let classes = b.resize(classes, resize.clone());
    b.output(classes, "classes");
    let depth = conv(&mut b, 10, sum, [1, 6, 3, 1]);
    let depth = b.resize(depth, resize);
    b.output(depth, "depth");
    let flat = tokens(&mut b, deep, 7);
    let gemm = Gemm { trans_b: true, ..Gemm::default() };
    let room = b.gemm(flat, gemm, tensor(60, &[4, 7]), Some(tensor(61, &[4])));
    b.output(room, "room");
    b.finish().unwrap()
}

pub fn tasks() -> Vec<Task> {
    let task = |name: &str, kind| Task {
        name: name.to_owned(),
        kind,
        outputs: vec![name.to_owned()],
        limit: None,
        names: Vec::new(),
    };
    vec![
        task("classes", TaskKind::Segmentation),
        task("depth", TaskKind::Depth),
        task("room", TaskKind::Classification),
    ]
}

pub fn learned(weights: &[f64]) -> Vec<Lesson> {
    let [height, width] = SIZE;
    let shapes = [vec![1, 5, height, width], vec![1, 1, height, width], vec![1, 4]];
    let outputs = ["classes", "depth", "room"].into_iter().zip(shapes.iter().map(Vec::as_slice));
    lessons(&tasks(), weights, outputs).unwrap()
}

pub fn samples() -> Samples {
    let pixels = count(&SIZE);
    let word = |seed: u32, classes: u32| move |at: usize| (at as u32 * 7 + seed) * 13 % 31 % classes;
    let images = || 0..BATCH as u32;
    let hole = |at: usize, word: u32| if at.is_multiple_of(9) { UNLABELLED } else { word };
    Samples {
        inputs: vec![images().map(|image| numbers(image + 1, 3 * pixels)).collect()],
        labels: vec![
            images().map(|i| (0..pixels).map(|at| hole(at, word(i, 5)(at))).collect()).collect(),
            images()
                .map(|i| {
                    let depths = numbers(i + 9, pixels);
                    depths.iter().enumerate().map(|(at, depth)| hole(at, depth.to_bits())).collect()
                })
                .collect(),
            images().map(|i| vec![i % 4]).collect(),
        ],
        targets: Vec::new(),
    }
}

pub fn settings(rule: Rule, normalisation: Normalisation) -> Settings {
    Settings {
        epochs: 1,
        batch: BATCH,
        rule,
        rate: 0.01,
        final_share: 1.0,
        warm_up: 0.0,
        decay: 0.02,
        clip: 2.0,
        average: 0.9,
        normalisation,
        moment_images: 0,
        frozen: BTreeSet::new(),
        weights: vec![1.0, 0.5, 2.0],
        distil: 0.0,
        distil_features: 0.0,
        every: 1,
        augment: Augment::default(),
        seed: 0,
    }
}

fn trainer(gpu: &Gpu, settings: &Settings) -> (Trainer, Batch, Graph) {
    let sizes = Sizes::batch(BATCH);
    let graph = prepared(&network(), &sizes, settings.normalisation).unwrap();
    let lessons = learned(&settings.weights);
    let batch = batch(&samples(), &lessons);
    let trainer = Trainer::new(gpu, &graph, &tasks(), lessons, (settings, &sizes)).unwrap();
    (trainer, batch, graph)
}

/// The training graph that a trainer of `graph` runs.
fn differentiated(graph: &Graph, settings: &Settings) -> Differentiated {
    let sizes = Sizes::batch(BATCH);
    let form = forward(graph, &sizes, settings.normalisation, &settings.frozen).unwrap();
    let lessons = learned(&settings.weights);
    let output = |name: &str| {
        form.graph.outputs.iter().copied().find(|id| form.graph.value(*id).name == name).unwrap()
    };
    let objectives: Vec<Objective> = lessons
        .iter()
        .map(|l| Objective {
            name: l.name.clone(),
            output: output(&l.goal.output),
            view: l.goal.view.clone(),
            kind: l.goal.loss,
        })
        .collect();
    differentiate(&form.graph, &form.shapes, &form.trained, &objectives).unwrap()
}

/// Gradients of every block in f64.
fn gradients(done: &Differentiated, batch: &Batch) -> Vec<Vec<f64>> {
    let inputs: Vec<Array> = done
        .graph
        .inputs
        .iter()
        .zip(&batch.inputs)
        .map(|(id, values)| Array::from_f32(done.shapes[id.0].clone(), values).unwrap())
        .collect();
    let values = run(&done.graph, &done.shapes, &inputs).unwrap();
    done.blocks.iter().map(|block| values[block.gradient.0].as_ref().unwrap().data.clone()).collect()
}

/// Weights and moments of one block in f64.
struct Reference {
    weights: Vec<f64>,
    average: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Reference {
    fn step(&mut self, (gradient, factor): (&[f64], f64), step: i32, (settings, decays): (&Settings, bool)) {
        let decay = if decays { settings.decay } else { 0.0 };
        let kept = settings.average.min((1.0 + f64::from(step)) / (10.0 + f64::from(step)));
        for (i, gradient) in gradient.iter().enumerate() {
            let (g, w) = (gradient * factor, self.weights[i]);
            let change = match settings.rule {
                Rule::Sgd { momentum } => {
                    let (momentum, g) = (f64::from(momentum), g + decay * w);
                    self.first[i] = momentum * self.first[i] + g;
                    g + momentum * self.first[i]
                }
                Rule::AdamW { beta1, beta2, epsilon } => {
                    let (b1, b2) = (f64::from(beta1), f64::from(beta2));
                    self.first[i] = b1 * self.first[i] + (1.0 - b1) * g;
                    self.second[i] = b2 * self.second[i] + (1.0 - b2) * g * g;
                    let mean = self.first[i] / (1.0 - b1.powi(step));
                    let square = self.second[i] / (1.0 - b2.powi(step));
                    mean / (square.sqrt() + f64::from(epsilon)) + decay * w
                }
            };
            self.weights[i] -= settings.rate * change;
            self.average[i] += (1.0 - kept) * (self.weights[i] - self.average[i]);
        }
    }
}

/// The largest difference between device and f64 after `steps` steps, relative to what the steps changed.
fn difference(gpu: &Gpu, settings: &Settings, steps: i32, spoil: f64) -> f64 {
    let (mut trainer, batch, graph) = trainer(gpu, settings);
    let mut reference: Vec<Reference> = Vec::new();
    let mut graph = graph;
    let first = differentiated(&graph, settings);
    for block in &first.blocks {
        let weights: Vec<f64> =
            weights(&graph, &block.constants).unwrap().into_iter().map(f64::from).collect();
        let zeros = vec![0.0; weights.len()];
        reference.push(Reference { average: weights.clone(), weights, first: zeros.clone(), second: zeros });
    }
    let begin: Vec<Vec<f64>> = reference.iter().map(|block| block.weights.clone()).collect();
    for step in 1..=steps {
        let done = differentiated(&graph, settings);
        let gradients = gradients(&done, &batch);
        let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let factor = (settings.clip / (norm + 1e-6)).min(1.0) * spoil;
        for ((block, own), gradient) in done.blocks.iter().zip(&mut reference).zip(&gradients) {
            own.step((gradient, factor), step, (settings, block.decays));
            let rounded: Vec<f32> = own.weights.iter().map(|&w| w as f32).collect();
            set_weights(&mut graph, &block.constants, &rounded);
        }
        let stepped = trainer.step(&batch, settings.rate, true).unwrap();
        assert!(
            stepped.finite && (f64::from(stepped.norm) - norm).abs() < 1e-3 * norm,
            "{stepped:?}, {norm}"
        );
    }
    let ends = [trainer.graph(false).unwrap(), trainer.graph(true).unwrap()];
    let mut worst: f64 = 0.0;
    for ((block, own), begin) in first.blocks.iter().zip(&reference).zip(&begin) {
        let changed = own.weights.iter().zip(begin).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(changed > 0.0);
        for (end, expected) in ends.iter().zip([&own.weights, &own.average]) {
            let found = weights(end, &block.constants).unwrap();
            let off = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            worst = worst.max(off / changed);
        }
    }
    worst
}

#[test]
fn steps_are_those_of_the_f64_reference() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for normalisation in [Normalisation::Train, Normalisation::Fold] {
            for rule in [Rule::SGD, Rule::AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-4 }] {
                let settings = settings(rule, normalisation);
                let worst = difference(gpu, &settings, 4, 1.0);
                assert!(worst < 5e-3, "{rule:?} {normalisation:?}: {worst}");
            }
        }
    }
}

#[test]
fn gradients_that_are_off_by_a_percent_are_noticed() {
    let Some([gpu, _]) = gpus() else { return };
    let settings = settings(Rule::SGD, Normalisation::Train);
    assert!(difference(&gpu, &settings, 4, 1.01) > 5e-3);
}

#[test]
fn losses_fall_and_a_restored_state_goes_on_to_the_same_bits() {
    let Some([gpu, _]) = gpus() else { return };
    let settings = settings(Rule::ADAM_W, Normalisation::Train);
    let (mut one, batch, _) = trainer(&gpu, &settings);
    let first = one.step(&batch, 0.01, true).unwrap();
    for _ in 0..20 {
        one.step(&batch, 0.01, true).unwrap();
    }
    let state = one.state().unwrap();
    let last = one.step(&batch, 0.01, true).unwrap();
    for (first, last) in first.losses.iter().zip(&last.losses) {
        assert!(last.mean() < 0.9 * first.mean(), "{first:?} to {last:?}");
    }
    let (mut two, ..) = trainer(&gpu, &settings);
    two.restore(&state).unwrap();
    assert_eq!(two.step(&batch, 0.01, true).unwrap(), last);
    assert_eq!(one.state().unwrap(), two.state().unwrap());
}

#[test]
fn steps_that_overlap_are_those_one_after_another() {
    let Some([gpu, _]) = gpus() else { return };
    let settings = settings(Rule::ADAM_W, Normalisation::Train);
    let [(mut one, batch, _), (mut two, ..)] = [(); 2].map(|()| trainer(&gpu, &settings));
    let mut other = batch.clone();
    other.inputs[0].reverse();
    let expected: Vec<_> = [&batch, &other, &batch].map(|batch| one.step(batch, 0.01, true).unwrap()).into();
    let begun = [&batch, &other, &batch].map(|batch| two.begin_step(batch, 0.01, true).unwrap());
    let found: Vec<_> = begun.into_iter().map(|begun| two.end_step(begun).unwrap()).collect();
    assert_eq!(found, expected);
    assert_ne!(found[0], found[2]);
    assert_eq!(one.state().unwrap(), two.state().unwrap());
}

#[test]
fn gradients_that_are_not_finite_change_nothing() {
    let Some([gpu, _]) = gpus() else { return };
    let settings = settings(Rule::ADAM_W, Normalisation::Train);
    let (mut trainer, batch, _) = trainer(&gpu, &settings);
    let before = trainer.state().unwrap();
    let mut broken = batch.clone();
    broken.inputs[0][5] = f32::INFINITY;
    assert!(!trainer.step(&broken, 0.01, true).unwrap().finite);
    let after = trainer.state().unwrap();
    assert_eq!(after.weights, before.weights);
    assert!(trainer.step(&batch, 0.01, true).unwrap().finite);
}

#[test]
fn moments_of_one_batch_give_what_the_batch_gave() {
    let Some([gpu, _]) = gpus() else { return };
    let sizes = Sizes::batch(BATCH);
    let mut graph = network();
    let inputs = [Array::from_f32(vec![BATCH, 3, SIZE[0], SIZE[1]], &samples().inputs[0].concat()).unwrap()];
    let outputs = |graph: &Graph| -> Vec<f64> {
        let values = run(graph, &graph.infer(&sizes).unwrap(), &inputs).unwrap();
        graph.outputs.iter().flat_map(|id| values[id.0].as_ref().unwrap().data.clone()).collect()
    };
    let by_batch = outputs(&forward(&graph, &sizes, Normalisation::Train, &BTreeSet::new()).unwrap().graph);
    let off = |graph: &Graph| {
        let pairs = outputs(graph).into_iter().zip(&by_batch);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(off(&graph) > 0.1, "the statistics in the file are others");
    let options = MomentOptions { images: BATCH, batch: BATCH, symbols: BTreeMap::new() };
    let moments = Moments::measure(&gpu, &graph, &samples(), &options).unwrap().unwrap();
    assert_eq!(moments.len(), 3);
    moments.set(&mut graph).unwrap();
    assert!(off(&graph) < 1e-4, "{}", off(&graph));
    // One at a time, means differ, which the variance has in it.
    let one = MomentOptions { batch: 1, ..options };
    let mut other = network();
    Moments::measure(&gpu, &other, &samples(), &one).unwrap().unwrap().set(&mut other).unwrap();
    assert!(off(&other) > 1e-4 && off(&other) < 1.0, "{}", off(&other));
}

/// A normalisation that two maps go through has the moments of both.
#[test]
fn shared_normalisations_get_the_moments_of_all_that_they_read() {
    let Some([gpu, _]) = gpus() else { return };
    let mut b = Builder::new("shared");
    let x = b.image("x", [3, SIZE[0], SIZE[1]]);
    let parameters = ["scale", "shift", "mean", "variance"]
        .map(|name| b.constant(name, Tensor::from_f32(vec![5], vec![1.0; 5]).unwrap()));
    let maps = [1, 2].map(|seed| b.conv(x, Conv2d::new([1, 1]), tensor(seed, &[5, 3, 1, 1]), None));
    for (map, name) in maps.into_iter().zip(["y", "z"]) {
        let inputs = [&[map][..], &parameters].concat();
        let y = b.node(Op::BatchNorm { epsilon: 1e-5 }, &inputs);
        b.output(y, name);
    }
    let mut graph = b.finish().unwrap();
    let options = MomentOptions { images: BATCH, batch: 1, symbols: BTreeMap::new() };
    Moments::measure(&gpu, &graph, &samples(), &options).unwrap().unwrap().set(&mut graph).unwrap();
    let inputs = [Array::from_f32(vec![BATCH, 3, SIZE[0], SIZE[1]], &samples().inputs[0].concat()).unwrap()];
    let values = run(&graph, &graph.infer(&Sizes::batch(BATCH)).unwrap(), &inputs).unwrap();
    for channel in 0..5 {
        let pixels = count(&SIZE);
        let planes = maps.iter().flat_map(|map| values[map.0].as_ref().unwrap().data.chunks(pixels));
        let own: Vec<f64> = planes.skip(channel).step_by(5).flatten().copied().collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let variance = own.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / own.len() as f64;
        for (constant, expected) in parameters[2..].iter().zip([mean, variance]) {
            let found = f64::from(graph.constant(*constant).unwrap().f32s().unwrap()[channel]);
            assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
    }
    // The second with the first one's mean and a variance of its own.
    let last = graph.nodes.last_mut().unwrap();
    last.inputs[4] = parameters[0];
    let moments = Moments::measure(&gpu, &graph, &samples(), &options).unwrap().unwrap();
    let error = moments.set(&mut graph).unwrap_err().to_string();
    assert!(error.starts_with("mean does not reach the kernels as it is"), "{error}");
}

#[test]
fn labels_say_what_counts() {
    let lessons = learned(&[1.0, 0.5, 2.0]);
    let batch = batch(&samples(), &lessons);
    let labelled = batch.inputs[1].iter().filter(|label| **label > LossKind::UNLABELLED).count();
    assert!(labelled > 100 && labelled < BATCH * count(&SIZE));
    assert_eq!(batch.inputs[2], [1.0 / labelled as f32]);
    assert_eq!(batch.inputs[6], [2.0 / BATCH as f32]);
}
