//! Whole plans on a device: against the reference layer by layer, masked against compacted, and on a lent device.

use crate::compare::{same_bits, within};
use crate::harness::gpus;
use crate::network::{Network, graph};
use std::time::Duration;
use wgpu_pagcp::gpu::{Gpu, GpuError, Normalise, Session};
use wgpu_pagcp::kernels::{Access, Kernel, Spec};
use wgpu_pagcp::plan::{Grid, Operand, PlanOptions, Step};
use wgpu_pagcp::wgpu;

#[test]
fn every_layer_is_within_the_bound_of_its_reference() {
    let Some(gpus) = gpus() else { return };
    let network = Network::new(graph([11, 14]), 2);
    for gpu in gpus {
        network.check_layers(&gpu, &network.input(7));
    }
}

#[test]
fn reused_buffers_change_nothing() {
    let Some(gpus) = gpus() else { return };
    let network = Network::new(graph([11, 14]), 1);
    let input = network.input(3);
    for gpu in gpus {
        let options = PlanOptions { keep_all: true, ..gpu.plan_options(1) };
        let mut apart = Session::new(&gpu, network.plan(&options), 0).unwrap();
        let mut shared = network.session(&gpu, 0);
        assert!(shared.plan().slots.len() < apart.plan().slots.len());
        let expected = apart.run(&[&input]).unwrap();
        for _ in 0..2 {
            shared.poison().unwrap();
            for (found, expected) in shared.run(&[&input]).unwrap().iter().zip(&expected) {
                same_bits("shared buffers", found, expected);
            }
        }
    }
}

#[test]
fn a_masked_network_equals_the_compacted_one_bit_for_bit() {
    let Some(gpus) = gpus() else { return };
    let network = Network::new(graph([9, 13]), 2);
    assert!(network.units.units.len() >= 4, "{:?}", network.units);
    let input = network.input(5);
    for gpu in gpus {
        let mut masked = network.session(&gpu, 1);
        for tenths in [2, 5, 7, 9] {
            let keep = network.keep(tenths);
            masked.poison().unwrap();
            let found = masked.run_masked(&[&input], &keep).unwrap();
            let mut compacted = network.compacted(&keep).session(&gpu, 0);
            let expected = compacted.run(&[&input]).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                same_bits(&format!("keep {keep:?}"), found, expected);
            }
        }
    }
}

/// Copies the first pixels of `x` to where the candidate's index says, as a loss does.
static COPY: Kernel = Kernel {
    name: "copy_for_candidate",
    source: r#"#include "live"
struct Params { size: u32 }
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < p.size) { y[live[0] * p.size + id.x] = x[id.x]; }
}
"#,
    bindings: &[Access::Read, Access::Write],
    params: &["size"],
    variants: Vec::new,
};

#[test]
fn trap_38_candidates_score_as_they_run_alone_however_submissions_are_cut() {
    let Some(gpus) = gpus() else { return };
    const SIZE: u32 = 5 * 4;
    let network = Network::new(graph([9, 13]), 1);
    let input = network.input(5);
    let candidates: Vec<Vec<usize>> = (1..=6).map(|tenths| network.keep(tenths)).collect();
    for gpu in gpus {
        let mut plan = network.plan(&gpu.plan_options(1));
        let results = plan.externals.len();
        plan.externals.push(u64::from(SIZE) * 4 * candidates.len() as u64);
        plan.losses.push(Step {
            node: "copy".to_owned(),
            op: "Loss",
            kernel: &COPY,
            spec: Spec::default(),
            params: vec![SIZE],
            operands: vec![plan.outputs[0].operand, Operand::External(results)],
            grid: Grid::Fixed([1, 1, 1]),
            macs: 0,
        });
        let mut session = Session::new(&gpu, plan, candidates.len()).unwrap();
        session.upload(&[&input], &[]).unwrap();
        session.score(&candidates).unwrap();
        let whole = session.read_external(results).unwrap();
        assert!(whole.iter().all(|value| value.is_finite()));
        session.set_budget(Duration::from_nanos(1));
        session.score(&candidates).unwrap();
        same_bits("cut submissions", &session.read_external(results).unwrap(), &whole);
        for (keep, expected) in candidates.iter().zip(whole.chunks_exact(SIZE as usize)) {
            session.upload(&[&input], &[]).unwrap();
            session.score(std::slice::from_ref(keep)).unwrap();
            same_bits("alone", &session.read_external(results).unwrap()[..SIZE as usize], expected);
        }
        let error = session.score(&vec![vec![]; 7]).unwrap_err();
        assert_eq!(error.to_string(), "the session has room for 6 candidates at once, found 7");
    }
}

#[test]
fn wrong_inputs_are_named() {
    let Some([gpu, _]) = gpus() else { return };
    let mut session = Network::new(graph([9, 13]), 1).session(&gpu, 0);
    let error = session.run(&[]).unwrap_err();
    assert_eq!(error.to_string(), "the network takes 1 inputs, found 0");
    let error = session.run(&[&[0.0; 5]]).unwrap_err();
    assert_eq!(error.to_string(), "input x of shape [1, 3, 9, 13] needs 351 numbers, found 5");
}

#[test]
fn every_step_is_timed() {
    let Some([_, gpu]) = gpus() else { return };
    let network = Network::new(graph([33, 29]), 1);
    let mut session = network.session(&gpu, 0);
    session.run(&[&network.input(1)]).unwrap();
    let timings = session.timings().unwrap();
    let plan = session.plan();
    assert_eq!(timings.steps.len(), plan.pack.len() + plan.steps.len() + plan.unpack.len());
    assert!(timings.steps.iter().all(|step| step.seconds >= 0.0 && step.seconds < 10.0));
    assert!(timings.steps.iter().any(|step| step.seconds > 0.0));
    assert_eq!(timings.steps.iter().map(|step| step.macs).sum::<u64>(), plan.macs());
}

/// A device opened as a host application would, with its own command encoder and nothing of this crate's handlers.
struct Host {
    gpu: Gpu,
}

impl Host {
    fn open() -> Option<Self> {
        let instance = wgpu::Instance::default();
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
        let adapter = adapters.into_iter().next()?;
        let request = adapter.request_device(&wgpu::DeviceDescriptor::default());
        let (device, queue) = pollster::block_on(request).expect("default limits are always there");
        Some(Self { gpu: Gpu::from_device(device, queue) })
    }

    fn encode_and_read(&self, session: &Session) -> Vec<Vec<f32>> {
        let device = self.gpu.device();
        let mut encoder = device.create_command_encoder(&Default::default());
        session.encode(&mut encoder);
        let staged: Vec<wgpu::Buffer> = (0..session.plan().outputs.len())
            .map(|i| {
                let output = session.output_buffer(i);
                let staging = device.create_buffer(&wgpu::BufferDescriptor {
                    label: None,
                    size: output.size(),
                    usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                });
                encoder.copy_buffer_to_buffer(output, 0, &staging, 0, output.size());
                staging
            })
            .collect();
        self.gpu.queue().submit([encoder.finish()]);
        staged.iter().for_each(|staging| staging.map_async(wgpu::MapMode::Read, .., |_| ()));
        device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
        staged
            .iter()
            .map(|staging| {
                let view = staging.get_mapped_range(..).expect("the staging buffer is mapped");
                bytemuck::pod_collect_to_vec(&view)
            })
            .collect()
    }
}

#[test]
fn a_lent_device_is_encoded_into_and_computes_the_same() {
    let (Some([own, _]), Some(host)) = (gpus(), Host::open()) else { return };
    let network = Network::new(graph([9, 13]), 1);
    let input = network.input(2);
    let own = own.with_class(host.gpu.class());
    let expected = network.session(&own, 0).run(&[&input]).unwrap();
    let mut session = network.session(&host.gpu, 0);
    assert!(host.gpu.is_lent());
    assert!(matches!(session.run(&[&input]), Err(GpuError::Unsupported(_))));
    host.gpu.queue().write_buffer(session.input_buffer(0), 0, bytemuck::cast_slice(&input));
    for (found, expected) in host.encode_and_read(&session).iter().zip(&expected) {
        same_bits("lent device", &found[..expected.len()], expected);
    }
}

#[test]
fn nothing_is_submitted_to_a_lent_device() {
    let Some(host) = Host::open() else { return };
    let network = Network::new(graph([9, 13]), 1);
    let input = network.input(2);
    let options = PlanOptions { keep_all: true, ..host.gpu.plan_options(1) };
    let mut session = Session::new(&host.gpu, network.plan(&options), 1).unwrap();
    let results = [
        session.run(&[&input]).map(drop),
        session.run_masked(&[&input], &[]).map(drop),
        session.upload(&[&input], &[]),
        session.score(&[vec![]]),
        session.values().map(drop),
        session.timings().map(drop),
        session.read_external(0).map(drop),
    ];
    for (call, result) in results.into_iter().enumerate() {
        let error = result.expect_err("the device is lent").to_string();
        assert!(error.starts_with("a lent device is never submitted to"), "call {call}: {error}");
    }
}

#[test]
fn a_texture_is_read_resized_and_normalised() {
    let (Some([own, _]), Some(host)) = (gpus(), Host::open()) else { return };
    let network = Network::new(graph([8, 12]), 1);
    let own = own.with_class(host.gpu.class());
    let (width, height) = (24u32, 16u32);
    let texels: Vec<u8> = (0..width * height * 4).map(|i| (i * 37 % 251) as u8).collect();
    let texture = wgpu::util::DeviceExt::create_texture_with_data(
        host.gpu.device(),
        host.gpu.queue(),
        &wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        },
        wgpu::util::TextureDataOrder::default(),
        &texels,
    );
    let view = texture.create_view(&Default::default());
    for (bgr, linear) in [(false, false), (true, false), (true, true)] {
        let normalise =
            Normalise { scale: 2.0, mean: [0.5, 0.25, 0.0, 0.0], std: [0.5, 2.0, 4.0, 1.0], bgr, linear };
        let at = |y: usize, x: usize, c: usize| f32::from(texels[(y * width as usize + x) * 4 + c]) / 255.0;
        let pixel = |c: usize, i: usize| {
            let (y, x) = (2 * (i / 12), 2 * (i % 12));
            let source = if bgr { 2 - c } else { c };
            let four =
                [at(y, x, source), at(y, x + 1, source), at(y + 1, x, source), at(y + 1, x + 1, source)];
            let texel = if linear { four.iter().sum::<f32>() / 4.0 } else { four[3] };
            (texel * normalise.scale - normalise.mean[c]) / normalise.std[c]
        };
        let input: Vec<f32> =
            (0..3).flat_map(|c| (0..96).map(move |i| (c, i))).map(|(c, i)| pixel(c, i)).collect();
        let expected = network.session(&own, 0).run(&[&input]).unwrap();
        let mut session = network.session(&host.gpu, 0);
        session.bind_input_texture(0, &view, &normalise).unwrap();
        for (found, expected) in host.encode_and_read(&session).iter().zip(&expected) {
            let exact: Vec<f64> = expected.iter().map(|&value| f64::from(value)).collect();
            let largest = exact.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
            within("texture", &found[..exact.len()], &exact, &vec![largest * 1e-5; exact.len()]);
        }
    }
}
