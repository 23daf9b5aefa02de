//! Batch normalisation by the batch's own moments and its gradients.

use crate::case::{CHANNELS, Case, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, BatchNorm, Op, Training};
use wgpu_pagcp::plan::DeviceClass;
use wgpu_pagcp::reference::{Array, bound, execute};
use wgpu_pagcp::tensor::Tensor;

/// All that can follow a batch normalisation.
const ACTIVATIONS: [Activation; 12] = [
    Activation::None,
    Activation::Relu,
    Activation::LeakyRelu { alpha: 0.1 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Clip { min: -0.5, max: 1.5 },
    Activation::HardSwish,
    Activation::Silu,
    Activation::Elu { alpha: 0.75 },
    Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
    Activation::Mish,
    Activation::Gelu { tanh: false },
];

/// Images, rows and columns.
const SHAPES: [[usize; 3]; 4] = [[3, 7, 5], [3, 1, 1], [1, 9, 11], [2, 25, 31]];

/// What a normalisation and its gradients are given.
struct Given {
    x: Tensor,
    moments: Tensor,
    scale: Tensor,
    shift: Tensor,
    dy: Tensor,
}

impl Given {
    fn new(x: Tensor) -> Self {
        let moments = execute(&Op::Training(Training::BatchMoments), &[&Array::from(&x)]).unwrap();
        let channels = x.shape()[1];
        let (scale, shift) = (random(&[channels], 5), random(&[channels], 6));
        Self { moments: moments.to_tensor(), scale, shift, dy: random(x.shape(), 7), x }
    }

    fn random([images, height, width]: [usize; 3], channels: usize, seed: u64) -> Self {
        Self::new(random(&[images, channels, height, width], seed))
    }

    fn sums(&self, op: BatchNorm) -> Tensor {
        let inputs = [&self.x, &self.moments, &self.scale, &self.shift, &self.dy].map(Array::from);
        let inputs: Vec<&Array> = inputs.iter().collect();
        execute(&Op::Training(Training::BatchNormSums(op)), &inputs).unwrap().to_tensor()
    }

    /// A case of `op` with the inputs that follow `x, moments, scale, shift`.
    fn case(&self, op: Training, rest: &[&Tensor], constant: bool) -> Case {
        let cut = whole(self.x.shape()[1]);
        let mut case = Case::new(Op::Training(op), &cut, &[]).lanes_are_poisoned();
        case = case.input(self.x.clone(), &cut).input(self.moments.clone(), &cut);
        for vector in [&self.scale, &self.shift] {
            case = match constant {
                true => case.constant(vector.clone(), 0, &cut),
                false => case.input(vector.clone(), &cut),
            };
        }
        rest.iter().fold(case, |case, &tensor| case.input(tensor.clone(), &cut))
    }

    /// Checks the normalisation, its sums and the gradient of `x`.
    fn check(&self, gpus: &[Gpu; 2], op: BatchNorm, constant: bool) {
        let label = format!("{:?} {:?} {constant}", op.activation, self.x.shape());
        for addend in [&[][..], &[&self.dy]] {
            let output = self.case(Training::BatchNorm(op), addend, constant);
            output.check(gpus, &format!("output {label} and {} addends", addend.len()));
        }
        let sums = self.case(Training::BatchNormSums(op), &[&self.dy], constant);
        sums.check(gpus, &format!("sums {label}"));
        let sums = self.sums(op);
        let input = self.case(Training::BatchNormInput(op), &[&sums, &self.dy], constant);
        input.check(gpus, &format!("input {label}"));
    }
}

fn op(activation: Activation) -> BatchNorm {
    BatchNorm { epsilon: 1e-3, activation }
}

fn moments(x: Tensor) -> Case {
    let cut = whole(x.shape()[1]);
    Case::new(Op::Training(Training::BatchMoments), &cut, &[]).input(x, &cut).lanes_are_poisoned()
}

fn mapped(tensor: &Tensor, f: impl Fn(f32) -> f32) -> Tensor {
    let values = tensor.f32s().unwrap().iter().map(|&x| f(x)).collect();
    Tensor::from_f32(tensor.shape().to_vec(), values).unwrap()
}

/// The devices, as every class of kernels that there is.
fn classes(gpus: &[Gpu; 2]) -> [[Gpu; 2]; 3] {
    let of = |class| gpus.clone().map(|gpu| gpu.with_class(class));
    [of(DeviceClass::Gpu), of(DeviceClass::Portable), gpus.clone()]
}

#[test]
fn moments_of_every_shape() {
    let Some(gpus) = gpus() else { return };
    for gpus in classes(&gpus) {
        for channels in CHANNELS {
            for [images, height, width] in SHAPES {
                moments(random(&[images, channels, height, width], 1)).check(&gpus, "moments");
            }
        }
        moments(random(&[9, 5, 61, 37], 1)).check(&gpus, "many");
        for shape in [&[70, 6][..], &[3, 6, 5], &[2, 6, 3, 4, 5]] {
            moments(random(shape, 2)).check(&gpus, &format!("{shape:?}"));
        }
    }
}

#[test]
fn a_large_mean_costs_no_variance() {
    let Some(gpus) = gpus() else { return };
    for gpus in classes(&gpus) {
        let x = mapped(&random(&[4, 3, 40, 40], 3), |x| 1000.0 + x / 1.732);
        let found = moments(x.clone()).output(&gpus[0]);
        for variance in &found[3..] {
            assert!((variance - 1.0).abs() < 0.05, "{found:?}");
        }
        let expected = execute(&Op::Training(Training::BatchMoments), &[&Array::from(&x)]).unwrap();
        for (found, expected) in found.iter().zip(&expected.data) {
            let distance = (f64::from(*found) - expected).abs() / expected;
            assert!(distance < 1e-5, "{found} instead of {expected}");
        }
        moments(x.clone()).check(&gpus, "far from 0");
        Given::new(x).check(&gpus, op(Activation::Relu), true);
    }
}

#[test]
fn a_constant_channel_has_no_variance() {
    let Some(gpus) = gpus() else { return };
    for value in [0.0, 0.1, 1000.1] {
        let x = mapped(&random(&[3, 5, 12, 25], 1), |_| value);
        let found = moments(x.clone()).output(&gpus[0]);
        assert_eq!(found, [[value; 5], [0.0; 5]].concat());
        Given::new(x).check(&gpus, op(Activation::None), true);
    }
}

#[test]
fn every_activation_on_every_shape() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (j, activation) in ACTIVATIONS.into_iter().enumerate() {
            let given = Given::random(SHAPES[(i + j) % 4], channels, j as u64);
            given.check(&gpus, op(activation), (i + j) % 3 > 0);
        }
    }
}

#[test]
fn other_classes_and_ranks() {
    let Some(gpus) = gpus() else { return };
    for gpus in classes(&gpus) {
        for shape in [&[70, 6][..], &[3, 6, 5], &[2, 6, 3, 4, 5], &[2, 7, 45, 61]] {
            Given::new(random(shape, 4)).check(&gpus, op(Activation::Silu), true);
        }
    }
}

#[test]
fn what_does_not_end_sums_is_refused() {
    let Some(gpus) = gpus() else { return };
    let given = Given::random([1, 2, 2], 3, 1);
    let refusal = given.case(Training::BatchNorm(op(Activation::Exp)), &[], true).refusal(&gpus[0]);
    assert!(refusal.contains("does not follow batch normalisations"), "{refusal}");
}

#[test]
fn an_error_of_one_in_a_thousand_is_noticed() {
    let given = Given::random([3, 7, 5], 5, 1);
    for activation in ACTIVATIONS {
        let op = op(activation);
        let sums = given.sums(op);
        let base = [&given.x, &given.moments, &given.scale, &given.shift].map(Array::from).to_vec();
        let [sums, dy] = [&sums, &given.dy].map(Array::from);
        for (op, rest) in [
            (Training::BatchNorm(op), vec![]),
            (Training::BatchNorm(op), vec![dy.clone()]),
            (Training::BatchNormSums(op), vec![dy.clone()]),
            (Training::BatchNormInput(op), vec![sums, dy]),
        ] {
            let inputs: Vec<&Array> = base.iter().chain(&rest).collect();
            let bounded = bound(&Op::Training(op.clone()), &inputs).unwrap();
            let wrong: Vec<f32> = bounded.expected.data.iter().map(|&x| (x * (1.0 + 1e-3)) as f32).collect();
            assert!(bounded.worst(&wrong).unwrap().1 > 1.0, "{} accepts it: {activation:?}", op.name());
        }
    }
}
