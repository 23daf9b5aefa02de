//! Inputs that convolutions read as the caller has them, and outputs that steps write so.

use crate::compare::same_bits;
use crate::conv::ways;
use crate::network::{Network, tensor};
use wgpu_pagcp::gpu::{Gpu, Normalise, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Gemm, Graph, Padding};
use wgpu_pagcp::plan::{DeviceClass, Operand, Plan, PlanOptions};
use wgpu_pagcp::wgpu;

/// A picture, a convolution, and a product of the mean.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    channels: usize,
    size: [usize; 2],
    kernel: usize,
    stride: usize,
    classes: usize,
    /// Whether two convolutions read the picture.
    twice: bool,
}

const PLAIN: Case =
    Case { batch: 1, channels: 3, size: [9, 11], kernel: 3, stride: 1, classes: 6, twice: false };

impl Case {
    fn graph(&self) -> Graph {
        let Self { channels, size, kernel, stride, classes, .. } = *self;
        let mut b = Builder::new("direct");
        let image = b.image("image", [channels, size[0], size[1]]);
        let conv = Conv2d {
            strides: [stride; 2],
            pads: Padding::Explicit([kernel / 2; 4]),
            ..Conv2d::new([kernel; 2])
        };
        let stem = |b: &mut Builder, seed| {
            let weight = tensor(seed, &[10, channels, kernel, kernel]);
            let stem = b.conv(image, conv.clone(), weight, Some(tensor(seed + 50, &[10])));
            b.activation(stem, Activation::Relu)
        };
        let mut features = stem(&mut b, 1);
        if self.twice {
            let other = stem(&mut b, 2);
            features = b.add(features, other);
        }
        let mean = b.global_average_pool(features);
        let mean = b.flatten(mean, 1);
        let y = b.gemm(mean, Gemm::default(), tensor(3, &[10, classes]), None);
        b.output(y, "y");
        let map = b.conv(features, Conv2d::new([1, 1]), tensor(4, &[2, 10, 1, 1]), None);
        b.output(map, "map");
        b.finish().expect("the graph is sound")
    }
}

/// Cases, and whether their pictures are read and their products are written directly.
fn cases() -> Vec<(Case, bool, bool)> {
    vec![
        (PLAIN, true, true),
        (Case { batch: 3, classes: 8, stride: 2, ..PLAIN }, true, true),
        (Case { batch: 2, kernel: 7, stride: 2, size: [19, 16], ..PLAIN }, true, false),
        (Case { kernel: 1, size: [33, 40], ..PLAIN }, true, true),
        (Case { kernel: 4, stride: 4, size: [8, 12], ..PLAIN }, true, true),
        (Case { size: [64, 64], classes: 1, ..PLAIN }, true, true),
        (Case { channels: 1, ..PLAIN }, false, true),
        (Case { channels: 5, ..PLAIN }, false, true),
        (Case { twice: true, ..PLAIN }, false, true),
    ]
}

fn is_direct(plan: &Plan) -> [bool; 2] {
    let own = |operand, external| operand == Operand::External(external);
    let (input, y) = (&plan.inputs[0], &plan.outputs[0]);
    let found = [own(input.operand, input.external), own(y.operand, y.external)];
    assert_eq!([1 - plan.pack.len(), 2 - plan.unpack.len()], found.map(usize::from));
    found
}

fn outputs(gpu: &Gpu, network: &Network, options: &PlanOptions, keep: &[usize]) -> Vec<Vec<f32>> {
    let mut session = Session::new(gpu, network.plan(options), 1).expect("the plan fits");
    session.poison().expect("the device works");
    session.run_masked(&[&network.input(7)], keep).expect("it runs")
}

#[test]
fn what_the_caller_has_is_read_and_written_where_it_is() {
    for (at, (case, reads, writes)) in cases().into_iter().enumerate() {
        // Half of the cases take the checked kernels and half the unchecked ones.
        for gpu in ways().iter().skip(at % 2).step_by(2) {
            let label = format!("{:?} {case:?}", gpu.class());
            let network = Network::new(case.graph(), case.batch);
            let options = gpu.plan_options(case.batch);
            let kept = PlanOptions { keep_all: true, ..options };
            let reads = reads && matches!(gpu.class(), DeviceClass::Broadcast { .. });
            assert_eq!(is_direct(&network.plan(&options)), [reads, writes], "{label}");
            assert_eq!(is_direct(&network.plan(&kept)), [false, false], "{label}");
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

#[test]
fn a_texture_takes_the_place_of_what_the_caller_has() {
    for gpu in ways().iter().step_by(2) {
        let network = Network::new(PLAIN.graph(), 1);
        let [height, width] = PLAIN.size.map(|extent| extent as u32);
        // Devices convert these alike.
        let texels: Vec<u8> =
            (0..height * width * 4).map(|i| if i * 37 % 251 > 125 { 255 } else { 0 }).collect();
        let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        let descriptor = wgpu::TextureDescriptor {
            label: None,
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        };
        let order = wgpu::util::TextureDataOrder::default();
        let texture = wgpu::util::DeviceExt::create_texture_with_data(
            gpu.device(),
            gpu.queue(),
            &descriptor,
            order,
            &texels,
        );
        let planes = |c: usize| texels.chunks(4).map(move |texel| f32::from(texel[c]) / 255.0);
        let input: Vec<f32> = (0..3).flat_map(planes).collect();
        let expected = network.session(gpu, 0).run(&[&input]).expect("it runs");
        let mut session = network.session(gpu, 0);
        let normalise = Normalise { linear: false, ..Normalise::default() };
        // Bound a second time it is still read once.
        for _ in 0..2 {
            session
                .bind_input_texture(0, &texture.create_view(&Default::default()), &normalise)
                .expect("it fits");
        }
        let found = session.run(&[&vec![f32::NAN; input.len()]]).expect("it runs");
        for (found, expected) in found.iter().zip(&expected) {
            same_bits(&format!("{:?}", gpu.class()), found, expected);
        }
        session.timings().expect("steps are timed without what reads the texture");
    }
}
