//! Gradients of moves: what shows an element is moved back, and added up where a move repeats elements.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{DepthOrder, Extent, Move, Op, PadMode, SliceAxis, Training};

fn slice(axis: usize, start: i64, end: i64, step: i64) -> SliceAxis {
    SliceAxis { axis, start: Extent::Fixed(start), end: Extent::Fixed(end), step }
}

/// The gradient of `of` for an input of `shape`, checked; its number of steps.
fn check(gpus: &[Gpu; 2], of: &Move, shape: &[usize]) -> usize {
    let given = output_shape(&Op::Move(of.clone()), &[shape]).unwrap();
    let channels = |shape: &[usize]| whole(shape[usize::from(shape.len() > 1)]);
    let op = Op::Training(Training::Move { of: of.clone(), shape: shape.to_vec() });
    let case = Case::new(op, &channels(shape), &[]).output_along(usize::from(shape.len() > 1));
    let case = case.input(random(&given, 1), &channels(&given));
    case.check(gpus, &format!("{of:?} of {shape:?}"));
    case.steps(&gpus[0])
}

#[test]
fn moves_of_every_kind() {
    let Some(gpus) = gpus() else { return };
    let pads = [[1, 0], [0, 1], [2, 3], [3, 1]];
    for channels in CHANNELS {
        let last = channels as i64 - 1;
        let moves = [
            Move::Transpose { perm: vec![0, 2, 3, 1] },
            Move::Transpose { perm: vec![3, 1, 0, 2] },
            Move::Slice(vec![slice(2, 1, 6, 2), slice(3, -1, i64::MIN, -2)]),
            Move::Slice(vec![slice(0, 1, 3, 1), slice(1, last, i64::MIN, -2)]),
            Move::Tile { repeats: vec![2, 1, 1, 3] },
            Move::Tile { repeats: vec![1, 3, 2, 1] },
            Move::Gather { axis: 2, indices: vec![5, 0, -1], shape: vec![3] },
            Move::Gather { axis: 1, indices: vec![0, last, 0, -1, 0, 0], shape: vec![6] },
            Move::Gather { axis: 3, indices: vec![0, 3, 1, -1, 2, 2], shape: vec![2, 3] },
            Move::Gather { axis: 1, indices: vec![0, last, 0, last], shape: vec![2, 2] },
            Move::Gather { axis: 0, indices: vec![-2], shape: vec![] },
            Move::pad(&pads, PadMode::Constant(1.5)),
            Move::pad(&[[0, 0], [0, 0], [-1, 2], [3, -4]], PadMode::Constant(0.0)),
            Move::pad(&pads, PadMode::Edge),
            Move::pad(&[[0, 0], [0, 0], [6, 1], [0, 4]], PadMode::Reflect),
        ];
        for of in moves {
            check(&gpus, &of, &[3, channels, 7, 5]);
        }
    }
}

#[test]
fn blocks_of_depth_and_space() {
    let Some(gpus) = gpus() else { return };
    for channels in [1, 2, 3, 5, 9] {
        for block in [2, 3] {
            for order in [DepthOrder::Dcr, DepthOrder::Crd] {
                let of = Move::DepthToSpace { block, order };
                check(&gpus, &of, &[3, channels * block * block, 2, 3]);
            }
            check(&gpus, &Move::SpaceToDepth { block }, &[3, channels, 2 * block, 3 * block]);
        }
    }
}

#[test]
fn expanded_axes_are_added_up() {
    let Some(gpus) = gpus() else { return };
    let expand = |shape: &[i64]| Move::Expand { shape: shape.iter().copied().map(Extent::Fixed).collect() };
    for channels in CHANNELS {
        check(&gpus, &expand(&[1, 1, 40, 50]), &[3, channels, 1, 1]);
        check(&gpus, &expand(&[3, 1, 7, 5]), &[1, channels, 7, 1]);
    }
    check(&gpus, &expand(&[2, 9, 4, 5]), &[2, 1, 4, 5]);
    check(&gpus, &expand(&[2, 3, 7, 4, 5]), &[7, 1, 5]);
    check(&gpus, &expand(&[6, 7]), &[7]);
    check(&gpus, &expand(&[1, 1, 7]), &[7]);
    check(&gpus, &expand(&[5]), &[1]);
}

/// What repeats nothing is one step, none where the bytes are the same.
#[test]
fn single_steps() {
    let Some(gpus) = gpus() else { return };
    assert_eq!(check(&gpus, &Move::Tile { repeats: vec![1, 1, 1, 1] }, &[2, 5, 3, 4]), 0);
    assert_eq!(check(&gpus, &Move::Slice(vec![slice(2, 1, 3, 1)]), &[2, 5, 3, 4]), 1);
    assert_eq!(check(&gpus, &Move::Tile { repeats: vec![2, 2, 2, 2] }, &[2, 5, 3, 4]), 1);
}

/// Parts of the pixels leave channels alone, whichever of them live.
#[test]
fn every_layout_of_pixels() {
    let Some(gpus) = gpus() else { return };
    let moves =
        [Move::Slice(vec![slice(2, 1, 6, 2), slice(3, 4, 0, -3)]), Move::Tile { repeats: vec![1, 1, 2, 3] }];
    for of in moves {
        for channels in CHANNELS {
            for (cut, keep) in cuts(channels) {
                let alive = |&(size, unit): &(usize, Option<(usize, usize)>)| {
                    unit.map_or(size, |(unit, block): (usize, usize)| keep[unit] * block)
                };
                let gradient = |channels| {
                    Op::Training(Training::Move { of: of.clone(), shape: vec![3, channels, 7, 5] })
                };
                let given = output_shape(&Op::Move(of.clone()), &[&[3, channels, 7, 5]]).unwrap();
                let case = Case::new(gradient(channels), &cut, &keep);
                let case = case.becomes(gradient(cut.iter().map(alive).sum()));
                case.input(random(&given, 1), &cut).check(&gpus, &format!("{of:?}"));
            }
        }
    }
}
