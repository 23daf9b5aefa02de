//! Activations: every function, every layout.

use crate::case::{CHANNELS, Case, cuts, random};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Activation, Op};
use wgpu_pagcp::tensor::Tensor;

/// Functions of all numbers.
pub const ACTIVATIONS: [Activation; 22] = [
    Activation::None,
    Activation::Relu,
    Activation::LeakyRelu { alpha: 0.1 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Clip { min: -0.5, max: 1.5 },
    Activation::Clip { min: 0.25, max: f32::INFINITY },
    Activation::HardSwish,
    Activation::Silu,
    Activation::Elu { alpha: 0.75 },
    Activation::Elu { alpha: -2.0 },
    Activation::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
    Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
    Activation::HardSigmoid { alpha: -3.0, beta: 1.25 },
    Activation::Mish,
    Activation::Softplus,
    Activation::Gelu { tanh: false },
    Activation::Gelu { tanh: true },
    Activation::Erf,
    Activation::Abs,
    Activation::Neg,
    Activation::Exp,
];

/// Functions of positive numbers.
pub const OF_POSITIVE: [Activation; 3] = [Activation::Log, Activation::Sqrt, Activation::Reciprocal];

#[test]
fn every_activation_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (cut, keep) in cuts(channels) {
            for (j, activation) in ACTIVATIONS.into_iter().enumerate() {
                let shape = [[3, channels, 7, 5], [1, channels, 1, 1]][(i + j) % 2];
                let case = Case::new(Op::Activation(activation), &cut, &keep);
                let case = case.input(random(&shape, j as u64), &cut);
                case.check(&gpus, activation.name());
            }
        }
    }
}

#[test]
fn functions_of_positive_numbers() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (cut, keep) in cuts(channels) {
            for activation in OF_POSITIVE {
                let sizes = random(&[3, channels, 7, 5], i as u64);
                let positive = sizes.f32s().unwrap().iter().map(|x| x * x * x.abs() + 1e-6).collect();
                let positive = Tensor::from_f32(sizes.shape().to_vec(), positive).unwrap();
                let case = Case::new(Op::Activation(activation), &cut, &keep).input(positive, &cut);
                case.check(&gpus, activation.name());
            }
        }
    }
}

#[test]
fn the_error_function_is_good_everywhere() {
    let Some(gpus) = gpus() else { return };
    let values: Vec<f32> = (-4800..4800).map(|i| i as f32 / 800.0).collect();
    let tensor = Tensor::from_f32(vec![1, 1, 1, values.len()], values).unwrap();
    for activation in [Activation::Erf, Activation::Gelu { tanh: false }, Activation::Gelu { tanh: true }] {
        let case = Case::new(Op::Activation(activation), &vec![(1, None)], &[]);
        case.input(tensor.clone(), &vec![(1, None)]).check(&gpus, activation.name());
    }
}

#[test]
fn extreme_arguments_saturate() {
    let Some(gpus) = gpus() else { return };
    let values = [-1e30, -1000.0, -100.0, -87.5, -30.0, -17.0, -9.0, -3.0, -1e-3, -0.0, 0.0];
    let values: Vec<f32> = values.into_iter().flat_map(|value: f32| [value, -value]).collect();
    let tensor = Tensor::from_f32(vec![1, 1, 1, values.len()], values).unwrap();
    for activation in ACTIVATIONS.into_iter().filter(|activation| *activation != Activation::Exp) {
        let case = Case::new(Op::Activation(activation), &vec![(1, None)], &[]);
        case.input(tensor.clone(), &vec![(1, None)]).check(&gpus, activation.name());
    }
}

#[test]
fn other_ranks() {
    let Some(gpus) = gpus() else { return };
    for shape in [&[5][..], &[3, 5], &[2, 5, 6], &[2, 5, 3, 2, 4]] {
        let cut = vec![(5, None)];
        let case = Case::new(Op::Activation(Activation::Relu), &cut, &[]).input(random(shape, 3), &cut);
        case.check(&gpus, &format!("{shape:?}"));
    }
}

#[test]
fn more_rows_than_indices_divide_by_are_refused() {
    let Some(gpus) = gpus() else { return };
    let case = Case::new(Op::Activation(Activation::Relu), &vec![(1, None)], &[]);
    assert_eq!(
        case.input(random(&[1 << 21, 1], 1), &vec![(1, None)]).refusal(&gpus[0]),
        "value out: expected fewer than 2097152 rows in all images, found 2097152"
    );
}
