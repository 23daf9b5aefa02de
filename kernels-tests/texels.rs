//! Weights that are too large for a texture are read from buffers.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::{Network, tensor};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, ConvTranspose, Epilogue, Gemm, Graph, Op, Padding};
use wgpu_pagcp::kernels::Access;
use wgpu_pagcp::plan::{PlanLimits, PlanOptions};

/// A convolution in every form that reads weights as texels, each with more than a row of them: direct, by windows,
/// transposed, and a product.
fn graph() -> Graph {
    let mut b = Builder::new("wide");
    let x = b.image("x", [3, 16, 16]);
    let conv =
        |kernel: usize| Conv2d { pads: Padding::Explicit([kernel / 2; 4]), ..Conv2d::new([kernel, kernel]) };
    let x = b.conv(x, conv(3), tensor(1, &[64, 3, 3, 3]), Some(tensor(2, &[64])));
    let x = b.activation(x, Activation::Relu);
    let x = b.conv(x, conv(3), tensor(3, &[72, 64, 3, 3]), Some(tensor(4, &[72])));
    let x = b.activation(x, Activation::Relu);
    let x = b.conv(x, conv(5), tensor(5, &[32, 72, 5, 5]), None);
    let weight = b.constant("up.weight", tensor(6, &[32, 24, 4, 4]));
    let up = ConvTranspose {
        kernel: [4, 4],
        strides: [2, 2],
        pads: Padding::Explicit([1; 4]),
        output_padding: [0, 0],
        dilations: [1, 1],
        groups: 1,
        epilogue: Epilogue::Plain,
    };
    let up = b.node(Op::ConvTranspose(up), &[x, weight]);
    b.output(up, "map");
    let pooled = b.node(Op::GlobalAveragePool, &[x]);
    let flat = b.flatten(pooled, 1);
    let weight = b.constant("fc.weight", tensor(7, &[300, 32]));
    let vector = b.node(Op::Gemm(Gemm { trans_b: true, ..Gemm::default() }), &[flat, weight]);
    b.output(vector, "vector");
    b.finish().expect("the graph is sound")
}

fn narrow(gpu: &Gpu, batch: usize) -> PlanOptions {
    let options = gpu.plan_options(batch);
    PlanOptions { limits: PlanLimits { texture_rows: 1, ..options.limits }, ..options }
}

/// The steps of a plan that read constants as texels.
fn texels(network: &Network, options: &PlanOptions) -> usize {
    let plan = network.plan(options);
    plan.all_steps().filter(|step| step.kernel.bindings.contains(&Access::Texels)).count()
}

#[test]
fn weights_past_the_limit_of_textures_are_read_from_buffers() {
    let Some([gpu, _]) = gpus() else { return };
    let network = Network::new(graph(), 2);
    let input = network.input(8);
    let run = |network: &Network, options: &PlanOptions| {
        Session::new(&gpu, network.plan(options), 0).unwrap().run(&[&input]).unwrap()
    };
    let (usual, limited) = (gpu.plan_options(2), narrow(&gpu, 2));
    let read = [&usual, &limited].map(|options| texels(&network, options));
    assert!(read[0] == 0 || read[1] < read[0], "{read:?}");
    for (found, expected) in run(&network, &limited).iter().zip(run(&network, &usual)) {
        let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(largest > 0.0 && found.len() == expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-4 * largest, "{found}, by textures {expected}");
        }
    }
}

#[test]
fn what_is_pruned_below_the_limit_adds_as_what_it_came_from() {
    let Some([gpu, _]) = gpus() else { return };
    let network = Network::new(graph(), 2);
    let input = network.input(9);
    let limited = narrow(&gpu, 2);
    let mut masked = Session::new(&gpu, network.plan(&limited), 1).unwrap();
    let mut more = 0;
    for tenths in [1, 3, 5, 9] {
        let keep = network.keep(tenths);
        let found = masked.run_masked(&[&input], &keep).unwrap();
        let small = network.compacted(&keep);
        more += usize::from(texels(&small, &limited) > texels(&network, &limited));
        let expected = Session::new(&gpu, small.plan(&limited), 0).unwrap().run(&[&input]).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            same_bits(&format!("{tenths} tenths"), found, expected);
        }
    }
    assert!(texels(&network, &gpu.plan_options(2)) == 0 || more > 0, "nothing gets below the limit");
}
