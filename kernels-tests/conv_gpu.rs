//! The convolutions of GPUs on maps large enough to be tiled, whose outputs fill tiles or do not, and whole networks with the
//! kernels of GPUs.

use crate::case::{Case, random, whole};
use crate::conv::{Shape, conv_case, judge, square, units_of};
use crate::harness::gpus;
use crate::masks::check_masked;
use crate::random_graph::{RandomGraph, seeds, verify};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, Conv2d, Epilogue, Op, Padding};
use wgpu_pagcp::plan::DeviceClass;

/// Kernels and strides of the first convolutions of networks.
const WINDOWS: [[usize; 2]; 4] = [[3, 2], [3, 1], [5, 1], [7, 2]];

/// The device with the kernels of GPUs, with and without runtime checks.
fn ways() -> Vec<Gpu> {
    gpus().map_or_else(Vec::new, |gpus| gpus.map(|gpu| gpu.with_class(DeviceClass::Gpu)).to_vec())
}

/// Windows of every form, over maps whose pixels do not fill the last tile.
fn shapes() -> Vec<Shape> {
    vec![
        square(1, 1, 1, [0; 4], [37, 38]),
        square(1, 2, 1, [0; 4], [75, 74]),
        square(3, 1, 1, [1; 4], [37, 38]),
        square(3, 2, 1, [0, 1, 2, 1], [75, 74]),
        square(3, 1, 2, [2; 4], [37, 38]),
        square(3, 1, 1, [1; 4], [49, 42]),
        square(5, 1, 1, [2; 4], [37, 38]),
        square(7, 2, 1, [3; 4], [75, 74]),
        Shape { kernel: [1, 2], ..square(1, 1, 1, [0; 4], [37, 39]) },
        Shape { kernel: [3, 1], ..square(1, 1, 1, [1, 0, 1, 0], [37, 38]) },
    ]
}

#[test]
fn large_maps() {
    let ways = ways();
    for (at, shape) in shapes().into_iter().enumerate() {
        let cut = match at % 4 {
            0 => [units_of(&[19], 0), units_of(&[7], 1)],
            1 => [units_of(&[2], 0), units_of(&[5, 66], 1)],
            2 => [units_of(&[3], 0), units_of(&[60], 1)],
            _ => [units_of(&[5, 1, 8], 0), units_of(&[9], 3)],
        };
        let epilogue = if at % 2 == 0 {
            Epilogue::AddThenActivation(Activation::Relu)
        } else {
            Epilogue::ActivationThenAdd(Activation::HardSwish)
        };
        let case = conv_case(shape, epilogue, 1, cut);
        let half: Vec<Gpu> = ways.iter().skip(at % 2).step_by(2).cloned().collect();
        judge(&half, &case);
    }
}

/// Of pictures only what they have is read.
#[test]
fn windows_over_pictures() {
    let Some(gpus) = gpus() else { return };
    let gpus = gpus.map(|gpu| gpu.with_class(DeviceClass::Gpu));
    let mut seed = 0;
    for ([kernel, stride], size) in
        WINDOWS.into_iter().flat_map(|window| [[9, 14], [133, 138]].map(|s| (window, s)))
    {
        for (cut, keep) in [(vec![(10, Some((0, 1)))], [7]), (vec![(70, Some((0, 1)))], [66])] {
            let pads = Padding::Explicit([kernel / 2; 4]);
            let conv = Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) };
            seed += 3;
            let outputs = cut[0].0;
            Case::new(Op::Conv(conv), &cut, &keep)
                .input(random(&[1, 3, size[0], size[1]], seed), &whole(3))
                .lanes_are_poisoned()
                .constant(random(&[outputs, 3, kernel, kernel], seed + 1), 0, &cut)
                .constant(random(&[outputs], seed + 2), 0, &cut)
                .check(&gpus, &format!("{kernel} by {kernel}, stride {stride}, on {size:?}"));
        }
    }
}

#[test]
fn random_networks_masked_equal_compacted_with_the_kernels_of_gpus() {
    let ways = ways();
    for (seed, gpu) in seeds(0, 5, 1000).zip(ways.iter().cycle()) {
        verify(&RandomGraph::new(7000 + seed), &|case| check_masked(gpu, case));
    }
}
