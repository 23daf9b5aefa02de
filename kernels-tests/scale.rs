//! Gates that convolutions apply to what they read, as after squeeze-and-excitation.

use crate::compare::same_bits;
use crate::conv::ways;
use crate::network::{Network, tensor};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Graph, Padding, ValueId};
use wgpu_pagcp::plan::{Plan, PlanOptions};

/// A gated map and the convolution that reads it.
#[derive(Clone, Copy, Debug)]
struct Gated {
    size: [usize; 2],
    channels: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    /// Whether the gate is the first factor.
    first: bool,
    /// Whether the gate is a constant.
    constant: bool,
    /// Whether the convolution adds what the map came from.
    residual: bool,
    /// Whether something else reads the product.
    shared: bool,
}

const PLAIN: Gated = Gated {
    size: [6, 7],
    channels: 11,
    outputs: 6,
    kernel: 1,
    stride: 1,
    first: false,
    constant: false,
    residual: false,
    shared: false,
};

fn point(b: &mut Builder, seed: u32, x: ValueId, [outputs, inputs]: [usize; 2]) -> ValueId {
    let weight = tensor(seed, &[outputs, inputs, 1, 1]);
    b.conv(x, Conv2d::new([1, 1]), weight, Some(tensor(seed + 50, &[outputs])))
}

impl Gated {
    fn graph(&self) -> Graph {
        let Self { size, channels, outputs, kernel, stride, .. } = *self;
        let mut b = Builder::new("gated");
        let image = b.image("image", [3, size[0], size[1]]);
        let narrow = point(&mut b, 1, image, [outputs, 3]);
        let wide = point(&mut b, 2, narrow, [channels, outputs]);
        let map = b.activation(wide, Activation::HardSwish);
        let gate = if self.constant {
            b.constant("gate", tensor(9, &[1, channels, 1, 1]))
        } else {
            let mean = b.global_average_pool(map);
            let few = point(&mut b, 3, mean, [5, channels]);
            let few = b.activation(few, Activation::Relu);
            let gate = point(&mut b, 4, few, [channels, 5]);
            b.activation(gate, Activation::Sigmoid)
        };
        let product = if self.first { b.mul(gate, map) } else { b.mul(map, gate) };
        let conv = Conv2d {
            strides: [stride; 2],
            pads: Padding::Explicit([kernel / 2; 4]),
            ..Conv2d::new([kernel; 2])
        };
        let mut y = b.conv(product, conv, tensor(5, &[outputs, channels, kernel, kernel]), None);
        if self.residual {
            y = b.add(y, narrow);
        }
        let end = point(&mut b, 6, y, [4, outputs]);
        b.output(end, "y");
        if self.shared {
            let other = b.activation(product, Activation::Tanh);
            let other = point(&mut b, 7, other, [2, channels]);
            b.output(other, "z");
        }
        b.finish().expect("the graph is sound")
    }
}

/// What convolutions scale themselves: in every kernel, on odd maps and large ones.
fn taken() -> Vec<Gated> {
    vec![
        PLAIN,
        Gated { first: true, residual: true, ..PLAIN },
        Gated { size: [65, 64], channels: 18, outputs: 37, ..PLAIN },
        Gated { size: [20, 13], channels: 40, outputs: 44, residual: true, ..PLAIN },
        Gated { stride: 2, ..PLAIN },
        Gated { size: [1, 2], channels: 33, outputs: 70, ..PLAIN },
    ]
}

/// What stays a step.
fn left() -> Vec<Gated> {
    vec![Gated { kernel: 3, ..PLAIN }, Gated { shared: true, ..PLAIN }, Gated { size: [1, 1], ..PLAIN }]
}

fn products(plan: &Plan) -> usize {
    plan.steps.iter().filter(|step| step.kernel.name == "eltwise_binary").count()
}

fn outputs(gpu: &Gpu, network: &Network, options: &PlanOptions, keep: &[usize]) -> Vec<f32> {
    let mut session = Session::new(gpu, network.plan(options), 1).expect("the plan fits");
    session.poison().expect("the device works");
    session.run_masked(&[&network.input(7)], keep).expect("it runs").remove(0)
}

/// That pruned or not the outputs are those of the compacted network, of a plan that keeps all values, and of one of two
/// images, which scales in a step of its own.
fn check(gpu: &Gpu, case: &Gated, steps: usize) {
    let label = format!("{:?} {case:?}", gpu.class());
    let [network, pair] = [1, 2].map(|batch| Network::new(case.graph(), batch));
    let options = gpu.plan_options(1);
    let kept = PlanOptions { keep_all: true, ..options };
    let two = gpu.plan_options(2);
    let counts = [network.plan(&options), network.plan(&kept), pair.plan(&two)];
    assert_eq!(counts.each_ref().map(products), [steps, 1, 1], "{label}");
    network.check_layers(gpu, &network.input(7));
    let all: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
    for keep in [&all, &network.keep(6)] {
        let found = outputs(gpu, &network, &options, keep);
        same_bits(&label, &found, &outputs(gpu, &network, &kept, keep));
        same_bits(&label, &found, &outputs(gpu, &network.compacted(keep), &options, &[]));
        same_bits(&label, &found, &outputs(gpu, &pair, &two, keep)[..found.len()]);
    }
}

#[test]
fn convolutions_scale_what_they_read() {
    for (at, case) in taken().into_iter().enumerate() {
        // Half of the cases take the checked kernels and half the unchecked ones.
        for gpu in ways().iter().skip(at % 2).step_by(2) {
            check(gpu, &case, 0);
        }
    }
}

#[test]
fn what_convolutions_cannot_scale_stays_a_step() {
    for gpu in ways().iter().step_by(2) {
        for case in left() {
            check(gpu, &case, 1);
        }
    }
}

#[test]
fn constants_scale_as_well_as_gates() {
    let network = Network::new(Gated { constant: true, ..PLAIN }.graph(), 1);
    for gpu in ways().iter().take(1) {
        network.check_layers(gpu, &network.input(7));
        let found = outputs(gpu, &network, &gpu.plan_options(1), &[]);
        let kept = PlanOptions { keep_all: true, ..gpu.plan_options(1) };
        same_bits("constant", &found, &outputs(gpu, &network, &kept, &[]));
    }
}
