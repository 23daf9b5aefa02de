//! A small network with every kind of coupling, for tests of whole plans.

use crate::compare::within;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, Coordinates, Gemm, Graph, Interpolation, Padding, Pool, Resize, Shapes,
    Sizes, Target, ValueId,
};
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{Plan, PlanOptions, build};
use wgpu_pagcp::reference::{Array, bounds};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::units::{Keeps, Units, analyse};

/// Reproducible numbers in -1..1.
pub fn numbers(seed: u32, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// A tensor of [`numbers`].
pub fn tensor(seed: u32, shape: &[usize]) -> Tensor {
    Tensor::from_f32(shape.to_vec(), numbers(seed, count(shape))).expect("as many numbers as elements")
}

fn conv(b: &mut Builder, seed: u32, x: ValueId, [out, inputs, kernel]: [usize; 3], groups: usize) -> ValueId {
    let pad = kernel / 2;
    let conv = Conv2d { groups, pads: Padding::Explicit([pad; 4]), ..Conv2d::new([kernel; 2]) };
    let weight = tensor(seed, &[out, inputs / groups, kernel, kernel]);
    b.conv(x, conv, weight, Some(tensor(seed + 1, &[out])))
}

/// A stem, a residual block, a depthwise block, a pyramid with a concatenation, and two heads: `map` and `vector`.
pub fn graph(size: [usize; 2]) -> Graph {
    let [height, width] = size;
    let mut b = Builder::new("small");
    let x = b.image("x", [3, height, width]);
    let stem = conv(&mut b, 1, x, [10, 3, 3], 1);
    let stem = b.activation(stem, Activation::Relu);
    let inner = conv(&mut b, 3, stem, [7, 10, 3], 1);
    let inner = b.activation(inner, Activation::Silu);
    let inner = conv(&mut b, 5, inner, [10, 7, 1], 1);
    let sum = b.add(inner, stem);
    let sum = b.activation(sum, Activation::Relu);
    let wide = conv(&mut b, 7, sum, [13, 10, 1], 1);
    let deep = conv(&mut b, 9, wide, [13, 13, 3], 13);
    let deep = b.activation(deep, Activation::HardSwish);
    let low = b.max_pool(deep, Pool { strides: [2, 2], ..Pool::new([2, 2]) });
    let low = conv(&mut b, 11, low, [6, 13, 3], 1);
    let target = Target::Sizes(size);
    let interpolation = Interpolation::Linear;
    let high = b.resize(low, Resize { target, coordinates: Coordinates::HalfPixel, interpolation });
    let joined = b.concat(&[deep, high], 1);
    let map = conv(&mut b, 13, joined, [5, 19, 1], 1);
    b.output(map, "map");
    let mean = b.global_average_pool(low);
    let flat = b.flatten(mean, 1);
    let gemm = Gemm { trans_b: true, ..Gemm::default() };
    let vector = b.gemm(flat, gemm, tensor(15, &[9, 6]), Some(tensor(16, &[9])));
    b.output(vector, "vector");
    b.finish().expect("the graph is sound")
}

/// A network ready to plan.
pub struct Network {
    /// As imported.
    pub graph: Graph,
    /// As it runs.
    pub optimised: Graph,
    /// Of the optimised graph.
    pub shapes: Shapes,
    /// Of the imported graph.
    pub units: Units,
    batch: usize,
}

impl Network {
    /// Of `graph`, for `batch` images.
    pub fn new(graph: Graph, batch: usize) -> Self {
        let sizes = Sizes::batch(batch);
        let units = analyse(&graph, &graph.infer(&sizes).expect("shapes agree"));
        Self::with_units(graph, units, batch)
    }

    fn with_units(graph: Graph, units: Units, batch: usize) -> Self {
        let sizes = Sizes::batch(batch);
        let optimised = optimise(&graph, &sizes).expect("the graph optimises").graph;
        let shapes = optimised.infer(&sizes).expect("shapes agree");
        Self { graph, optimised, shapes, units, batch }
    }

    /// The network that keeps the first `keep[u]` coordinates of every unit.
    pub fn compacted(&self, keep: &[usize]) -> Self {
        self.keeping(&Keeps::prefix(&self.units, keep))
    }

    /// The network that keeps some coordinates of every unit, in some order.
    pub fn keeping(&self, keeps: &Keeps) -> Self {
        let shapes = self.graph.infer(&Sizes::batch(self.batch)).expect("shapes agree");
        let graph = compact(&self.graph, &shapes, &self.units, keeps).expect("the units are closed");
        Self::with_units(graph, self.units.pruned(keeps), self.batch)
    }

    /// Its plan.
    pub fn plan(&self, options: &PlanOptions) -> Plan {
        build(&self.optimised, &self.shapes, &self.units, options).expect("the network can be planned")
    }

    /// A session of it on `gpu`.
    pub fn session(&self, gpu: &Gpu, candidates: usize) -> Session {
        Session::new(gpu, self.plan(&gpu.plan_options(self.batch)), candidates).expect("the plan fits")
    }

    /// Panics unless every layer, on what the layers before it really gave it, is within the bounds of the reference.
    pub fn check_layers(&self, gpu: &Gpu, input: &[f32]) {
        let options = PlanOptions { keep_all: true, ..gpu.plan_options(self.batch) };
        let mut session = Session::new(gpu, self.plan(&options), 0).expect("the plan fits");
        session.poison().expect("the device works");
        session.run(&[input]).expect("the device works");
        let mut values: Vec<Option<Array>> =
            self.optimised.values.iter().map(|v| v.constant.as_deref().map(Array::from)).collect();
        let x = self.optimised.inputs[0];
        values[x.0] = Some(Array::from_f32(self.shapes[x.0].clone(), input).expect("the input fits"));
        let probes = session.values().expect("all values are kept");
        for (probe, node) in probes.iter().zip(&self.optimised.nodes) {
            let array = Array::from_f32(probe.shape.clone(), &probe.values).expect("shapes agree");
            values[node.outputs[0].0] = Some(array);
        }
        assert_eq!(probes.len(), self.optimised.nodes.len());
        let bounds = bounds(&self.optimised, &self.shapes, &values).expect("the reference runs");
        for (probe, bounded) in probes.iter().zip(bounds) {
            within(&probe.name, &probe.values, &bounded.expected.data, &bounded.tolerance.data);
        }
    }

    /// Reproducible contents of its input.
    pub fn input(&self, seed: u32) -> Vec<f32> {
        numbers(seed, count(&self.shapes[self.graph.inputs[0].0]))
    }

    /// About `tenths` tenths of every unit, at least one coordinate, never a multiple of 4 where that can be.
    pub fn keep(&self, tenths: usize) -> Vec<usize> {
        self.units.units.iter().map(|unit| (unit.channels * tenths / 10).max(1)).collect()
    }
}
