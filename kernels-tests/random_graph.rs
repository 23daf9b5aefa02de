//! Random small networks and random legal prunings of them, the same for the same seed.

mod attention;
mod moves;
mod pointwise;
mod shrink;
mod spatial;
mod steps;

pub use shrink::verify;

use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, Dim, Extent, Gemm, Graph, Move, Op, Padding, Shapes, Sizes, ValueId,
};
use wgpu_pagcp::reference::Array;
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::{Keeps, Unit, Units, analyse};

/// A network, pictures for it, and its units.
pub struct RandomGraph {
    pub seed: u64,
    pub graph: Graph,
    pub shapes: Shapes,
    pub units: Units,
    pub batch: usize,
    pub inputs: Vec<Array>,
}

impl RandomGraph {
    /// The network of a seed: at most about a dozen nodes and half a million multiply-accumulates.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let batch = rng.pick(&[1, 1, 3]);
        let graph = Grower::grow(&mut rng, batch);
        let shapes = graph.infer(&Sizes::batch(batch)).expect("the generator keeps to the rules of shapes");
        let units = analyse(&graph, &shapes);
        let input = |id: &ValueId| Array::from(&rng.tensor(&shapes[id.0], 1.0));
        let inputs = graph.inputs.iter().map(input).collect();
        Self { seed, graph, shapes, units, batch, inputs }
    }

    /// Whether an analysis of the network that `counts` leave may order sums otherwise than pruning the analysis does: it
    /// takes a last coordinate for pinned channels, which moves may have brought beside others, and sees repeats of a
    /// gather that have become adjacent as one.
    pub fn orders_anew(&self, counts: &[usize]) -> bool {
        let moves = |op: &Op| {
            matches!(
                op,
                Op::Move(_)
                    | Op::Reshape { .. }
                    | Op::Flatten { .. }
                    | Op::Squeeze { .. }
                    | Op::Unsqueeze { .. }
            )
        };
        self.gathers() || counts.contains(&1) && self.graph.nodes.iter().any(|node| moves(&node.op))
    }

    /// Whether something takes channels by index.
    pub fn gathers(&self) -> bool {
        self.graph.nodes.iter().any(|node| matches!(node.op, Op::Move(Move::Gather { .. })))
    }

    /// What to write down of a failing case: the seed, the nodes, and what is kept of the units.
    pub fn describe(&self, keeps: &Keeps) -> String {
        let name = |id: &ValueId| format!("{} {:?}", self.graph.value(*id).name, self.shapes[id.0]);
        let mut text = format!("RandomGraph::new({}), batch {}\n", self.seed, self.batch);
        for node in &self.graph.nodes {
            let inputs: Vec<String> = node.inputs.iter().map(name).collect();
            let output = name(&node.outputs[0]);
            text += &format!("  {output} = {:?} of {}\n", node.op, inputs.join(", "));
        }
        for (unit, kept) in self.units.units.iter().zip(&keeps.0) {
            text += &format!("  unit {} of {} keeps {kept:?}\n", unit.id, unit.channels);
        }
        text
    }
}

/// The seeds of a test that takes every `step`-th from `first` on: `usual` in all, or as many as the variable
/// `PAGCP_GRAPHS` asks for.
pub fn seeds(first: u64, step: usize, usual: u64) -> impl Iterator<Item = u64> {
    let wanted =
        std::env::var("PAGCP_GRAPHS").ok().map(|count| count.parse().expect("PAGCP_GRAPHS is a number"));
    (first..wanted.unwrap_or(usual)).step_by(step)
}

/// The splitmix64 generator.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// About normally distributed with mean 0 and deviation 1.
    fn normal(&mut self) -> f32 {
        let sum: f64 = (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum();
        (sum - 6.0) as f32
    }

    pub fn tensor(&mut self, shape: &[usize], deviation: f32) -> Tensor {
        let values = (0..shape.iter().product()).map(|_| deviation * self.normal()).collect();
        Tensor::from_f32(shape.to_vec(), values).expect("the length fits")
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}

/// How many coordinates of every unit stay: often all, often one.
pub fn random_counts(units: &Units, rng: &mut Rng) -> Vec<usize> {
    let count = |unit: &Unit| match rng.below(5) {
        0 => unit.channels,
        1 => 1,
        _ => 1 + rng.below(unit.channels),
    };
    units.units.iter().map(count).collect()
}

/// Every unit in a random order.
pub fn random_orders(units: &Units, rng: &mut Rng) -> Keeps {
    Keeps(units.units.iter().map(|unit| rng.shuffled(unit.channels)).collect())
}

/// Random coordinates of every unit, in random order.
pub fn random_keeps(units: &Units, rng: &mut Rng) -> Keeps {
    let orders = random_orders(units, rng);
    let counts = random_counts(units, rng);
    orders.then(&Keeps::prefix(units, &counts))
}

/// The channels of a value that go.
pub fn pruned_channels(units: &Units, keeps: &Keeps, value: ValueId) -> Vec<usize> {
    let kept = units.kept_channels(keeps, value);
    let channels = units.segments(value).iter().map(|s| s.channels.len()).sum();
    (0..channels).filter(|channel| !kept.contains(channel)).collect()
}

/// Numbers of channels around the group size, mostly small.
const CHANNELS: [usize; 12] = [1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 8, 33];

/// Multiply-accumulates of all convolutions of one network.
const BUDGET: usize = 400_000;

struct Grower<'a> {
    rng: &'a mut Rng,
    b: Builder,
    /// The shape of every value so far.
    shapes: Vec<Vec<usize>>,
    /// Computed values and inputs of rank 4.
    maps: Vec<ValueId>,
    unread: Vec<ValueId>,
    inputs: Vec<ValueId>,
    outputs: Vec<ValueId>,
    budget: usize,
    constants: usize,
    /// The latest convolution, with its weight and bias.
    last_weight: Option<(Conv2d, Vec<ValueId>)>,
}

impl<'a> Grower<'a> {
    fn grow(rng: &'a mut Rng, batch: usize) -> Graph {
        let mut grower = Self {
            rng,
            b: Builder::new("random"),
            shapes: Vec::new(),
            maps: Vec::new(),
            unread: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            budget: BUDGET,
            constants: 0,
            last_weight: None,
        };
        let size = grower.rng.pick(&[[1, 1], [7, 5], [4, 4], [4, 8], [5, 8]]);
        let inputs = if grower.rng.chance(15) { 2 } else { 1 };
        for name in &["x", "z"][..inputs] {
            let channels = grower.rng.pick(&[1, 2, 3, 5]);
            grower.image(name, batch, [channels, size[0], size[1]]);
        }
        let x = grower.map();
        let channels = grower.channels();
        grower.same_conv(x, channels);
        for _ in 0..3 + grower.rng.below(6) {
            steps::random(&mut grower);
        }
        grower.heads();
        grower.b.finish().expect("the generator keeps to the rules of graphs")
    }

    fn image(&mut self, name: &str, batch: usize, size: [usize; 3]) {
        let mut dims = vec![Dim::Symbol("N".to_owned())];
        dims.extend(size.map(Dim::Fixed));
        let id = self.b.input(name, &dims);
        self.shapes.push([vec![batch], size.to_vec()].concat());
        self.maps.push(id);
        self.unread.push(id);
        self.inputs.push(id);
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.constants += 1;
        self.shapes.push(tensor.shape().to_vec());
        self.b.constant(&format!("k{}", self.constants), tensor)
    }

    /// Adds a node, unless its inputs do not fit.
    fn node(&mut self, op: Op, inputs: &[ValueId]) -> Option<ValueId> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|id| self.shapes[id.0].as_slice()).collect();
        let shape = output_shape(&op, &shapes).ok()?;
        let id = self.b.node(op, inputs);
        if shape.len() == 4 {
            self.maps.push(id);
        }
        self.shapes.push(shape);
        self.unread.retain(|unread| !inputs.contains(unread));
        self.unread.push(id);
        Some(id)
    }

    /// A map, mostly a late one.
    fn map(&mut self) -> ValueId {
        let last = self.maps.len() - 1;
        let back = self.rng.below(self.maps.len()).min(self.rng.below(self.maps.len()));
        self.maps[last - back]
    }

    fn channels(&mut self) -> usize {
        self.rng.pick(&CHANNELS)
    }

    fn size(&self, map: ValueId) -> [usize; 3] {
        let shape = &self.shapes[map.0];
        [shape[1], shape[2], shape[3]]
    }

    fn parameters(&mut self, shape: &[usize], deviation: f32) -> ValueId {
        let tensor = self.rng.tensor(shape, deviation);
        self.constant(tensor)
    }

    fn conv(&mut self, x: ValueId, outputs: usize, conv: Conv2d) -> Option<ValueId> {
        // Some are as though they had been pruned from wide ones, whose algorithm they keep.
        let conv = Conv2d { whole: (outputs % 2 == 1).then_some([512; 2]), ..conv };
        let [inputs, height, width] = self.size(x);
        let fan_in = inputs / conv.groups * conv.kernel[0] * conv.kernel[1];
        let macs = self.shapes[x.0][0] * height * width * outputs * fan_in;
        let mut shape = vec![outputs, inputs / conv.groups];
        shape.extend(conv.kernel);
        let fits = output_shape(&Op::Conv(conv.clone()), &[&self.shapes[x.0], &shape]).is_ok();
        if !fits || macs > self.budget {
            return None;
        }
        self.budget -= macs;
        let weight = self.parameters(&shape, 1.0 / (fan_in as f32).sqrt());
        let mut operands = vec![x, weight];
        if self.rng.chance(70) {
            operands.push(self.parameters(&[outputs], 3.0));
        }
        self.last_weight = Some((conv.clone(), operands[1..].to_vec()));
        self.node(Op::Conv(conv), &operands)
    }

    /// A convolution to `outputs` channels that keeps the size.
    fn same_conv(&mut self, x: ValueId, outputs: usize) -> Option<ValueId> {
        let kernel = self.rng.pick(&[1, 3]);
        self.conv(x, outputs, Conv2d { pads: Padding::Explicit([kernel / 2; 4]), ..Conv2d::new([kernel; 2]) })
    }

    fn window(&mut self) -> Conv2d {
        let kernel = self.rng.pick(&[1, 3, 3]);
        let amounts = if kernel == 1 { [0, 0] } else { [0, 1] };
        Conv2d {
            strides: [self.rng.pick(&[1, 1, 2]), self.rng.pick(&[1, 1, 2])],
            pads: Padding::Explicit([(); 4].map(|()| self.rng.pick(&amounts))),
            dilations: [self.rng.pick(&[1, 1, 2]); 2],
            ..Conv2d::new([kernel; 2])
        }
    }

    fn activation(&mut self) -> Activation {
        self.rng.pick(&[
            Activation::Relu,
            Activation::LeakyRelu { alpha: 0.1 },
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Clip { min: 0.5, max: 6.0 },
            Activation::HardSwish,
            Activation::Silu,
        ])
    }

    /// The maps of the same extents along the axes from `axis` on, among them `map` itself.
    fn alike(&self, map: ValueId, axis: usize) -> Vec<ValueId> {
        let shape = |id: &ValueId| &self.shapes[id.0][axis..];
        self.maps.iter().copied().filter(|id| shape(id) == shape(&map)).collect()
    }

    fn heads(&mut self) {
        if self.rng.chance(40) {
            let map = self.map();
            self.unread.push(map);
        }
        while let Some(id) = self.unread.pop() {
            let head = self.head(id).unwrap_or(id);
            self.unread.retain(|&unread| unread != head && unread != id);
            self.output(head);
        }
        if self.rng.chance(15) {
            let map = self.map();
            self.output(map);
        }
    }

    fn output(&mut self, id: ValueId) {
        if !self.inputs.contains(&id) && !self.outputs.contains(&id) {
            self.outputs.push(id);
            self.b.output(id, &format!("out{}", self.outputs.len()));
        }
    }

    fn head(&mut self, x: ValueId) -> Option<ValueId> {
        if self.shapes[x.0].len() != 4 {
            return self.features(x);
        }
        match self.rng.below(8) {
            0 => Some(x),
            1 | 2 => {
                let x = self.node(Op::GlobalAveragePool, &[x])?;
                let x = self.node(Op::Flatten { axis: 1 }, &[x])?;
                self.features(x)
            }
            3 => {
                let x = self.node(Op::Flatten { axis: 1 }, &[x])?;
                self.features(x)
            }
            4 => {
                let x = self.node(Op::Reshape { shape: Extent::list(&[0, -1]), allow_zero: false }, &[x])?;
                self.features(x)
            }
            kind => {
                let outputs = self.rng.pick(&[1, 2, 3]);
                let y = self.conv(x, outputs, Conv2d::new([1, 1]))?;
                if kind == 5 { self.node(Op::Softmax { axis: 1 }, &[y]) } else { Some(y) }
            }
        }
    }

    /// One or two matrix products.
    fn features(&mut self, x: ValueId) -> Option<ValueId> {
        let mut x = x;
        if self.rng.chance(50) {
            let hidden = self.channels();
            x = self.gemm(x, hidden)?;
            let activation = self.activation();
            x = self.node(Op::Activation(activation), &[x])?;
        }
        let outputs = self.rng.pick(&[1, 2, 3]);
        x = self.gemm(x, outputs)?;
        if self.rng.chance(20) { self.node(Op::Softmax { axis: 1 }, &[x]) } else { Some(x) }
    }

    fn gemm(&mut self, x: ValueId, outputs: usize) -> Option<ValueId> {
        let inputs = self.shapes[x.0][1];
        let trans_b = self.rng.chance(50);
        let shape = if trans_b { [outputs, inputs] } else { [inputs, outputs] };
        let weight = self.parameters(&shape, 1.0 / (inputs as f32).sqrt());
        let mut operands = vec![x, weight];
        if self.rng.chance(70) {
            operands.push(self.parameters(&[outputs], 3.0));
        }
        self.node(Op::Gemm(Gemm { trans_b, ..Gemm::default() }), &operands)
    }
}
