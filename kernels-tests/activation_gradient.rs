//! Gradients of pointwise functions.

use crate::case::{CHANNELS, Case, random, whole};
use crate::eltwise_unary::{ACTIVATIONS, OF_POSITIVE};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Activation, Op, Training};
use wgpu_pagcp::reference::{Array, activate, bound};
use wgpu_pagcp::tensor::Tensor;

const FROM_OUTPUT: [Activation; 8] = [
    Activation::None,
    Activation::Relu,
    Activation::LeakyRelu { alpha: 0.1 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Clip { min: -0.5, max: 1.5 },
    Activation::Clip { min: 0.0, max: 6.0 },
    Activation::Elu { alpha: 0.75 },
];

const SHAPES: [[usize; 3]; 4] = [[3, 7, 5], [1, 1, 1], [3, 1, 1], [1, 9, 11]];

fn gradient(of: Activation, from_output: bool) -> Op {
    Op::Training(Training::Activation { of, from_output })
}

fn case(of: Activation, from_output: bool, v: Tensor) -> Case {
    let cut = whole(v.shape()[usize::from(v.shape().len() > 1)]);
    let dy = random(v.shape(), 77);
    Case::new(gradient(of, from_output), &cut, &[]).input(dy, &cut).input(v, &cut).lanes_are_poisoned()
}

fn mapped(tensor: &Tensor, f: impl Fn(f32) -> f32) -> Tensor {
    let values = tensor.f32s().unwrap().iter().map(|&x| f(x)).collect();
    Tensor::from_f32(tensor.shape().to_vec(), values).unwrap()
}

#[test]
fn every_activation_from_its_input() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (j, of) in ACTIVATIONS.into_iter().enumerate() {
            let [images, height, width] = SHAPES[(i + j) % 4];
            let v = random(&[images, channels, height, width], j as u64);
            case(of, false, v).check(&gpus, of.name());
        }
        for of in OF_POSITIVE {
            let v = mapped(&random(&[2, channels, 7, 5], 5), |x| x.abs() + 0.01);
            case(of, false, v).check(&gpus, of.name());
        }
    }
}

#[test]
fn activations_from_their_outputs() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (j, of) in FROM_OUTPUT.into_iter().enumerate() {
            let [images, height, width] = SHAPES[(i + j) % 4];
            let x = random(&[images, channels, height, width], j as u64);
            let y = mapped(&x, |x| activate(of, f64::from(x)) as f32);
            case(of, true, y).check(&gpus, of.name());
        }
    }
}

#[test]
fn kinks_and_extremes() {
    let Some(gpus) = gpus() else { return };
    let sizes = [0.0f32, 1e-3, 0.5, 1.5, 3.0, 6.0, 9.0, 17.0, 30.0, 87.5, 100.0, 1000.0, 1e30];
    let values: Vec<f32> = sizes.into_iter().flat_map(|value| [value, -value]).collect();
    let tensor = Tensor::from_f32(vec![1, 1, 1, values.len()], values).unwrap();
    for of in ACTIVATIONS.into_iter().filter(|of| *of != Activation::Exp) {
        case(of, false, tensor.clone()).check(&gpus, of.name());
    }
    for of in FROM_OUTPUT {
        let y = mapped(&tensor, |x| activate(of, f64::from(x)) as f32);
        case(of, true, y).check(&gpus, of.name());
    }
}

#[test]
fn other_ranks_and_large_maps() {
    let Some(gpus) = gpus() else { return };
    for shape in [&[5][..], &[3, 5], &[2, 5, 6], &[2, 5, 3, 2, 4], &[2, 3, 61, 97]] {
        case(Activation::Silu, false, random(shape, 3)).check(&gpus, &format!("{shape:?}"));
    }
}

#[test]
fn outputs_that_do_not_tell_are_refused() {
    let Some(gpus) = gpus() else { return };
    for of in [Activation::Silu, Activation::LeakyRelu { alpha: -0.5 }, Activation::Elu { alpha: -2.0 }] {
        let refusal = case(of, true, random(&[1, 3, 2, 2], 1)).refusal(&gpus[0]);
        assert!(refusal.contains("does not tell its derivative"), "{refusal}");
    }
    let cut = vec![(5, Some((0, 1)))];
    let x = random(&[1, 5, 2, 2], 1);
    let pruned =
        Case::new(gradient(Activation::Relu, true), &cut, &[3]).input(x.clone(), &cut).input(x, &cut);
    assert!(pruned.refusal(&gpus[0]).contains("must have its channels whole"));
}

#[test]
fn a_slightly_wrong_derivative_is_noticed() {
    let v = Array::from(&random(&[1, 3, 7, 5], 1));
    let dy = Array::filled(v.shape.clone(), 1.0);
    for of in ACTIVATIONS {
        let bounded = bound(&gradient(of, false), &[&dy, &v]).unwrap();
        let wrong: Vec<f32> = bounded.expected.data.iter().map(|&x| x as f32 + 1e-4).collect();
        assert!(bounded.worst(&wrong).unwrap().1 > 1.0, "{of:?} accepts an error of 1e-4");
    }
}
