//! The kernels that GPUs run: those of the plans of the bundled network and of one with the layers of ResNets.

use std::collections::BTreeMap;
use wgpu_pagcp::graph::{
    Activation, ArgMax, Builder, Conv2d, Coordinates, Gemm, Graph, Interpolation, Op, Padding, Pool, Resize,
    Sizes, Target, ValueId,
};
use wgpu_pagcp::kernels::{Kernel, Spec};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{DeviceClass, PlanOptions, build};
use wgpu_pagcp::tensor::{Dtype, Tensor, count};
use wgpu_pagcp::units::analyse;

/// A kernel, and its specialisation.
pub type Choice = (&'static Kernel, Spec);

/// What the planner picks for GPUs, each once, by name.
///
/// # Panics
/// If a network cannot be planned, which the tests of the library exclude.
pub fn choices() -> Vec<Choice> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");
    let bundled = onnx::load(path.as_ref()).expect("the bundled network is sound");
    let mut found = BTreeMap::new();
    for (graph, batch) in [(&bundled, 1), (&bundled, 32), (&resnet(), 1), (&resnet(), 8)] {
        let sizes = Sizes::batch(batch);
        let graph = optimise(graph, &sizes).expect("it optimises").graph;
        let shapes = graph.infer(&sizes).expect("its shapes agree");
        let units = analyse(&graph, &shapes);
        for dtype in [Dtype::F32, Dtype::F16] {
            let options = PlanOptions { class: DeviceClass::Gpu, batch, dtype, ..PlanOptions::default() };
            let plan = build(&graph, &shapes, &units, &options).expect("it can be planned");
            let steps = plan.pack.into_iter().chain(plan.steps).chain(plan.unpack);
            found.extend(steps.map(|step| ((step.kernel.name, step.spec), step.kernel)));
        }
    }
    found.into_iter().map(|((_, spec), kernel)| (kernel, spec)).collect()
}

/// More than a tile of outputs, so that there are tiles and what comes behind them.
const CHANNELS: usize = 72;

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::from_f32(shape.to_vec(), vec![0.0; count(shape)]).expect("as many numbers as elements")
}

fn conv(b: &mut Builder, x: ValueId, [inputs, kernel, stride]: [usize; 3]) -> ValueId {
    let pads = Padding::Explicit([kernel / 2; 4]);
    let conv = Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) };
    b.conv(x, conv, zeros(&[CHANNELS, inputs, kernel, kernel]), Some(zeros(&[CHANNELS])))
}

/// A basic block and a bottleneck, the first convolution of either with `stride`.
fn blocks(b: &mut Builder, x: ValueId, stride: usize) -> ValueId {
    let inner = conv(b, x, [CHANNELS, 3, stride]);
    let inner = b.activation(inner, Activation::Relu);
    let inner = conv(b, inner, [CHANNELS, 3, 1]);
    let skip = if stride == 1 { x } else { conv(b, x, [CHANNELS, 1, stride]) };
    let sum = b.add(inner, skip);
    let x = b.activation(sum, Activation::Relu);
    let inner = conv(b, x, [CHANNELS, 1, 1]);
    let inner = b.activation(inner, Activation::Relu);
    let inner = conv(b, inner, [CHANNELS, 3, 1]);
    let inner = b.activation(inner, Activation::Relu);
    let inner = conv(b, inner, [CHANNELS, 1, 1]);
    let sum = b.add(inner, x);
    b.activation(sum, Activation::Relu)
}

/// The layers of ResNets on a picture of 224 by 224, with the heads of a classifier, of a map and of its classes.
fn resnet() -> Graph {
    let mut b = Builder::new("resnet");
    let x = b.image("x", [3, 224, 224]);
    let x = conv(&mut b, x, [3, 7, 2]);
    let x = b.activation(x, Activation::Relu);
    let pads = Padding::Explicit([1; 4]);
    let mut x = b.max_pool(x, Pool { strides: [2; 2], pads, ..Pool::new([3, 3]) });
    for stride in [1, 2, 2, 2] {
        x = blocks(&mut b, x, stride);
    }
    let dilated = Conv2d { pads: Padding::Explicit([4; 4]), dilations: [2; 2], ..Conv2d::new([5; 2]) };
    let wide = b.conv(x, dilated, zeros(&[CHANNELS, CHANNELS, 5, 5]), None);
    let enlarge = |size| Resize {
        target: Target::Sizes([size; 2]),
        coordinates: Coordinates::HalfPixel,
        interpolation: Interpolation::Linear,
    };
    let map = b.resize(wide, enlarge(224));
    b.output(map, "map");
    let map = b.resize(x, enlarge(56));
    let largest = b.node(Op::ArgMax(ArgMax { axis: 1, keep_dims: false, last: false }), &[map]);
    b.output(largest, "largest");
    let mean = b.global_average_pool(x);
    let flat = b.flatten(mean, 1);
    let gemm = Gemm { trans_b: true, ..Gemm::default() };
    let classes = b.gemm(flat, gemm, zeros(&[10, CHANNELS]), Some(zeros(&[10])));
    b.output(classes, "classes");
    b.finish().expect("the graph is sound")
}
