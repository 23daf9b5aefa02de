//! Sums, means, maxima, norms and indices of maxima over every kind of axes.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{ArgMax, Op, Reduce, Reduction};
use wgpu_pagcp::tensor::Tensor;

const REDUCTIONS: [Reduction; 4] = [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::L2];

fn reduce(reduction: Reduction, axes: &[usize], keep_dims: bool) -> Op {
    Op::Reduce(Reduce { reduction, axes: axes.to_vec(), keep_dims })
}

/// All reductions along `axes`, and the indices of the maximum where there is one axis.
fn operators(axes: &[usize], keep_dims: bool) -> Vec<Op> {
    let mut all: Vec<Op> =
        REDUCTIONS.into_iter().map(|reduction| reduce(reduction, axes, keep_dims)).collect();
    if let &[axis] = axes {
        all.extend([false, true].map(|last| Op::ArgMax(ArgMax { axis, keep_dims, last })));
    }
    all
}

#[test]
fn every_channel_by_itself() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (cut, keep) in cuts(channels) {
            for (axes, keep_dims) in [
                (&[2, 3][..], true),
                (&[2, 3], false),
                (&[2], true),
                (&[3], false),
                (&[0], true),
                (&[0, 3], true),
                (&[], true),
            ] {
                let all = operators(axes, keep_dims);
                let op = all[i % all.len()].clone();
                let label = format!("{op:?}");
                let case = Case::new(op, &cut, &keep).input(random(&[3, channels, 7, 5], 1), &cut);
                case.check(&gpus, &label);
            }
        }
    }
}

#[test]
fn live_channels() {
    let Some(gpus) = gpus() else { return };
    for (i, channels) in CHANNELS.into_iter().enumerate() {
        for (cut, keep) in cuts(channels) {
            for axes in [&[1][..], &[1, 2], &[1, 3], &[0, 1], &[1, 2, 3]] {
                let all = operators(axes, true);
                let op = all[i % all.len()].clone();
                let label = format!("{op:?}");
                let case = Case::new(op, &whole(1), &keep).input(random(&[3, channels, 7, 5], 1), &cut);
                case.check(&gpus, &label);
            }
        }
    }
}

#[test]
fn live_channels_and_the_axis_itself_go() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(4, None), (9, Some((0, 1)))];
    let shape = [3, 13, 7, 5];
    for (axes, left) in [(&[1][..], 7), (&[1, 2], 5), (&[0, 1], 5), (&[1, 2, 3], 3), (&[0, 1, 2, 3], 1)] {
        let output = if shape.len() - axes.len() < 2 { 0 } else { 1 };
        for op in operators(axes, false) {
            let label = format!("{op:?}");
            let case = Case::new(op, &whole(left), &[5]).input(random(&shape, 1), &cut);
            case.output_along(output).check(&gpus, &label);
        }
    }
}

#[test]
fn channels_in_other_axes() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(6, Some((0, 1)))];
    for (shape, axis, axes, keep_dims, output) in [
        (&[2, 5, 6][..], 2, &[1][..], false, 1),
        (&[2, 5, 6], 2, &[1], true, 2),
        (&[2, 5, 6], 2, &[0], false, 1),
        (&[2, 6, 5, 3], 1, &[0], false, 0),
        (&[2, 3, 6, 4, 2], 2, &[1, 4], false, 1),
        (&[2, 3, 6, 4, 2, 3], 2, &[1, 3, 5], true, 2),
        (&[6, 3], 0, &[1], false, 0),
    ] {
        for op in operators(axes, keep_dims) {
            let label = format!("{op:?} of {shape:?}");
            let case = Case::new(op, &cut, &[4]).input_along(random(shape, 1), axis, &cut);
            case.output_along(output).check(&gpus, &label);
        }
    }
    for op in operators(&[2], true) {
        let label = format!("{op:?} over channels");
        let case = Case::new(op, &whole(1), &[4]).input_along(random(&[2, 5, 6], 1), 2, &cut);
        case.output_along(2).check(&gpus, &label);
    }
}

#[test]
fn equal_elements_give_the_first_or_the_last_index() {
    let Some(gpus) = gpus() else { return };
    let values = [1.0, 2.0, 2.0, 0.0, 2.0, -1.0].repeat(2);
    let tensor = Tensor::from_f32(vec![2, 6, 1, 1], values).unwrap();
    for (last, expected) in [(false, 1.0), (true, 4.0)] {
        let op = Op::ArgMax(ArgMax { axis: 1, keep_dims: true, last });
        let case = Case::new(op, &whole(1), &[]).input(tensor.clone(), &whole(6));
        assert_eq!(case.output(&gpus[0]), [expected; 2]);
    }
}

#[test]
fn not_a_number_survives_maxima() {
    let Some(gpus) = gpus() else { return };
    let values: Vec<f32> = (0..24).map(|i| if i == 5 { f32::NAN } else { i as f32 }).collect();
    let tensor = Tensor::from_f32(vec![1, 6, 2, 2], values).unwrap();
    for (axes, broken) in [(&[1][..], 1), (&[2], 3), (&[2, 3], 1), (&[1, 2, 3], 0)] {
        let channels = whole(if axes.contains(&1) { 1 } else { 6 });
        let case = Case::new(reduce(Reduction::Max, axes, true), &channels, &[]);
        let found = case.input(tensor.clone(), &whole(6)).output(&gpus[0]);
        let nan: Vec<usize> = (0..found.len()).filter(|&i| found[i].is_nan()).collect();
        assert_eq!(nan, [broken], "{axes:?}: {found:?}");
    }
}

/// As in training, where nothing says which dimension holds channels: every value has them in the second.
#[test]
fn results_with_channels_in_another_dimension_read_a_copy() {
    let Some(gpus) = gpus() else { return };
    let cases: [(&[usize], &[usize], bool); 6] = [
        (&[3, 5, 7, 2], &[0], false),
        (&[3, 5, 7, 2], &[0, 2], false),
        (&[3, 5, 7], &[0], false),
        (&[2, 6, 5], &[2], true),
        (&[3, 5, 7, 2], &[0], true),
        (&[4, 3], &[0], false),
    ];
    for (shape, axes, keep_dims) in cases {
        for reduction in [Reduction::Sum, Reduction::Max, Reduction::L2] {
            let op = reduce(reduction, axes, keep_dims);
            let y = output_shape(&op, &[shape]).unwrap();
            let axis = usize::from(y.len() > 1);
            let label = format!("{op:?} of {shape:?}");
            for from in 1..shape.len() {
                let case = Case::new(op.clone(), &whole(y[axis]), &[]).output_along(axis);
                case.input_along(random(shape, 1), from, &whole(shape[from])).check(&gpus, &label);
            }
        }
    }
}

#[test]
fn a_result_that_is_cut_otherwise_is_refused() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(6, Some((0, 1)))];
    let case = Case::new(reduce(Reduction::Sum, &[2], true), &whole(6), &[]);
    let refusal = case.input(random(&[1, 6, 2, 2], 1), &cut).refusal(&gpus[0]);
    assert_eq!(
        refusal,
        "node node (ReduceSum): channel 0 of the output lives without channel 0 of the input, which it reads"
    );
}
