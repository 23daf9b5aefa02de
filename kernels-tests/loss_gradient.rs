//! Gradients of losses: kernels against the reference, the reference against finite differences of the losses of tasks,
//! and the kernels of losses against what gradients predict.

use crate::case::{CHANNELS, Case, random, whole};
use crate::harness::gpus;
use crate::loss::{self, Numbers};
use wgpu_pagcp::graph::{LossKind, Op, Training};
use wgpu_pagcp::reference::{Array, execute};
use wgpu_pagcp::tasks::{Agreement, FLOOR, Frame, Measure, Norm, TaskKind, UNLABELLED};
use wgpu_pagcp::tensor::Tensor;

const SHORTEST: f32 = 1e-6;

const KINDS: [LossKind; 6] = [
    LossKind::CrossEntropy,
    LossKind::Absolute,
    LossKind::Square,
    LossKind::Cosine { shortest: SHORTEST },
    LossKind::BinaryCrossEntropy { positive_weight: 2.5 },
    LossKind::Divergence,
];

/// The task whose loss is `kind`, for outputs of so many channels.
fn task(kind: LossKind, channels: usize) -> TaskKind {
    match kind {
        LossKind::CrossEntropy => TaskKind::Segmentation,
        LossKind::Absolute => TaskKind::Regression(Norm::L1),
        LossKind::Square => TaskKind::Regression(Norm::L2),
        LossKind::Cosine { .. } => TaskKind::Normals,
        LossKind::BinaryCrossEntropy { positive_weight } => TaskKind::Edges { positive_weight },
        LossKind::Divergence => TaskKind::Agreement(agreement(Measure::Kl, 0, channels)),
        LossKind::ProbabilityCrossEntropy | LossKind::Boxes(_) => unreachable!("only detectors have these"),
    }
}

fn agreement(measure: Measure, first: usize, channels: usize) -> Agreement {
    Agreement { measure, first, channels, floor: FLOOR }
}

/// Label words of an image; every fifth pixel is not labelled, but where the loss is one that labels all.
fn words(kind: LossKind, channels: usize, pixels: usize, numbers: &mut Numbers) -> Vec<u32> {
    let mut float = |scale| (numbers.float(scale) * 256.0).round() / 256.0 + 1.0 / 512.0;
    let mut words = Vec::new();
    let own = if kind == LossKind::CrossEntropy { 1 } else { channels };
    for at in 0..own * pixels {
        words.push(match kind {
            LossKind::CrossEntropy => (float(1e3).abs() as u32) % channels as u32,
            LossKind::BinaryCrossEntropy { .. } => u32::from(float(1.0) > 0.0),
            _ => float(3.0).to_bits(),
        });
        if at % pixels % 5 == 3 && kind != LossKind::Divergence {
            words[at] = UNLABELLED;
        }
    }
    words
}

/// What [`Training::Loss`] takes for label words.
fn labels(kind: LossKind, words: &[u32]) -> Vec<f32> {
    let label = |&word: &u32| match kind {
        _ if word == UNLABELLED => LossKind::UNLABELLED,
        LossKind::CrossEntropy | LossKind::BinaryCrossEntropy { .. } => word as f32,
        _ => f32::from_bits(word),
    };
    words.iter().map(label).collect()
}

fn op(kind: LossKind) -> Op {
    Op::Training(Training::Loss(kind))
}

/// A case of outputs of `shape`, `size` times larger than 3 at most.
fn case(kind: LossKind, shape: &[usize], size: f32) -> Case {
    let (images, channels) = (shape[0], shape[1]);
    let pixels: usize = shape[2..].iter().product();
    let mut numbers = Numbers(channels as u64);
    let mut label_shape = shape.to_vec();
    if kind == LossKind::CrossEntropy {
        label_shape[1] = 1;
    }
    let all: Vec<u32> = (0..images).flat_map(|_| words(kind, channels, pixels, &mut numbers)).collect();
    let own = whole(label_shape[1]);
    let label = Tensor::from_f32(label_shape, labels(kind, &all)).unwrap();
    let mut output = random(shape, 3 + channels as u64);
    output =
        Tensor::from_f32(shape.to_vec(), output.f32s().unwrap().iter().map(|x| size * x).collect()).unwrap();
    Case::new(op(kind), &whole(channels), &[])
        .input(output, &whole(channels))
        .input(label, &own)
        .input(Tensor::from_f32(vec![1], vec![0.37]).unwrap(), &whole(1))
}

#[test]
fn every_shape_is_within_its_bound() {
    let Some(gpus) = gpus() else { return };
    for kind in KINDS {
        for channels in CHANNELS {
            for shape in [&[3, channels, 7, 5][..], &[2, channels], &[2, channels, 11]] {
                for size in [1.0, 25.0] {
                    case(kind, shape, size).check(&gpus, &format!("{kind:?} {shape:?} {size}"));
                }
            }
        }
        case(kind, &[1, 1000, 3, 1], 4.0).check(&gpus, &format!("{kind:?} of 1000 channels"));
    }
}

#[test]
fn some_channels_alone_are_labelled() {
    let Some(gpus) = gpus() else { return };
    for kind in [LossKind::Cosine { shortest: SHORTEST }, LossKind::Divergence, LossKind::Absolute] {
        for [channels, first, count] in [[5, 1, 3], [7, 6, 1], [33, 2, 30], [5, 0, 0]] {
            let shape = [2, channels, 4, 3];
            let mut label = random(&shape, 5).f32s().unwrap().to_vec();
            for (at, label) in label.iter_mut().enumerate() {
                if !(first..first + count).contains(&(at / 12 % channels)) {
                    *label = LossKind::UNLABELLED;
                }
            }
            Case::new(op(kind), &whole(channels), &[])
                .input(random(&shape, 4), &whole(channels))
                .input(Tensor::from_f32(shape.to_vec(), label).unwrap(), &whole(channels))
                .input(Tensor::from_f32(vec![1], vec![-1.5]).unwrap(), &whole(1))
                .check(&gpus, &format!("{kind:?} {first} {count}"));
        }
    }
}

#[test]
fn short_vectors_and_equal_numbers() {
    let Some(gpus) = gpus() else { return };
    let output = vec![0.0, 0.5e-6, 1e-6, 2e-6, 0.0, 0.0, 0.0, 1e-6, 0.0, 0.0, 0.0, 0.0];
    let label = [1.0, 0.5e-6, 0.6, 2e-6, 0.0, 0.0, 0.8, 1e-6, 0.0, 1.0, 0.0, 0.0];
    for kind in [LossKind::Cosine { shortest: SHORTEST }, LossKind::Absolute, LossKind::Square] {
        let tensor = |data: &[f32]| Tensor::from_f32(vec![1, 3, 2, 2], data.to_vec()).unwrap();
        Case::new(op(kind), &whole(3), &[])
            .input(tensor(&output), &whole(3))
            .input(tensor(&label), &whole(3))
            .input(Tensor::from_f32(vec![1], vec![0.01]).unwrap(), &whole(1))
            .check(&gpus, &format!("{kind:?} of short vectors"));
    }
}

/// An image whose outputs and labels are far from being equal, and steps of 2^-12 exact in f32.
struct Image {
    channels: usize,
    output: Vec<f32>,
    words: Vec<u32>,
}

impl Image {
    fn new(kind: LossKind, channels: usize, pixels: usize) -> Self {
        let mut numbers = Numbers(channels as u64 + 9);
        let output = (0..channels * pixels).map(|_| (numbers.float(4.0) * 256.0).round() / 256.0).collect();
        Self { channels, output, words: words(kind, channels, pixels, &mut numbers) }
    }

    fn gradient(&self, kind: LossKind, labels: Vec<f32>) -> Vec<f64> {
        let pixels = self.output.len() / self.channels;
        let label_channels = labels.len() / pixels;
        let output = Array::from_f32(vec![1, self.channels, pixels], &self.output).unwrap();
        let labels = Array::from_f32(vec![1, label_channels, pixels], &labels).unwrap();
        execute(&op(kind), &[&output, &labels, &Array::filled(vec![1], 1.0)]).unwrap().data
    }

    /// How many elements of `gradient` are not what the loss changes by.
    fn wrong(&self, task: &TaskKind, gradient: &[f64]) -> usize {
        let step = 1.0 / 4096.0_f32;
        let loss = |at: usize, by: f32| {
            let mut output = self.output.clone();
            output[at] += by;
            task.loss(&Frame { output: &output, channels: self.channels, labels: &self.words }).sum
        };
        let slope = |at| (loss(at, step) - loss(at, -step)) / (2.0 * f64::from(step));
        let far = |at: &usize| (slope(*at) - gradient[*at]).abs() > 1e-6 * (1.0 + gradient[*at].abs());
        (0..gradient.len()).filter(far).count()
    }

    fn check(&self, task: &TaskKind, mut gradient: Vec<f64>) {
        assert_eq!(self.wrong(task, &gradient), 0, "{task:?}");
        assert!(gradient.iter().any(|slope| slope.abs() > 0.01), "{task:?}: no slope at all");
        gradient.iter_mut().for_each(|slope| *slope *= 1.001);
        assert!(self.wrong(task, &gradient) > 0, "{task:?}: a wrong gradient passes");
    }
}

#[test]
fn the_reference_is_the_slope_of_the_loss() {
    for kind in KINDS {
        for channels in [1, 3, 6].into_iter().filter(|&c| c > 1 || kind != LossKind::CrossEntropy) {
            let image = Image::new(kind, channels, 9);
            let gradient = image.gradient(kind, labels(kind, &image.words));
            let unlabelled = |at: &usize| image.words[at % image.words.len()] == UNLABELLED;
            assert!((0..gradient.len()).filter(unlabelled).all(|at| gradient[at] == 0.0), "{kind:?}");
            // The cosine of one number has no slope.
            if channels > 1 || kind != (LossKind::Cosine { shortest: SHORTEST }) {
                image.check(&task(kind, channels), gradient);
            }
        }
    }
}

#[test]
fn the_reference_is_the_slope_of_an_agreement_on_some_channels() {
    for (kind, measure) in [(LossKind::Divergence, Measure::Kl), (LossKind::Absolute, Measure::L1)] {
        for [channels, first, count] in [[5, 1, 3], [4, 2, 1], [3, 0, 3]] {
            let mut image = Image::new(LossKind::Divergence, channels, 6);
            image.words.truncate(count * 6);
            let mut labels = vec![LossKind::UNLABELLED; channels * 6];
            for (label, word) in labels[first * 6..].iter_mut().zip(&image.words) {
                *label = f32::from_bits(*word);
            }
            let gradient = image.gradient(kind, labels);
            image.check(&TaskKind::Agreement(agreement(measure, first, count)), gradient);
        }
    }
}

/// The sums of the kernels of losses at outputs a little before and behind differ by what the gradient says.
#[test]
fn kernels_of_losses_change_by_what_the_gradient_says() {
    let Some([gpu, _]) = gpus() else { return };
    for kind in KINDS {
        let channels = match kind {
            LossKind::BinaryCrossEntropy { .. } => 1,
            LossKind::Cosine { .. } => 3,
            _ => 6,
        };
        let pixels = 35;
        let mut numbers = Numbers(11);
        let all: Vec<u32> = (0..2).flat_map(|_| words(kind, channels, pixels, &mut numbers)).collect();
        let mut case = loss::Case::new(task(kind, channels), &[channels], [2, 5, 7], |_, _| 0);
        case.labels = all.clone();
        case.output.iter_mut().for_each(|x| *x /= 3.0);
        let shape = vec![2, channels, 5, 7];
        let label_channels = all.len() / 2 / pixels;
        let label = Tensor::from_f32(vec![2, label_channels, 5, 7], labels(kind, &all)).unwrap();
        let gradient = Case::new(op(kind), &whole(channels), &[])
            .input(Tensor::from_f32(shape, case.output.clone()).unwrap(), &whole(channels))
            .input(label, &whole(label_channels))
            .input(Tensor::from_f32(vec![1], vec![1.0]).unwrap(), &whole(1))
            .output(&gpu);
        let at = |step: f32| -> f64 {
            let mut moved = case.clone();
            moved.output.iter_mut().zip(&gradient).for_each(|(x, slope)| *x += step * slope);
            moved.run(&gpu, 0).chunks(2).map(|pair| f64::from(pair[0])).sum()
        };
        let squares: f64 = gradient.iter().map(|slope| f64::from(*slope).powi(2)).sum();
        let step = 0.02;
        let slope = (at(step) - at(-step)) / (2.0 * f64::from(step)) / squares;
        // A few absolute values change their side.
        assert!((slope - 1.0).abs() < 0.02, "{kind:?}: the loss changes by {slope} of what it should");
    }
}
