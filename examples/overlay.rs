//! A host application that lends its device: the network is encoded between the host's own commands, reads the host's
//! texture, and a render pass of the host draws its output, all in one submission. Nothing is copied to the CPU but
//! the final picture.
//!
//! ```text
//! cargo run --example overlay -- [MODEL.onnx] [PICTURE.png] [OUT.png]
//! ```

use std::error::Error;
use std::path::Path;
use wgpu::util::DeviceExt;
use wgpu_pagcp::gpu::{Gpu, Normalise, Session, raise_limits, required_features};
use wgpu_pagcp::graph::Sizes;
use wgpu_pagcp::{onnx, optimise, plan, units, wgpu};

/// How the bundled network's pictures are normalised.
const NORMALISE: Normalise = Normalise {
    scale: 1.0,
    mean: [0.48, 0.45, 0.40, 0.0],
    std: [0.15, 0.15, 0.15, 1.0],
    bgr: false,
    linear: true,
};

const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| "models/scenes/scenes.onnx".to_owned());
    let picture = match arguments.next() {
        Some(path) => image::open(path)?.to_rgba8(),
        None => room(),
    };
    let out = arguments.next().unwrap_or_else(|| "overlay.png".to_owned());

    let (device, queue) = open_device()?;
    let gpu = Gpu::from_device(device.clone(), queue.clone());
    let mut session = load(&gpu, Path::new(&model))?;
    let seg = session.plan().outputs.iter().position(|port| port.name == "seg");
    let seg = seg.ok_or("the model has no output called seg")?;

    let texture = upload(&device, &queue, &picture);
    session.bind_input_texture(0, &texture.create_view(&Default::default()), &NORMALISE)?;
    let overlay = Overlay::new(&device, &session, seg, &texture);

    let mut encoder = device.create_command_encoder(&Default::default());
    session.encode(&mut encoder);
    overlay.encode(&mut encoder);
    let staging = copy_out(&device, &mut encoder, &overlay.target);
    queue.submit([encoder.finish()]);

    let drawn = download(&device, &staging, picture.dimensions())?;
    drawn.save(&out)?;
    println!("{out}");
    Ok(())
}

fn open_device() -> Result<(wgpu::Device, wgpu::Queue), Box<dyn Error>> {
    let instance = wgpu::Instance::default();
    let adapter = pollster::block_on(instance.request_adapter(&Default::default()))?;
    Ok(pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: required_features(adapter.features()),
        required_limits: raise_limits(wgpu::Limits::default(), &adapter.limits()),
        ..Default::default()
    }))?)
}

fn load(gpu: &Gpu, model: &Path) -> Result<Session, Box<dyn Error>> {
    let graph = onnx::load(model)?;
    let sizes = Sizes::batch(1);
    let units = units::analyse(&graph, &graph.infer(&sizes)?);
    let optimised = optimise::optimise(&graph, &sizes)?.graph;
    let shapes = optimised.infer(&sizes)?;
    let plan = plan::build(&optimised, &shapes, &units, &gpu.plan_options(1))?;
    Ok(Session::new(gpu, plan, 0)?)
}

fn upload(device: &wgpu::Device, queue: &wgpu::Queue, picture: &image::RgbaImage) -> wgpu::Texture {
    let usage = wgpu::TextureUsages::TEXTURE_BINDING;
    let descriptor = texture("picture", picture.dimensions(), usage);
    device.create_texture_with_data(queue, &descriptor, wgpu::util::TextureDataOrder::LayerMajor, picture)
}

fn texture(
    label: &'static str,
    (width, height): (u32, u32),
    usage: wgpu::TextureUsages,
) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: FORMAT,
        usage,
        view_formats: &[],
    }
}

/// The host's render pass.
struct Overlay {
    pipeline: wgpu::RenderPipeline,
    bindings: wgpu::BindGroup,
    target: wgpu::Texture,
}

impl Overlay {
    fn new(device: &wgpu::Device, session: &Session, output: usize, picture: &wgpu::Texture) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("overlay.wgsl"));
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("overlay"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("cover"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("paint"),
                compilation_options: Default::default(),
                targets: &[Some(FORMAT.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let shape = &session.plan().outputs[output].shape;
        let size = [shape[3] as u32, shape[2] as u32, shape[1] as u32, 0];
        let size = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("size"),
            contents: bytemuck::cast_slice(&size),
            usage: wgpu::BufferUsages::UNIFORM,
        });
        let view = picture.create_view(&Default::default());
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("overlay"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                entry(0, wgpu::BindingResource::TextureView(&view)),
                entry(1, session.output_buffer(output).as_entire_binding()),
                entry(2, size.as_entire_binding()),
            ],
        });
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC;
        let target = device.create_texture(&texture("target", (picture.width(), picture.height()), usage));
        Self { pipeline, bindings, target }
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let view = self.target.create_view(&Default::default());
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("overlay"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations::default(),
            })],
            ..Default::default()
        });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// Bytes of a row in a copy of a texture `width` pixels wide.
fn row_bytes(width: u32) -> u32 {
    (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT)
}

fn copy_out(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    target: &wgpu::Texture,
) -> wgpu::Buffer {
    let bytes_per_row = row_bytes(target.width());
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size: u64::from(bytes_per_row) * u64::from(target.height()),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let layout =
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(bytes_per_row), rows_per_image: None };
    encoder.copy_texture_to_buffer(
        target.as_image_copy(),
        wgpu::TexelCopyBufferInfo { buffer: &staging, layout },
        target.size(),
    );
    staging
}

fn download(
    device: &wgpu::Device,
    staging: &wgpu::Buffer,
    (width, height): (u32, u32),
) -> Result<image::RgbaImage, Box<dyn Error>> {
    staging.map_async(wgpu::MapMode::Read, .., |_| ());
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let view = staging.get_mapped_range(..)?;
    let rows = view.chunks_exact(row_bytes(width) as usize);
    let pixels: Vec<u8> = rows.flat_map(|row| &row[..width as usize * 4]).copied().collect();
    image::RgbaImage::from_raw(width, height, pixels).ok_or_else(|| "the picture is incomplete".into())
}

/// A wall, a floor, a window and a box.
fn room() -> image::RgbaImage {
    image::RgbaImage::from_fn(512, 384, |x, y| {
        let [r, g, b] = match (x, y) {
            (190..=300, 60..=150) => [170, 205, 235],
            (80..=200, 220..=320) => [150, 95, 55],
            (_, 250..) => [120, 100, 80],
            _ => [205, 200, 185],
        };
        let shade = |c: u32| (c * (700 - x / 2 - y / 4) / 700) as u8;
        image::Rgba([shade(r), shade(g), shade(b), 255])
    })
}
