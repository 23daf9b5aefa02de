//! Convolutions together with the 1x1 ones that alone read them, as heads end.

use crate::compare::same_bits;
use crate::conv::ways;
use crate::network::{Network, tensor};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Graph, Padding, ValueId};
use wgpu_pagcp::plan::{DeviceClass, Plan, PlanOptions};

/// Two convolutions, one behind the other.
#[derive(Clone, Copy, Debug)]
struct Pair {
    batch: usize,
    size: [usize; 2],
    /// Of the first one.
    kernel: usize,
    stride: usize,
    activation: Activation,
    between: usize,
    /// Channels of the last one, which pruning may cut where something reads it.
    outputs: usize,
    /// Whether a 3x3 convolution reads the last one.
    inner: bool,
    /// Something that keeps them apart.
    apart: Option<Apart>,
}

#[derive(Clone, Copy, Debug)]
enum Apart {
    /// Something else reads what is between.
    Shared,
    /// What is between is an output too.
    Output,
    /// The first one adds something.
    Residual,
    /// The last one has an activation.
    Activated,
    /// The last one has this stride.
    Strided,
}

const PLAIN: Pair = Pair {
    batch: 1,
    size: [6, 7],
    kernel: 3,
    stride: 1,
    activation: Activation::Relu,
    between: 11,
    outputs: 5,
    inner: false,
    apart: None,
};

fn conv(
    b: &mut Builder,
    (x, seed): (ValueId, u32),
    [outputs, inputs]: [usize; 2],
    [kernel, stride]: [usize; 2],
) -> ValueId {
    let weight = tensor(seed, &[outputs, inputs, kernel, kernel]);
    let pads = Padding::Explicit([kernel / 2; 4]);
    let conv = Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) };
    b.conv(x, conv, weight, Some(tensor(seed + 50, &[outputs])))
}

impl Pair {
    fn graph(&self) -> Graph {
        let Self { between, outputs, .. } = *self;
        let mut b = Builder::new("pair");
        let image = b.image("image", [3, self.size[0], self.size[1]]);
        let start = conv(&mut b, (image, 1), [13, 3], [3, 1]);
        let start = b.activation(start, Activation::Relu);
        let mut first = conv(&mut b, (start, 2), [between, 13], [self.kernel, self.stride]);
        if let Some(Apart::Residual) = self.apart {
            let other = conv(&mut b, (start, 3), [between, 13], [1, self.stride]);
            first = b.add(first, other);
        }
        let first = b.activation(first, self.activation);
        let stride = if let Some(Apart::Strided) = self.apart { 2 } else { 1 };
        let mut last = conv(&mut b, (first, 4), [outputs, between], [1, stride]);
        match self.apart {
            Some(Apart::Shared) => {
                let other = b.activation(first, Activation::Tanh);
                b.output(other, "other");
            }
            Some(Apart::Output) => b.output(first, "other"),
            Some(Apart::Activated) => last = b.activation(last, Activation::HardSwish),
            Some(Apart::Residual | Apart::Strided) | None => {}
        }
        if self.inner {
            last = conv(&mut b, (last, 5), [2, outputs], [3, 1]);
        }
        b.output(last, "y");
        b.finish().expect("the graph is sound")
    }
}

/// Pairs of every form of the first convolution, number of pixels of a thread and number of outputs.
fn pairs() -> Vec<Pair> {
    vec![
        PLAIN,
        Pair { batch: 3, inner: true, ..PLAIN },
        Pair { size: [9, 8], between: 32, outputs: 16, activation: Activation::None, ..PLAIN },
        Pair { size: [32, 32], between: 24, outputs: 13, inner: true, ..PLAIN },
        Pair { size: [32, 32], between: 15, outputs: 13, inner: true, ..PLAIN },
        Pair { size: [20, 13], kernel: 1, between: 29, outputs: 9, ..PLAIN },
        Pair { size: [17, 2], kernel: 5, between: 7, outputs: 1, activation: Activation::HardSwish, ..PLAIN },
        Pair { batch: 2, size: [12, 19], stride: 2, between: 18, outputs: 3, inner: true, ..PLAIN },
        Pair { batch: 2, size: [12, 19], stride: 2, between: 10, outputs: 3, inner: true, ..PLAIN },
        Pair { size: [1, 1], between: 5, outputs: 4, ..PLAIN },
    ]
}

/// What stays two steps.
fn others() -> Vec<Pair> {
    let apart = |apart| Pair { apart: Some(apart), ..PLAIN };
    let mut all =
        [Apart::Shared, Apart::Output, Apart::Residual, Apart::Activated, Apart::Strided].map(apart).to_vec();
    all.extend([Pair { between: 33, ..PLAIN }, Pair { outputs: 17, ..PLAIN }]);
    all
}

fn steps(plan: &Plan, kernel: &str) -> usize {
    plan.steps.iter().filter(|step| step.kernel.name == kernel).count()
}

fn outputs(gpu: &Gpu, network: &Network, options: &PlanOptions, keep: &[usize]) -> Vec<Vec<f32>> {
    let mut session = Session::new(gpu, network.plan(options), 1).expect("the plan fits");
    session.poison().expect("the device works");
    session.run_masked(&[&network.input(7)], keep).expect("it runs")
}

/// That pruned or not the outputs are those of the compacted network and of plans that keep all values or nodes apart.
fn check(gpu: &Gpu, case: &Pair, paired: bool) {
    let label = format!("{:?} {case:?}", gpu.class());
    let network = Network::new(case.graph(), case.batch);
    let options = gpu.plan_options(case.batch);
    let [kept, apart] = [PlanOptions { keep_all: true, ..options }, PlanOptions { merge: false, ..options }];
    let plan = network.plan(&options);
    assert_eq!(steps(&plan, "conv_pair") > 0, paired, "{label}");
    assert_eq!(plan.merged.len(), usize::from(paired), "{label}");
    for options in [&kept, &apart] {
        assert_eq!(steps(&network.plan(options), "conv_pair"), 0, "{label}");
    }
    network.check_layers(gpu, &network.input(7));
    let all: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
    for keep in [&all, &network.keep(6), &network.keep(1)] {
        let found = outputs(gpu, &network, &options, keep);
        let compacted = network.compacted(keep);
        for (other, options, keep) in
            [(&network, &kept, &keep[..]), (&network, &apart, keep), (&compacted, &options, &[])]
        {
            for (found, expected) in found.iter().zip(outputs(gpu, other, options, keep)) {
                same_bits(&label, found, &expected);
            }
        }
    }
}

#[test]
fn one_step_computes_both() {
    for (at, case) in pairs().into_iter().enumerate() {
        // Half of the cases take the checked kernels and half the unchecked ones.
        for gpu in ways().iter().skip(at % 2).step_by(2) {
            // Windows and smaller subgroups have fewer channels in a thread.
            let paired = match gpu.class() {
                DeviceClass::Broadcast { subgroup } => {
                    case.between <= 16 || subgroup > 4 && case.kernel == 1 && case.between <= 32
                }
                DeviceClass::Gpu | DeviceClass::Portable => false,
            };
            check(gpu, &case, paired);
        }
    }
}

#[test]
fn what_one_step_cannot_compute_stays_two() {
    for gpu in ways().iter().step_by(2) {
        for case in others() {
            check(gpu, &case, false);
        }
    }
}
