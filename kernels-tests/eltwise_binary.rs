//! Functions of two values under every kind of broadcasting.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Binary, Op};
use wgpu_pagcp::tensor::Tensor;

const OPERATIONS: [Binary; 8] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Min,
    Binary::Max,
    Binary::Equal,
    Binary::Pow,
];

/// Bases and divisors away from 0.
fn positive(shape: &[usize], seed: u64) -> Tensor {
    let values = random(shape, seed).f32s().unwrap().iter().map(|x| x.abs() + 0.125).collect();
    Tensor::from_f32(shape.to_vec(), values).unwrap()
}

/// Left and right operands that every operation is defined for, some of them equal.
fn operands(binary: Binary, [left, right]: [&[usize]; 2]) -> [Tensor; 2] {
    let rounded = |shape: &[usize], seed| {
        let values = random(shape, seed).f32s().unwrap().iter().map(|x| x.round()).collect();
        Tensor::from_f32(shape.to_vec(), values).unwrap()
    };
    match binary {
        Binary::Pow => [positive(left, 1), random(right, 2)],
        Binary::Div => [random(left, 1), positive(right, 2)],
        Binary::Equal => [rounded(left, 1), rounded(right, 2)],
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Min | Binary::Max | Binary::PRelu => {
            [random(left, 1), random(right, 2)]
        }
    }
}

#[test]
fn operands_of_one_shape() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for binary in OPERATIONS.into_iter().chain([Binary::PRelu]) {
                let shape = [3, channels, 7, 5];
                let [left, right] = operands(binary, [&shape, &shape]);
                let case = Case::new(Op::Binary(binary), &cut, &keep).input(left, &cut).input(right, &cut);
                case.check(&gpus, &format!("{binary:?}"));
            }
        }
    }
}

#[test]
fn computed_operands_are_broadcast_on_either_side() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        let shapes: [[usize; 4]; 6] = [
            [3, channels, 1, 1],
            [3, 1, 7, 5],
            [3, 1, 1, 1],
            [1, channels, 7, 5],
            [3, channels, 7, 1],
            [1, channels, 1, 5],
        ];
        for (cut, keep) in cuts(channels) {
            for (j, shape) in shapes.into_iter().enumerate() {
                let other: Cut = if shape[1] == 1 && channels > 1 { whole(1) } else { cut.clone() };
                let full = [3, channels, 7, 5];
                let binary = OPERATIONS[(i + j) % OPERATIONS.len()];
                let case = Case::new(Op::Binary(binary), &cut, &keep);
                let [a, b] = operands(binary, [&full, &shape]);
                let right = case.clone().input(a, &cut).input(b, &other);
                let [a, b] = operands(binary, [&shape, &full]);
                let left = case.input(a, &other).input(b, &cut);
                right.check(&gpus, &format!("full with {shape:?}"));
                left.check(&gpus, &format!("{shape:?} with full"));
            }
        }
    }
}

#[test]
fn constants_of_lower_rank() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        let shapes: [(Vec<usize>, Option<usize>); 8] = [
            (vec![], None),
            (vec![1], None),
            (vec![5], None),
            (vec![7, 1], None),
            (vec![channels, 1, 1], Some(0)),
            (vec![1, channels, 1, 1], Some(1)),
            (vec![1, 1, 7, 5], None),
            (vec![3, channels, 7, 5], Some(1)),
        ];
        for (cut, keep) in cuts(channels) {
            for (j, (shape, axis)) in shapes.iter().enumerate() {
                let constant_cut = if axis.is_some() { cut.clone() } else { Cut::new() };
                let binary = OPERATIONS[(i + j) % OPERATIONS.len()];
                let [left, right] = operands(binary, [&[3, channels, 7, 5], shape]);
                let case = Case::new(Op::Binary(binary), &cut, &keep).input(left, &cut).constant(
                    right,
                    axis.unwrap_or(0),
                    &constant_cut,
                );
                case.check(&gpus, &format!("constant {shape:?}"));
            }
        }
    }
}

#[test]
fn vectors_and_joined_axes() {
    let Some(gpus) = gpus() else { return };
    for (shape, other) in [
        (&[3, 6][..], &[6][..]),
        (&[3, 6], &[3, 1]),
        (&[6], &[1]),
        (&[2, 6, 4], &[4]),
        (&[2, 6, 3, 2, 4], &[6, 1, 1, 1]),
        (&[2, 6, 3, 2, 4], &[3, 2, 1]),
    ] {
        let case = Case::new(Op::Binary(Binary::Add), &whole(6), &[]);
        let case = case.input(random(shape, 1), &whole(6)).constant(random(other, 2), 0, &Cut::new());
        case.check(&gpus, &format!("{shape:?} with {other:?}"));
    }
}

#[test]
fn slopes_of_every_shape() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for (shape, axis) in [(vec![1], None), (vec![channels, 1, 1], Some(0)), (vec![7, 5], None)] {
                let constant_cut = if axis.is_some() { cut.clone() } else { Cut::new() };
                let case = Case::new(Op::Binary(Binary::PRelu), &cut, &keep)
                    .input(random(&[2, channels, 7, 5], 1), &cut)
                    .constant(random(&shape, 2), axis.unwrap_or(0), &constant_cut);
                case.check(&gpus, &format!("slope {shape:?}"));
            }
        }
    }
}

#[test]
fn powers_of_either_sign() {
    let Some(gpus) = gpus() else { return };
    for exponent in [-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0] {
        let exponent = Tensor::from_f32(vec![], vec![exponent]).unwrap();
        let whole_exponent = exponent.f32s().unwrap()[0].fract() == 0.0;
        let base = if whole_exponent { random(&[2, 5, 3, 3], 1) } else { positive(&[2, 5, 3, 3], 1) };
        let case = Case::new(Op::Binary(Binary::Pow), &whole(5), &[]);
        case.input(base, &whole(5)).constant(exponent, 0, &Cut::new()).check(&gpus, "power");
    }
}

#[test]
fn not_a_number_survives_extremes() {
    let Some(gpus) = gpus() else { return };
    let tensor = |values: &[f32]| Tensor::from_f32(vec![1, 1, 1, 4], values.to_vec()).unwrap();
    for binary in [Binary::Min, Binary::Max] {
        let case = Case::new(Op::Binary(binary), &whole(1), &[])
            .input(tensor(&[1.0, f32::NAN, 2.0, f32::NAN]), &whole(1))
            .input(tensor(&[2.0, 1.0, f32::NAN, f32::NAN]), &whole(1));
        let found = case.output(&gpus[0]);
        let nan: Vec<bool> = found.iter().map(|x| x.is_nan()).collect();
        assert_eq!(nan, [false, true, true, true], "{binary:?}: {found:?}");
    }
}

#[test]
fn other_ranks_and_middle_axes() {
    let Some(gpus) = gpus() else { return };
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[2, 6, 3, 4], &[6, 1, 1]),
        (&[2, 6, 3, 4], &[3, 4]),
        (&[2, 6, 3, 4], &[4]),
        (&[2, 6, 3, 2, 4], &[1, 6, 3, 1, 4]),
        (&[2, 6, 3, 2, 4], &[2, 1, 1, 2, 1]),
        (&[2, 6, 3, 2, 4, 3], &[6, 3, 1, 4, 1]),
        (&[2, 6, 3, 2, 4, 3], &[2, 6, 1, 2, 1, 3]),
        (&[5, 6], &[6]),
        (&[2, 1, 6], &[5, 1]),
    ];
    for (i, (full, small)) in shapes.into_iter().enumerate() {
        let binary = OPERATIONS[i % 4];
        let cut = |shape: &[usize]| whole(if shape.len() > 1 { shape[1] } else { shape[0] });
        let output = whole(if full[1] == 1 { small[0] } else { full[1] });
        for swapped in [false, true] {
            let [a, b] = if swapped { [small, full] } else { [full, small] };
            let [left, right] = operands(binary, [a, b]);
            let case = Case::new(Op::Binary(binary), &output, &[]).input(left, &cut(a)).input(right, &cut(b));
            case.check(&gpus, &format!("{a:?} with {b:?}"));
        }
    }
}

#[test]
fn prunable_channels_that_are_read_along_another_axis_are_named() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(6, Some((0, 1)))];
    let refusal = Case::new(Op::Binary(Binary::Add), &cut, &[])
        .input(random(&[2, 6, 3, 6], 1), &cut)
        .input(random(&[3, 6], 2), &cut)
        .refusal(&gpus[0]);
    let expected =
        "node node (Add): channel 0 of the output lives without channel 0 of the input, which it reads";
    assert_eq!(refusal, expected);
}
