//! How fast single convolutions run on the default device: GFLOP/s of the layers of a 100-MMAC network, with the
//! device's own class of kernels and with the portable one. Run with `cargo bench --bench kernels`.
//!
//! A layer's time is the difference between a submission of many equal dispatches and one of a few, so that uploads
//! and submission cost nothing; classes take turns, so that a busy machine slows both.

use std::time::Instant;
use wgpu_pagcp::gpu::{Gpu, GpuError, Selector, execute};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Epilogue, Graph, Op, Padding, Sizes};
use wgpu_pagcp::kernels::live::LiveTable;
use wgpu_pagcp::plan::{DeviceClass, Lowering, Operand, Step, lower};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::units::Units;

/// A layer: channels in and out, kernel, stride, rows and columns of the input, groups.
struct Layer {
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    size: [usize; 2],
    groups: usize,
}

const fn layer(channels: [usize; 2], kernel: usize, stride: usize, size: [usize; 2]) -> Layer {
    Layer { channels, kernel, stride, size, groups: 1 }
}

const LAYERS: &[Layer] = &[
    layer([3, 16], 3, 2, [192, 256]),
    layer([16, 32], 3, 2, [96, 128]),
    layer([32, 32], 3, 1, [24, 32]),
    layer([64, 64], 3, 1, [12, 16]),
    layer([128, 128], 3, 1, [6, 8]),
    layer([64, 64], 3, 1, [24, 32]),
    layer([64, 64], 1, 1, [24, 32]),
    layer([256, 256], 1, 1, [28, 28]),
    layer([128, 128], 3, 1, [28, 28]),
    Layer { groups: 96, ..layer([96, 96], 3, 1, [56, 56]) },
];

/// Turns that each class takes.
const TURNS: usize = 9;

/// Dispatches of the short and the long submission.
const REPEATS: [usize; 2] = [2, 42];

struct Bench {
    gpu: Gpu,
    step: Step,
    live: LiveTable,
    buffers: Vec<Vec<f32>>,
}

fn graph(layer: &Layer) -> Graph {
    let [inputs, outputs] = layer.channels;
    let mut b = Builder::new("layer");
    let x = b.image("x", [inputs, layer.size[0], layer.size[1]]);
    let shape = vec![outputs, inputs / layer.groups, layer.kernel, layer.kernel];
    let weight = (0..count(&shape)).map(|i| (i % 17) as f32 / 17.0 - 0.5).collect();
    let weight = Tensor::from_f32(shape, weight).expect("the shape fits");
    let op = Conv2d {
        strides: [layer.stride; 2],
        pads: Padding::Explicit([layer.kernel / 2; 4]),
        groups: layer.groups,
        epilogue: Epilogue::Activation(Activation::Relu),
        ..Conv2d::new([layer.kernel; 2])
    };
    let weight = b.constant("weight", weight);
    let y = b.node(Op::Conv(op), &[x, weight]);
    b.output(y, "y");
    b.finish().expect("the graph is consistent")
}

fn prepare(gpu: Gpu, graph: &Graph) -> Bench {
    let shapes = graph.infer(&Sizes::batch(1)).expect("the graph is consistent");
    let units = Units { segments: vec![Vec::new(); graph.values.len()], ..Units::default() };
    let mut cx = Lowering::new(graph, &shapes, &units, gpu.class());
    lower(&mut cx, &graph.nodes[0]).expect("convolutions are supported");
    let mut buffers: Vec<Vec<f32>> = cx.constants.iter().map(|c| c.to_vec()).collect();
    let constants = buffers.len();
    buffers.extend(cx.slots().iter().map(|&bytes| vec![0.5; bytes as usize / 4]));
    let mut step = cx.steps[0].clone();
    for operand in &mut step.operands {
        *operand = match *operand {
            Operand::Slot(slot) => Operand::External(constants + slot),
            Operand::Constant(constant) => Operand::External(constant),
            external @ Operand::External(_) => external,
        };
    }
    let live = cx.live.table(0, &[]);
    Bench { gpu, step, live, buffers }
}

impl Bench {
    /// Seconds of one dispatch.
    fn time(&mut self) -> Result<f64, GpuError> {
        let mut seconds = [0.0; 2];
        for (seconds, repeats) in seconds.iter_mut().zip(REPEATS) {
            let steps = vec![self.step.clone(); repeats];
            let start = Instant::now();
            execute(&self.gpu, &steps, &self.live, &mut self.buffers)?;
            *seconds = start.elapsed().as_secs_f64();
        }
        Ok((seconds[1] - seconds[0]) / (REPEATS[1] - REPEATS[0]) as f64)
    }

    fn gflops(&self, seconds: f64) -> f64 {
        2.0 * self.step.macs as f64 / seconds / 1e9
    }
}

fn main() -> Result<(), GpuError> {
    let gpu = Gpu::open(&Selector::Best)?;
    let own = gpu.class();
    println!("{}, own class {own:?}; GFLOP/s at the least and the median time", gpu.info().name);
    for layer in LAYERS {
        let graph = graph(layer);
        let mut benches = [own, DeviceClass::Portable].map(|class| prepare(gpu.with_class(class), &graph));
        let mut times: [Vec<f64>; 2] = Default::default();
        for bench in &mut benches {
            bench.time()?;
        }
        for _ in 0..TURNS {
            for (bench, times) in benches.iter_mut().zip(&mut times) {
                times.push(bench.time()?);
            }
        }
        let [own, portable] = [0, 1].map(|i| {
            times[i].sort_by(f64::total_cmp);
            let [least, median] = [0, TURNS / 2].map(|at| benches[i].gflops(times[i][at]));
            format!("{least:6.1} ({median:6.1})")
        });
        let Layer { channels, kernel, stride, size, groups } = layer;
        let label = format!("{kernel}x{kernel} s{stride} {channels:?} @{size:?} g{groups}");
        println!("{label:36} own {own}   portable {portable}");
    }
    Ok(())
}
