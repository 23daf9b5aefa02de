//! Row-major reinterpretation: flattening of pruned channels, and free reshapes of whole ones.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Extent, Op};

/// The cut of the features that `pixels` pixels of every channel become.
fn features(cut: &Cut, pixels: usize) -> Cut {
    cut.iter()
        .map(|&(channels, unit)| (channels * pixels, unit.map(|(unit, block)| (unit, block * pixels))))
        .collect()
}

#[test]
fn flatten_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for [height, width] in [[1, 1], [1, 3], [2, 2], [7, 5]] {
                let case = Case::new(Op::Flatten { axis: 1 }, &features(&cut, height * width), &keep);
                let case = case.input(random(&[3, channels, height, width], 1), &cut);
                assert_eq!(case.steps(&gpus[0]), usize::from(height * width > 1));
                case.check(&gpus, &format!("{height}x{width}"));
            }
        }
    }
}

#[test]
fn whole_channels_reshape_freely() {
    let Some(gpus) = gpus() else { return };
    let shapes: [(&[usize], &[i64]); 9] = [
        (&[2, 6, 3, 4], &[2, -1]),
        (&[2, 6, 3, 4], &[0, 0, -1]),
        (&[2, 6, 3, 4], &[2, 2, 9, 4]),
        (&[2, 6, 3, 4], &[2, 3, 2, 3, 4]),
        (&[2, 6, 3, 4], &[-1]),
        (&[2, 6, 3, 4], &[4, 3, 12]),
        (&[3, 12], &[3, 3, 2, 2]),
        (&[12], &[3, 4]),
        (&[2, 5, 1, 1], &[5, 2]),
    ];
    for (from, target) in shapes {
        let op = Op::Reshape { shape: Extent::list(target), allow_zero: false };
        let output = wgpu_pagcp::graph::shape::output_shape(&op, &[from]).unwrap();
        let channels = |shape: &[usize]| shape[usize::from(shape.len() > 1)];
        let case = Case::new(op, &whole(channels(&output)), &[]);
        case.input(random(from, 1), &whole(channels(from))).check(&gpus, &format!("{from:?} as {target:?}"));
    }
}

#[test]
fn several_segments_reshape_freely() {
    let Some(gpus) = gpus() else { return };
    let op = Op::Reshape { shape: Extent::list(&[2, 2, 4, 6]), allow_zero: false };
    let case = Case::new(op, &whole(2), &[]);
    case.input(random(&[2, 8, 2, 3], 1), &vec![(3, None), (5, None)]).check(&gpus, "two segments");
}

#[test]
fn prunable_channels_that_lose_their_order_are_refused() {
    let Some(gpus) = gpus() else { return };
    let op = Op::Reshape { shape: Extent::list(&[2, 2, 3, 4]), allow_zero: false };
    let case = Case::new(op, &whole(2), &[]).input(random(&[2, 6, 2, 2], 1), &vec![(6, Some((0, 1)))]);
    let error = case.refusal(&gpus[0]);
    assert!(error.starts_with("node node (Reshape): prunable channels must keep their order"), "{error}");
}
