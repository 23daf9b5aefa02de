//! The convolutions of GPUs on maps large enough to be tiled, and whole networks with the kernels of GPUs.

use crate::conv::{Shape, conv_case, judge, square, units_of};
use crate::harness::gpus;
use crate::masks::check_masked;
use crate::random_graph::{RandomGraph, seeds, verify};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, Epilogue};
use wgpu_pagcp::plan::DeviceClass;

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
        let cut = match at % 3 {
            0 => [units_of(&[19], 0), units_of(&[7], 1)],
            1 => [units_of(&[2], 0), units_of(&[5, 66], 1)],
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

#[test]
fn random_networks_masked_equal_compacted_with_the_kernels_of_gpus() {
    let ways = ways();
    for (seed, gpu) in seeds(0, 5, 1000).zip(ways.iter().cycle()) {
        verify(&RandomGraph::new(7000 + seed), &|case| check_masked(gpu, case));
    }
}
