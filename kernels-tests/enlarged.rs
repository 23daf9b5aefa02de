//! Convolutions that add an enlarged map repeat its pixels themselves, within the bounds of the reference.

use crate::compare::same_bits;
use crate::conv::ways;
use crate::network::{Network, tensor};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, Coordinates, Graph, Interpolation, Padding, Resize, Rounding, Target,
};
use wgpu_pagcp::plan::{Plan, PlanOptions};
use wgpu_pagcp::tensor::Dtype;

const BATCH: usize = 3;

/// A convolution of a map of `size` that adds a coarse one.
#[derive(Clone, Copy, Debug)]
struct Pyramid {
    size: [usize; 2],
    /// Pixels of the fine map for one of the coarse one.
    scale: [usize; 2],
    kernel: usize,
    channels: usize,
    depthwise: bool,
    /// Channels before it was pruned, by which its algorithm is chosen.
    whole: Option<usize>,
    /// Whether the activation comes before the sum.
    early: bool,
    interpolation: Interpolation,
    /// Whether something else reads the enlarged map.
    shared: bool,
}

const PLAIN: Pyramid = Pyramid {
    size: [8, 12],
    scale: [2, 2],
    kernel: 1,
    channels: 7,
    depthwise: false,
    whole: None,
    early: false,
    interpolation: Interpolation::Nearest(Rounding::Floor),
    shared: false,
};

impl Pyramid {
    fn graph(&self) -> Graph {
        let Self { size: [height, width], scale, kernel, channels, .. } = *self;
        let mut b = Builder::new("pyramid");
        let x = b.image("x", [3, height, width]);
        let strided = Conv2d { strides: scale, ..Conv2d::new(scale) };
        let coarse = b.conv(x, strided, tensor(1, &[channels, 3, scale[0], scale[1]]), None);
        let fine =
            b.conv(x, Conv2d::new([1, 1]), tensor(2, &[channels, 3, 1, 1]), Some(tensor(3, &[channels])));
        let resize = Resize {
            target: Target::Scales(scale.map(|scale| scale as f32)),
            coordinates: Coordinates::Asymmetric,
            interpolation: self.interpolation,
        };
        let high = b.resize(coarse, resize);
        let groups = if self.depthwise { channels } else { 1 };
        let lateral = Conv2d {
            groups,
            pads: Padding::Explicit([kernel / 2; 4]),
            whole: self.whole.map(|whole| [whole; 2]),
            ..Conv2d::new([kernel; 2])
        };
        let weight = tensor(4, &[channels, channels / groups, kernel, kernel]);
        let mut sum = b.conv(fine, lateral, weight, Some(tensor(5, &[channels])));
        if self.early {
            sum = b.activation(sum, Activation::Silu);
        }
        sum = b.add(sum, high);
        if !self.early {
            sum = b.activation(sum, Activation::Relu);
        }
        if self.shared {
            let high = b.activation(high, Activation::Tanh);
            sum = b.mul(sum, high);
        }
        let y = b.conv(sum, Conv2d::new([1, 1]), tensor(6, &[5, channels, 1, 1]), None);
        b.output(y, "y");
        b.finish().expect("the graph is sound")
    }
}

/// What convolutions take over: every kernel, batch 3, channels that fill no group.
fn taken() -> Vec<Pyramid> {
    let three = Pyramid { kernel: 3, ..PLAIN };
    vec![
        PLAIN,
        Pyramid { early: true, ..PLAIN },
        Pyramid { scale: [4, 4], ..PLAIN },
        Pyramid { scale: [2, 1], channels: 33, ..PLAIN },
        Pyramid { size: [2, 2], ..PLAIN },
        Pyramid { size: [1, 1], scale: [1, 1], ..PLAIN },
        Pyramid { size: [64, 66], channels: 9, ..PLAIN },
        three,
        Pyramid { scale: [1, 4], early: true, ..three },
        Pyramid { size: [14, 10], channels: 18, ..three },
        Pyramid { size: [40, 40], channels: 5, ..three },
        Pyramid { size: [20, 16], whole: Some(512), ..three },
        Pyramid { size: [20, 16], whole: Some(512), early: true, ..three },
        Pyramid { depthwise: true, ..three },
        Pyramid { kernel: 5, ..PLAIN },
    ]
}

/// What stays a step of its own.
fn left() -> Vec<Pyramid> {
    vec![
        Pyramid { interpolation: Interpolation::Linear, ..PLAIN },
        Pyramid { interpolation: Interpolation::Nearest(Rounding::Ceil), ..PLAIN },
        Pyramid { size: [9, 12], scale: [3, 2], ..PLAIN },
        Pyramid { shared: true, ..PLAIN },
    ]
}

fn resizes(plan: &Plan) -> usize {
    plan.steps.iter().filter(|step| step.kernel.name == "resize").count()
}

/// The outputs of a network where `keep` coordinates of every unit live, by a plan with or without that step.
fn outputs(gpu: &Gpu, network: &Network, options: &PlanOptions, keep: &[usize]) -> Vec<f32> {
    let mut session = Session::new(gpu, network.plan(options), 1).expect("the plan fits");
    session.poison().expect("the device works");
    session.run_masked(&[&network.input(7)], keep).expect("it runs").remove(0)
}

#[test]
fn enlarged_maps_are_added_within_the_bounds_of_the_reference() {
    let ways = ways();
    for (at, case) in taken().into_iter().enumerate() {
        let network = Network::new(case.graph(), BATCH);
        let all: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
        // Half of the cases take the checked kernels and half the unchecked ones.
        for gpu in ways.iter().skip(at % 2).step_by(2) {
            let label = format!("{:?} {case:?}", gpu.class());
            let options = gpu.plan_options(BATCH);
            let stored = PlanOptions { keep_all: true, ..options };
            assert_eq!([&options, &stored].map(|options| resizes(&network.plan(options))), [0, 1], "{label}");
            network.check_layers(gpu, &network.input(7));
            for keep in [&all, &network.keep(6)] {
                let found = outputs(gpu, &network, &options, keep);
                same_bits(&label, &found, &outputs(gpu, &network, &stored, keep));
                same_bits(&label, &found, &outputs(gpu, &network.compacted(keep), &options, &[]));
            }
        }
    }
}

#[test]
fn what_convolutions_cannot_repeat_stays_a_step() {
    for gpu in ways().iter().step_by(2) {
        for case in left() {
            let label = format!("{:?} {case:?}", gpu.class());
            let network = Network::new(case.graph(), BATCH);
            let options = gpu.plan_options(BATCH);
            assert_eq!(resizes(&network.plan(&options)), 1, "{label}");
            let stored = PlanOptions { keep_all: true, ..options };
            let found = outputs(gpu, &network, &options, &network.keep(6));
            same_bits(&label, &found, &outputs(gpu, &network, &stored, &network.keep(6)));
        }
    }
}

#[test]
fn enlarged_maps_may_be_stored_in_16_bits() {
    for gpu in ways().into_iter().filter(Gpu::has_f16) {
        for case in [PLAIN, Pyramid { kernel: 3, whole: Some(512), size: [16, 16], ..PLAIN }] {
            let network = Network::new(case.graph(), BATCH);
            let options = PlanOptions { dtype: Dtype::F16, ..gpu.plan_options(BATCH) };
            assert_eq!(resizes(&network.plan(&options)), 0);
            let keep = network.keep(6);
            let [wide, narrow] =
                [gpu.plan_options(BATCH), options].map(|o| outputs(&gpu, &network, &o, &keep));
            let largest = wide.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
            let apart = wide.iter().zip(&narrow).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // Four layers, each off by a few units of 2^-11 of what it adds.
            assert!(0.0 < apart && apart < 0.02 * largest, "{apart} of {largest}");
        }
    }
}
