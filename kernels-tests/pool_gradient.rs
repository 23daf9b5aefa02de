//! Gradients of maxima and means over windows of every shape.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use crate::pool::windows;
use wgpu_pagcp::graph::{Op, Pool, Training};
use wgpu_pagcp::tensor::Tensor;

/// Numbers of which many are equal.
fn ties(shape: &[usize], seed: u64) -> Tensor {
    let numbers = random(shape, seed).f32s().unwrap().iter().map(|v| v.round()).collect();
    Tensor::from_f32(shape.to_vec(), numbers).unwrap()
}

/// The gradients of both pools over `window` for images of `shape`, with as many windows.
fn gradients(window: &Pool, shape: [usize; 4]) -> ([Op; 2], Vec<usize>) {
    let size = [shape[2], shape[3]];
    let [height, width] = window.window().output(size).unwrap();
    let average = Training::AveragePool { pool: window.clone(), size };
    let ops = [Training::MaxPool(window.clone()), average].map(Op::Training);
    (ops, vec![shape[0], shape[1], height, width])
}

fn wide() -> impl Iterator<Item = Pool> {
    let dilated = Pool { strides: [4, 6], dilations: [6, 4], ..windows().remove(10) };
    let apart = Pool { strides: [3, 4], ..windows().remove(1) };
    windows().into_iter().chain([dilated, apart])
}

#[test]
fn every_window_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (i, (cut, keep)) in cuts(channels).into_iter().enumerate() {
            for window in wide().skip(i % 2).step_by(2) {
                let shape = [3, channels, 25, 28];
                let shape = if window.dilations[0] > 3 { shape } else { [3, channels, 7, 5] };
                let ([max, average], windows) = gradients(&window, shape);
                let (x, dy) = (ties(&shape, 1), random(&windows, 2));
                let label = format!("{window:?}");
                let case = Case::new(max, &cut, &keep).input(x, &cut).input(dy.clone(), &cut);
                case.check(&gpus, &label);
                Case::new(average, &cut, &keep).input(dy, &cut).check(&gpus, &label);
            }
        }
    }
}

#[test]
fn single_pixels() {
    let Some(gpus) = gpus() else { return };
    for window in windows().into_iter().filter(|window| window.window().output([1, 1]).is_some()) {
        let ([max, average], windows) = gradients(&window, [3, 5, 1, 1]);
        let (x, dy) = (random(&[3, 5, 1, 1], 1), random(&windows, 2));
        let label = format!("{window:?}");
        let case = Case::new(max, &whole(5), &[]).input(x, &whole(5)).input(dy.clone(), &whole(5));
        case.check(&gpus, &label);
        Case::new(average, &whole(5), &[]).input(dy, &whole(5)).check(&gpus, &label);
    }
}

/// All elements of a window being equal, even minus infinity, the first one has it all.
#[test]
fn the_first_of_equals_has_it_all() {
    let Some(gpus) = gpus() else { return };
    for value in [0.0, f32::NEG_INFINITY, f32::INFINITY, -0.0] {
        for window in wide().filter(|window| window.dilations[0] <= 3) {
            let ([max, _], windows) = gradients(&window, [1, 3, 7, 5]);
            let x = Tensor::from_f32(vec![1, 3, 7, 5], vec![value; 105]).unwrap();
            let case = Case::new(max, &whole(3), &[]).input(x, &whole(3));
            case.input(random(&windows, 2), &whole(3)).check(&gpus, &format!("{value} {window:?}"));
        }
    }
}

#[test]
fn gradients_of_another_size_and_huge_windows_are_refused() {
    let Some([gpu, _]) = gpus() else { return };
    let window = windows().remove(1);
    let ([max, average], _) = gradients(&window, [1, 3, 8, 6]);
    let dy = || random(&[1, 3, 4, 4], 1);
    let case = Case::new(max, &whole(3), &[]).input(random(&[1, 3, 8, 6], 1), &whole(3));
    let refusal = case.input(dy(), &whole(3)).refusal(&gpu);
    assert!(refusal.contains("a gradient of Some([4, 3]) windows, found [4, 4]"), "{refusal}");
    let refusal = Case::new(average, &whole(3), &[]).input(dy(), &whole(3)).refusal(&gpu);
    assert!(refusal.contains("a gradient of [4, 3] pixels, found [4, 4]"), "{refusal}");
    let whole_image = Pool { kernel: [256, 256], strides: [1, 1], ..window };
    let ([max, _], windows) = gradients(&whole_image, [1, 1, 256, 256]);
    let case = Case::new(max, &whole(1), &[]).input(random(&[1, 1, 256, 256], 1), &whole(1));
    let refusal = case.input(random(&windows, 1), &whole(1)).refusal(&gpu);
    assert!(refusal.contains("fewer than 65535 taps, found 65536"), "{refusal}");
}
