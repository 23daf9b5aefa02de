//! Maximum and mean over windows of every shape.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use crate::node::run;
use wgpu_pagcp::graph::{Builder, Op, Padding, Pool};
use wgpu_pagcp::reference::{Array, max_pool};
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::Units;

fn pool(kernel: [usize; 2], strides: [usize; 2], margins: [usize; 4]) -> Pool {
    Pool {
        kernel,
        strides,
        pads: Padding::Explicit(margins),
        dilations: [1, 1],
        ceil_mode: false,
        count_include_pad: false,
    }
}

pub fn windows() -> Vec<Pool> {
    let same = |pads, kernel, strides| Pool { pads, ..pool(kernel, strides, [0; 4]) };
    vec![
        pool([1, 1], [1, 1], [0; 4]),
        pool([2, 2], [2, 2], [0; 4]),
        pool([3, 3], [2, 2], [1; 4]),
        pool([3, 2], [1, 2], [2, 0, 1, 1]),
        Pool { ceil_mode: true, ..pool([3, 3], [2, 2], [0; 4]) },
        Pool { ceil_mode: true, count_include_pad: true, ..pool([2, 3], [2, 2], [1, 1, 0, 2]) },
        Pool { count_include_pad: true, ..pool([3, 3], [1, 1], [1, 2, 0, 1]) },
        Pool { dilations: [2, 3], ..pool([2, 2], [1, 1], [1, 1, 1, 2]) },
        same(Padding::SameUpper, [2, 2], [2, 2]),
        same(Padding::SameLower, [3, 4], [2, 3]),
        pool([5, 5], [1, 1], [2; 4]),
        pool([9, 9], [1, 1], [4; 4]),
        pool([13, 13], [1, 1], [6; 4]),
    ]
}

#[test]
fn every_window_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (i, (cut, keep)) in cuts(channels).into_iter().enumerate() {
            for window in windows().into_iter().skip(i % 2).step_by(2) {
                for op in [Op::MaxPool(window.clone()), Op::AveragePool(window.clone())] {
                    let label = format!("{op:?}");
                    let case = Case::new(op, &cut, &keep);
                    case.input(random(&[3, channels, 7, 5], 1), &cut).check(&gpus, &label);
                }
            }
        }
    }
}

#[test]
fn single_pixels() {
    let Some(gpus) = gpus() else { return };
    for count_include_pad in [false, true] {
        let window = Pool { count_include_pad, ..pool([3, 3], [2, 2], [1; 4]) };
        for op in [Op::MaxPool(window.clone()), Op::AveragePool(window)] {
            let case = Case::new(op, &whole(5), &[]).input(random(&[2, 5, 1, 1], 1), &whole(5));
            case.check(&gpus, "single pixel");
        }
    }
}

#[test]
fn padding_never_wins_a_maximum() {
    let Some(gpus) = gpus() else { return };
    let negative: Vec<f32> =
        random(&[1, 2, 3, 3], 1).f32s().unwrap().iter().map(|v| -v.abs() - 1.0).collect();
    let tensor = Tensor::from_f32(vec![1, 2, 3, 3], negative).unwrap();
    let case = Case::new(Op::MaxPool(pool([3, 3], [1, 1], [1; 4])), &whole(2), &[]);
    case.input(tensor.clone(), &whole(2)).check(&gpus, "negative");
}

/// A network that breaks must not look sound: what is not a number wins every maximum.
#[test]
fn what_is_not_a_number_wins_every_maximum() {
    let Some(gpus) = gpus() else { return };
    let mut b = Builder::new("broken");
    let x = b.image("x", [5, 6, 4]);
    let y = b.max_pool(x, pool([3, 2], [1, 1], [1, 0, 1, 1]));
    b.output(y, "y");
    let graph = b.finish().unwrap();
    let units = Units { segments: vec![Vec::new(); 2], ..Units::default() };
    let sound = random(&[1, 5, 6, 4], 3);
    for (at, broken) in [(24 + 6, f32::NAN), (3 * 24 + 9, -f32::NAN), (50, f32::INFINITY)] {
        let mut values = sound.f32s().unwrap().to_vec();
        values[at] = broken;
        let given = Tensor::from_f32(vec![1, 5, 6, 4], values).unwrap();
        let expected = max_pool(&pool([3, 2], [1, 1], [1, 0, 1, 1]), &Array::from(&given));
        assert!(expected.data.iter().filter(|v| !v.is_finite()).count() >= 4);
        for gpu in &gpus {
            let found = run(gpu, &graph, &units, &[], &[(x, &given)]);
            for (i, (&found, &expected)) in found.iter().zip(&expected.data).enumerate() {
                let same = f64::from(found) == expected || (found.is_nan() && expected.is_nan());
                assert!(same, "element {i} is {found}, expected {expected}");
            }
        }
    }
}
