//! Plans without a device: what they need, how they read, and that wgpu accepts them at the smallest limits.

use crate::network::{Network, graph, tensor};
use std::collections::BTreeSet;
use wgpu_pagcp::gpu::{Gpu, Normalise, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Padding, Sizes};
use wgpu_pagcp::plan::{DeviceClass, Plan, PlanError, PlanLimits, PlanOptions, Step, build};
use wgpu_pagcp::units::Units;
use wgpu_pagcp::wgpu;

#[test]
fn a_plan_validates_at_default_limits() {
    let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor::default());
    let gpu = Gpu::from_device(device, queue).with_class(DeviceClass::Portable);
    let network = Network::new(graph([64, 48]), 3);
    let session = network.session(&gpu, 4);
    let mut encoder = gpu.device().create_command_encoder(&Default::default());
    session.encode(&mut encoder);
    gpu.queue().submit([encoder.finish()]);
}

#[test]
fn a_plan_with_subgroups_validates_at_default_limits() {
    let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor {
        required_features: wgpu::Features::SUBGROUP,
        ..Default::default()
    });
    for subgroup in [4, 8, 16] {
        let gpu =
            Gpu::from_device(device.clone(), queue.clone()).with_class(DeviceClass::Broadcast { subgroup });
        let network = Network::new(graph([64, 48]), 1);
        Session::new(&gpu, network.plan(&gpu.plan_options(1)), 0).unwrap();
    }
}

#[test]
fn windows_beyond_the_limit_are_transformed_in_turns() {
    let mut b = Builder::new("large");
    let x = b.image("x", [8, 64, 64]);
    let same = Conv2d { pads: Padding::Explicit([1; 4]), whole: Some([64; 2]), ..Conv2d::new([3, 3]) };
    let y = b.conv(x, same, tensor(1, &[8, 8, 3, 3]), None);
    b.output(y, "y");
    let graph = b.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(1)).unwrap();
    // The map takes 128 KiB; transformed, 288 KiB.
    let plan = |binding_bytes| {
        let limits = PlanLimits { binding_bytes, ..PlanLimits::default() };
        let class = DeviceClass::Broadcast { subgroup: 8 };
        build(&graph, &shapes, &Units::default(), &PlanOptions { class, limits, ..PlanOptions::default() })
            .unwrap()
    };
    let turns = |plan: &Plan| plan.steps.iter().filter(|step| step.kernel.name == "winograd_input").count();
    let [whole, cut] = [128 << 20, 128 << 10].map(plan);
    // A row of windows takes 18 KiB, and 7 of the 16 rows fit.
    assert_eq!((turns(&whole), turns(&cut)), (1, 3));
    assert!(cut.slots.iter().all(|&bytes| bytes <= 128 << 10));
    assert_eq!(whole.macs(), cut.macs());
}

#[test]
fn values_over_the_limit_are_named() {
    let network = Network::new(graph([64, 48]), 1);
    let limits = PlanLimits { binding_bytes: 60_000, ..PlanLimits::default() };
    let options = PlanOptions { limits, ..PlanOptions::default() };
    let error = build(&network.optimised, &network.shapes, &network.units, &options).unwrap_err();
    assert!(matches!(&error, PlanError::TooLarge { limit: 60_000, .. }), "{error}");
    assert!(error.to_string().starts_with("value "), "{error}");
}

#[test]
fn inputs_of_more_channels_than_shaders_count_are_named() {
    let mut b = Builder::new("wide");
    let x = b.image("x", [1 << 23, 1, 1]);
    let y = b.reshape(x, &[0, 64, 1 << 9, 1 << 8]);
    b.output(y, "y");
    let graph = b.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(1)).unwrap();
    let error = build(&graph, &shapes, &Units::default(), &PlanOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "value x: expected fewer than 2097152 channel groups, found 2097152");
}

#[test]
fn a_fused_residual_is_cut_as_its_sum_also_where_it_is_pinned() {
    let conv = |b: &mut Builder, x, seed| b.conv(x, Conv2d::new([1, 1]), tensor(seed, &[6, 3, 1, 1]), None);
    let mut b = Builder::new("pinned");
    let x = b.image("x", [3, 4, 4]);
    let twice = b.concat(&[x, x], 1);
    let wide = conv(&mut b, x, 1);
    let sum = b.add(wide, twice);
    let other = conv(&mut b, x, 2);
    let both = b.add(sum, other);
    b.output(both, "y");
    let network = Network::new(b.finish().unwrap(), 1);
    assert!(network.units.units.is_empty(), "all channels reach the output");
    let cuts = |value| network.units.segments(value).iter().map(|s| s.channels.len()).collect::<Vec<_>>();
    assert!([twice, wide, sum, other, both].into_iter().all(|value| cuts(value) == [3, 3]));
    let plan = network.plan(&PlanOptions::default());
    let adds = |step: &&Step| step.spec.0.iter().any(|&(name, value)| name == "add" && value > 0);
    assert_eq!(plan.steps.iter().filter(adds).count(), 2, "both sums are fused:\n{}", plan.to_text());
}

#[test]
fn an_input_that_is_stored_in_pieces_is_not_read_from_a_texture() {
    let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor::default());
    let gpu = Gpu::from_device(device, queue).with_class(DeviceClass::Portable);
    let mut b = Builder::new("pieces");
    let x = b.image("x", [3, 4, 4]);
    let parts = [1, 2].map(|channels| {
        b.conv(x, Conv2d::new([1, 1]), tensor(channels, &[channels as usize, 3, 1, 1]), None)
    });
    let joined = b.concat(&parts, 1);
    let y = b.add(x, joined);
    b.output(y, "y");
    let mut session = Network::new(b.finish().unwrap(), 1).session(&gpu, 0);
    let texture = gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: 4, height: 4, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    });
    let view = texture.create_view(&Default::default());
    let error = session.bind_input_texture(0, &view, &Normalise::default()).unwrap_err().to_string();
    assert!(error.ends_with("must be stored in one piece to be read from a texture, it is in 2"), "{error}");
}

#[test]
fn equal_inputs_give_equal_plans_and_texts() {
    let network = Network::new(graph([16, 16]), 2);
    let options = PlanOptions { batch: 2, ..PlanOptions::default() };
    let (a, b) = (network.plan(&options), network.plan(&options));
    assert_eq!(a, b);
    assert_eq!(a.to_text(), b.to_text());
}

#[test]
fn buffers_are_reused_close_to_the_bound() {
    let network = Network::new(graph([64, 64]), 1);
    let plan = network.plan(&PlanOptions::default());
    let kept = network.plan(&PlanOptions { keep_all: true, ..PlanOptions::default() });
    let bytes: u64 = plan.slots.iter().sum();
    assert!(bytes >= plan.slot_bound);
    assert!(bytes <= plan.slot_bound * 3 / 2, "{bytes} bytes where {} would do", plan.slot_bound);
    assert!(bytes < kept.slots.iter().sum());
}

#[test]
fn a_pruned_plan_asks_for_the_pipelines_of_the_whole_one() {
    let network = Network::new(graph([16, 20]), 1);
    for class in [DeviceClass::Portable, DeviceClass::Broadcast { subgroup: 8 }] {
        let options = PlanOptions { class, ..PlanOptions::default() };
        let pipelines = |network: &Network| {
            let plan = network.plan(&options);
            let steps = plan.all_steps().map(|step| (step.kernel.name, step.spec.clone()));
            steps.collect::<BTreeSet<_>>()
        };
        let (pruned, whole) = (pipelines(&network.compacted(&network.keep(4))), pipelines(&network));
        assert!(pruned.is_subset(&whole), "{:?}", pruned.difference(&whole));
    }
}

#[test]
fn a_plan_reads_as_text() {
    let mut b = Builder::new("tiny");
    let x = b.image("x", [3, 5, 7]);
    let y = b.activation(x, Activation::Sigmoid);
    let y = b.concat(&[x, y], 1);
    b.output(y, "y");
    let network = Network::new(b.finish().unwrap(), 1);
    let text = network.plan(&PlanOptions::default()).to_text();
    insta::assert_snapshot!(text, @r"
    batch 1, 3 slots of 2240 bytes (at least 2240), 0 constants of 0 bytes
    input x [1, 3, 5, 7] external 0 in s1
    output y [1, 6, 5, 7] external 1 in s0
    pack
      Pack x: pack[per_thread=8 quads=0](x0 s1) elements 5 per group of 1 by 64 {record=1 images=1 pixels=35 groups=1 stride=5 base=0}
    steps
      Sigmoid sigmoid_0: eltwise_unary[activation=3](s1 s2) elements 35 per group of 1 by 64 {record=1 images=1 pixels=35 groups=1 a=0 b=0}
      Concat concat_1: concat[](s1 s0) elements 35 per group of 1 by 64 {record=1 images=1 pixels=35 groups=1 out_pixels=35 out_groups=2 image_offset=0 group_offset=0 pixel_offset=0 run=35 out_run=35}
      Concat concat_1: concat[](s2 s0) elements 35 per group of 1 by 64 {record=1 images=1 pixels=35 groups=1 out_pixels=35 out_groups=2 image_offset=0 group_offset=1 pixel_offset=0 run=35 out_run=35}
    unpack
      Unpack y: unpack[per_thread=8 quads=0](s0 x1) elements 5 per group of 5 by 64 {record=5 images=1 pixels=35 groups=2 stride=5 base=0}
    ");
}
