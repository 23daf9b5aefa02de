//! How fast single convolutions, and gradients of their weights, run on the default device: GFLOP/s, of direct sums whatever
//! the algorithm, with the device's own class of kernels, with those of direct sums alone, and with the portable one. Then
//! every tile that a thread may have instead, by its pixels, with a star at what `select` takes, and its share of the best.
//! Run with `cargo bench --bench kernels`; words after `--` pick the layers whose labels have them.
//!
//! A layer's time is the difference between a submission of many equal dispatches and one of a few, so that uploads
//! and submission cost nothing; classes take turns, so that a busy machine slows both.

use std::time::Instant;
use wgpu_pagcp::gpu::{Gpu, GpuError, Selector, execute};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Epilogue, Graph, Op, Padding, Sizes, Training};
use wgpu_pagcp::kernels::Spec;
use wgpu_pagcp::kernels::live::LiveTable;
use wgpu_pagcp::plan::{DeviceClass, Lowering, Operand, Step, lower};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::units::Units;

/// A layer: channels in and out, kernel, stride, rows and columns of the input, groups, and how many images the gradient of
/// its weight is summed over, if it is that.
struct Layer {
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    size: [usize; 2],
    groups: usize,
    gradient: Option<usize>,
}

const fn layer(channels: [usize; 2], kernel: usize, stride: usize, size: [usize; 2]) -> Layer {
    Layer { channels, kernel, stride, size, groups: 1, gradient: None }
}

const fn gradient(channels: [usize; 2], kernel: usize, stride: usize, size: [usize; 2]) -> Layer {
    Layer { gradient: Some(8), ..layer(channels, kernel, stride, size) }
}

/// Of ResNet-18, MobileNetV2 and a multitask network of a tenth of their work.
const LAYERS: &[Layer] = &[
    layer([3, 64], 7, 2, [224, 224]),
    layer([64, 64], 3, 1, [56, 56]),
    layer([64, 128], 3, 2, [56, 56]),
    layer([64, 128], 1, 2, [56, 56]),
    layer([128, 128], 3, 1, [28, 28]),
    layer([256, 256], 3, 1, [14, 14]),
    layer([256, 512], 3, 2, [14, 14]),
    layer([512, 512], 3, 1, [7, 7]),
    layer([3, 32], 3, 2, [224, 224]),
    layer([32, 16], 1, 1, [112, 112]),
    layer([16, 96], 1, 1, [112, 112]),
    layer([144, 24], 1, 1, [56, 56]),
    layer([64, 384], 1, 1, [14, 14]),
    layer([960, 160], 1, 1, [7, 7]),
    layer([320, 1280], 1, 1, [7, 7]),
    layer([1280, 1000], 1, 1, [1, 1]),
    Layer { groups: 96, ..layer([96, 96], 3, 2, [112, 112]) },
    Layer { groups: 144, ..layer([144, 144], 3, 1, [56, 56]) },
    Layer { groups: 384, ..layer([384, 384], 3, 1, [14, 14]) },
    Layer { groups: 960, ..layer([960, 960], 3, 1, [7, 7]) },
    layer([32, 32], 3, 1, [24, 32]),
    layer([64, 64], 3, 1, [12, 16]),
    layer([128, 128], 3, 1, [6, 8]),
    gradient([64, 64], 3, 1, [56, 56]),
    gradient([64, 128], 3, 2, [56, 56]),
    gradient([512, 512], 3, 1, [7, 7]),
    gradient([3, 64], 7, 2, [224, 224]),
    gradient([16, 96], 1, 1, [112, 112]),
    gradient([144, 24], 1, 1, [56, 56]),
    gradient([24, 24], 3, 1, [24, 32]),
    gradient([32, 32], 3, 1, [24, 32]),
    gradient([64, 64], 3, 1, [12, 16]),
    gradient([3, 16], 3, 2, [96, 128]),
    gradient([512, 100], 1, 1, [1, 1]),
    Layer { groups: 144, ..gradient([144, 144], 3, 1, [56, 56]) },
    Layer { groups: 8, ..gradient([48, 48], 3, 1, [28, 28]) },
];

/// No kernel has more tiles to choose from.
const TILES: usize = 4;

/// Turns that each class takes.
const TURNS: usize = 9;

/// Dispatches of the short and the long submission of convolutions, and of gradients.
const REPEATS: [[usize; 2]; 2] = [[2, 42], [1, 9]];

impl Layer {
    fn label(&self) -> String {
        let Self { channels, kernel, stride, size, groups, gradient } = self;
        let name = if gradient.is_some() { "gradient " } else { "" };
        format!("{name}{kernel}x{kernel} s{stride} {channels:?} @{size:?} g{groups}")
    }
}

struct Bench {
    gpu: Gpu,
    steps: Vec<Step>,
    macs: usize,
    repeats: [usize; 2],
    live: LiveTable,
    buffers: Vec<Vec<f32>>,
}

fn graph(layer: &Layer, direct: bool) -> Graph {
    let [inputs, outputs] = layer.channels;
    let mut b = Builder::new("layer");
    let x = b.image("x", [inputs, layer.size[0], layer.size[1]]);
    let op = Conv2d {
        strides: [layer.stride; 2],
        pads: Padding::Explicit([layer.kernel / 2; 4]),
        groups: layer.groups,
        direct,
        ..Conv2d::new([layer.kernel; 2])
    };
    let y = if layer.gradient.is_some() {
        let [height, width] = layer.size.map(|size| size.div_ceil(layer.stride));
        let dy = b.image("dy", [outputs, height, width]);
        b.node(Op::Training(Training::ConvWeight(op)), &[x, dy])
    } else {
        let shape = vec![outputs, inputs / layer.groups, layer.kernel, layer.kernel];
        let weight = (0..count(&shape)).map(|i| (i % 17) as f32 / 17.0 - 0.5).collect();
        let weight = Tensor::from_f32(shape, weight).expect("the shape fits");
        let weight = b.constant("weight", weight);
        let epilogue = Epilogue::Activation(Activation::Relu);
        b.node(Op::Conv(Conv2d { epilogue, ..op }), &[x, weight])
    };
    b.output(y, "y");
    b.finish().expect("the graph is consistent")
}

fn prepare(gpu: Gpu, layer: &Layer, direct: bool, tile: Option<usize>) -> Bench {
    let graph = &graph(layer, direct);
    let shapes = graph.infer(&Sizes::batch(layer.gradient.unwrap_or(1))).expect("the graph is consistent");
    let units = Units { segments: vec![Vec::new(); graph.values.len()], ..Units::default() };
    let mut cx = Lowering::new(graph, &shapes, &units, gpu.class());
    cx.tile = tile;
    lower(&mut cx, &graph.nodes[0]).expect("convolutions are supported");
    let mut buffers: Vec<Vec<f32>> = cx.constants.iter().map(|c| c.to_vec()).collect();
    let constants = buffers.len();
    buffers.extend(cx.slots().iter().map(|&bytes| vec![0.5; bytes as usize / 4]));
    let mut steps = cx.steps.clone();
    for operand in steps.iter_mut().flat_map(|step| &mut step.operands) {
        *operand = match *operand {
            Operand::Slot(slot) => Operand::External(constants + slot),
            Operand::Constant(constant) => Operand::External(constant),
            external @ (Operand::External(_) | Operand::Part { .. }) => external,
        };
    }
    let live = cx.live.table(0, &[]);
    let pixels: usize = layer.size.iter().map(|size| size.div_ceil(layer.stride)).product();
    let taps = layer.kernel * layer.kernel;
    let pixels = layer.gradient.unwrap_or(1) * pixels;
    let macs = pixels * taps * layer.channels[0] / layer.groups * layer.channels[1];
    let repeats = REPEATS[usize::from(layer.gradient.is_some())];
    Bench { gpu, steps, macs, repeats, live, buffers }
}

impl Bench {
    /// Seconds of one convolution.
    fn time(&mut self) -> Result<f64, GpuError> {
        let [few, many] = self.repeats;
        let seconds = [self.run(few)?, self.run(many)?];
        Ok((seconds[1] - seconds[0]) / (many - few) as f64)
    }

    /// Seconds of a submission of `repeats` convolutions.
    fn run(&mut self, repeats: usize) -> Result<f64, GpuError> {
        let steps = vec![self.steps.as_slice(); repeats].concat();
        let start = Instant::now();
        execute(&self.gpu, &steps, &self.live, &mut self.buffers)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn gflops(&self, seconds: f64) -> f64 {
        2.0 * self.macs as f64 / seconds / 1e9
    }

    /// The kernels and their specialisations.
    fn specs(&self) -> Vec<(&'static str, &Spec)> {
        self.steps.iter().map(|step| (step.kernel.name, &step.spec)).collect()
    }

    /// The pixels of a thread of the kernel that multiplies.
    fn tile(&self) -> String {
        let step = self.steps.iter().max_by_key(|step| step.macs).expect("a convolution has steps");
        let word = |name| step.spec.0.iter().find(|word| word.0 == name).map_or(1, |word| word.1);
        format!("{}x{}", word("nr"), word("np"))
    }
}

/// The seconds of every bench, ascending, by turns.
fn times(benches: &mut [Bench], turns: usize) -> Result<Vec<Vec<f64>>, GpuError> {
    let mut times = vec![Vec::new(); benches.len()];
    for _ in 0..turns {
        for (bench, times) in benches.iter_mut().zip(&mut times) {
            times.push(bench.time()?);
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    Ok(times)
}

/// Every tile that threads may have, in a line; nothing where there is no choice.
fn tiles(gpu: &Gpu, layer: &Layer, turns: usize) -> Result<(), GpuError> {
    let mut benches = vec![prepare(gpu.clone(), layer, false, None)];
    for tile in 0..TILES {
        let bench = prepare(gpu.clone(), layer, false, Some(tile));
        if benches.iter().all(|other| other.specs() != bench.specs()) {
            benches.push(bench);
        }
    }
    for bench in &mut benches {
        bench.run(1)?;
    }
    if benches.len() == 1 || turns == 0 {
        return Ok(());
    }
    let medians: Vec<f64> = times(&mut benches, turns)?.iter().map(|times| times[turns / 2]).collect();
    let best = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let told = benches.iter().zip(&medians).enumerate().map(|(at, (bench, &median))| {
        format!("{}{} {:.1}", bench.tile(), if at == 0 { "*" } else { "" }, bench.gflops(median))
    });
    let told: Vec<String> = told.collect();
    println!("{:36} {}: {:.2} of the best", "", told.join(", "), best / medians[0]);
    Ok(())
}

fn main() -> Result<(), GpuError> {
    let gpu = Gpu::open(&Selector::Best)?;
    let own = gpu.class();
    println!("{}, own class {own:?}; GFLOP/s at the least and the median time", gpu.info().name);
    // `cargo test` runs benches too, without this argument: it only sees that layers run.
    let turns = if std::env::args().any(|argument| argument == "--bench") { TURNS } else { 0 };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for layer in LAYERS {
        let label = layer.label();
        if !wanted.iter().all(|word| label.contains(word)) {
            continue;
        }
        let kinds = [(own, false), (own, true), (DeviceClass::Portable, true)];
        let mut benches = kinds.map(|(class, direct)| prepare(gpu.with_class(class), layer, direct, None));
        for bench in &mut benches {
            bench.run(1)?;
        }
        if turns == 0 {
            tiles(&gpu, layer, turns)?;
            println!("{label:36} runs");
            continue;
        }
        let times = times(&mut benches, turns)?;
        let [own, direct, portable] = [0, 1, 2].map(|i| {
            let [least, median] = [0, turns / 2].map(|at| benches[i].gflops(times[i][at]));
            format!("{least:6.1} ({median:6.1})")
        });
        println!("{label:36} own {own}   direct {direct}   portable {portable}");
        tiles(&gpu, layer, turns)?;
    }
    Ok(())
}
