//! Outputs that steps write as the caller has them.

use crate::compare::same_bits;
use crate::conv::ways;
use crate::network::{Network, tensor};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Gemm, Graph, Padding};
use wgpu_pagcp::plan::{Operand, Plan, PlanOptions};

/// A picture, a convolution, a product of the mean, and a map.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    size: [usize; 2],
    classes: usize,
}

const PLAIN: Case = Case { batch: 1, size: [9, 11], classes: 6 };

impl Case {
    fn graph(&self) -> Graph {
        let Self { size, classes, .. } = *self;
        let mut b = Builder::new("direct");
        let image = b.image("image", [3, size[0], size[1]]);
        let conv = Conv2d { pads: Padding::Explicit([1; 4]), ..Conv2d::new([3, 3]) };
        let features = b.conv(image, conv, tensor(1, &[10, 3, 3, 3]), Some(tensor(51, &[10])));
        let features = b.activation(features, Activation::Relu);
        let mean = b.global_average_pool(features);
        let mean = b.flatten(mean, 1);
        let y = b.gemm(mean, Gemm::default(), tensor(3, &[10, classes]), None);
        b.output(y, "y");
        let map = b.conv(features, Conv2d::new([1, 1]), tensor(4, &[2, 10, 1, 1]), None);
        b.output(map, "map");
        b.finish().expect("the graph is sound")
    }
}

/// Cases, and whether their products are written directly.
fn cases() -> Vec<(Case, bool)> {
    vec![
        (PLAIN, true),
        (Case { batch: 3, classes: 8, ..PLAIN }, true),
        (Case { batch: 2, size: [5, 4], ..PLAIN }, false),
        (Case { size: [64, 64], classes: 1, ..PLAIN }, true),
        (Case { classes: 37, ..PLAIN }, true),
    ]
}

/// Whether the first of two outputs is.
fn is_direct(plan: &Plan) -> bool {
    let y = &plan.outputs[0];
    let found = y.operand == Operand::External(y.external);
    assert_eq!(2 - plan.unpack.len(), usize::from(found));
    found
}

fn outputs(gpu: &Gpu, network: &Network, options: &PlanOptions, keep: &[usize]) -> Vec<Vec<f32>> {
    let mut session = Session::new(gpu, network.plan(options), 1).expect("the plan fits");
    session.poison().expect("the device works");
    session.run_masked(&[&network.input(7)], keep).expect("it runs")
}

#[test]
fn outputs_of_one_pixel_are_written_to_the_caller() {
    for (at, (case, writes)) in cases().into_iter().enumerate() {
        // Half of the cases take the checked kernels and half the unchecked ones.
        for gpu in ways().iter().skip(at % 2).step_by(2) {
            let label = format!("{:?} {case:?}", gpu.class());
            let network = Network::new(case.graph(), case.batch);
            let options = gpu.plan_options(case.batch);
            let kept = PlanOptions { keep_all: true, ..options };
            assert_eq!(is_direct(&network.plan(&options)), writes, "{label}");
            assert!(!is_direct(&network.plan(&kept)), "{label}");
            network.check_layers(gpu, &network.input(7));
            let all: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
            for keep in [&all, &network.keep(5)] {
                let found = outputs(gpu, &network, &options, keep);
                let compacted = network.compacted(keep);
                for (other, options, keep) in [(&network, &kept, &keep[..]), (&compacted, &options, &[])] {
                    for (found, expected) in found.iter().zip(outputs(gpu, other, options, keep)) {
                        same_bits(&label, found, &expected);
                    }
                }
            }
        }
    }
}
