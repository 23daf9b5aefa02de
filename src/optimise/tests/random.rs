//! Random graphs: optimised ones compute the same.

use super::{Numbers, optimised};
use crate::graph::{
    Activation, Binary, Builder, Conv2d, Coordinates, Gemm, Graph, Interpolation, Pad, PadMode, Padding,
    Pool, Resize, Rounding, Target, ValueId,
};
use std::collections::BTreeSet;

/// A growing network: values of images with their channels, height and width.
struct Network {
    b: Builder,
    numbers: Numbers,
    images: Vec<(ValueId, [usize; 3])>,
}

const ACTIVATIONS: [Activation; 7] = [
    Activation::Relu,
    Activation::LeakyRelu { alpha: 0.2 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Clip { min: -0.5, max: 0.75 },
    Activation::HardSwish,
    Activation::Silu,
];

impl Network {
    fn new(seed: u64) -> Self {
        let mut b = Builder::new("random");
        let x = b.image("x", [4, 7, 6]);
        Self { b, numbers: Numbers(seed), images: vec![(x, [4, 7, 6])] }
    }

    /// One of the last three images, so that most chains grow and some branch.
    fn pick(&mut self) -> (ValueId, [usize; 3]) {
        let recent = self.images.len().min(3);
        let back = if self.numbers.below(3) == 0 { self.numbers.below(recent) } else { 0 };
        self.images[self.images.len() - 1 - back]
    }

    fn grow(&mut self) {
        let (x, shape) = self.pick();
        let kind = self.numbers.below(15);
        let grown = match kind {
            0..=3 => self.conv(x, shape),
            4 | 5 => (self.b.batch_norm(x, self.numbers.batch_norm(shape[0]), 1e-3), shape),
            6 => self.activation(x, shape),
            7 | 8 => self.affine(x, shape),
            9 | 10 => self.join(x, shape),
            11 => self.pad(x, shape),
            12 => (self.b.identity(x), shape),
            13 => self.pool(x, shape),
            _ => self.resize(x, shape),
        };
        self.images.push(grown);
    }

    fn conv(&mut self, x: ValueId, [channels, height, width]: [usize; 3]) -> (ValueId, [usize; 3]) {
        let filters = if self.numbers.below(2) == 0 { channels } else { 4 };
        let groups = if filters == channels { [1, 2, channels][self.numbers.below(3)] } else { 1 };
        let kernel = 1 + 2 * self.numbers.below(2);
        let same = [Padding::SameUpper, Padding::Explicit([kernel / 2; 4])];
        let op = Conv2d { groups, pads: same[self.numbers.below(2)], ..Conv2d::new([kernel; 2]) };
        let weight = self.numbers.tensor(&[filters, channels / groups, kernel, kernel]);
        let bias = (self.numbers.below(2) == 0).then(|| self.numbers.tensor(&[filters]));
        (self.b.conv(x, op, weight, bias), [filters, height, width])
    }

    fn activation(&mut self, x: ValueId, shape: [usize; 3]) -> (ValueId, [usize; 3]) {
        if self.numbers.below(3) == 0 {
            let gate = self.b.activation(x, Activation::Sigmoid);
            return (self.b.mul(gate, x), shape);
        }
        let activation = ACTIVATIONS[self.numbers.below(ACTIVATIONS.len())];
        (self.b.activation(x, activation), shape)
    }

    fn affine(&mut self, x: ValueId, [channels, height, width]: [usize; 3]) -> (ValueId, [usize; 3]) {
        let binary = [Binary::Add, Binary::Sub, Binary::Mul][self.numbers.below(3)];
        let dims = [vec![channels, 1, 1], vec![1, channels, 1, 1], vec![], vec![width], vec![height, 1]];
        let chosen = self.numbers.below(5);
        let tensor = self.numbers.tensor(&dims[chosen]);
        let constant = self.b.constant(&format!("c{}", self.images.len()), tensor);
        let flipped = self.numbers.below(2) == 0;
        let (a, b) = if flipped { (constant, x) } else { (x, constant) };
        (self.b.binary(binary, a, b), [channels, height, width])
    }

    /// A sum or product with another image of the same shape, or with its own mean, or a concatenation.
    fn join(&mut self, x: ValueId, shape: [usize; 3]) -> (ValueId, [usize; 3]) {
        let same: Vec<ValueId> = self
            .images
            .iter()
            .filter(|(other, s)| *other != x && *s == shape)
            .map(|(other, _)| *other)
            .collect();
        match (same.is_empty(), self.numbers.below(6)) {
            (true, _) | (_, 0) => {
                let mean = self.b.global_average_pool(x);
                (self.b.mul(x, mean), shape)
            }
            (_, 1) if shape[0] <= 4 => {
                let other = same[self.numbers.below(same.len())];
                (self.b.concat(&[x, other], 1), [2 * shape[0], shape[1], shape[2]])
            }
            _ => {
                let other = same[self.numbers.below(same.len())];
                (self.b.add(x, other), shape)
            }
        }
    }

    fn pad(&mut self, x: ValueId, [channels, height, width]: [usize; 3]) -> (ValueId, [usize; 3]) {
        let mode = [PadMode::Constant(0.0), PadMode::Constant(0.0), PadMode::Constant(0.5), PadMode::Edge];
        let margins = [[1, 1, 1, 1], [0, 1, 1, 0], [0; 4]][self.numbers.below(3)];
        let y = self.b.pad(x, Pad { margins, mode: mode[self.numbers.below(4)] });
        let (rows, columns) = (height + margins[0] + margins[2], width + margins[1] + margins[3]);
        if self.numbers.below(2) == 0 {
            return self.pool(y, [channels, rows, columns]);
        }
        let weight = self.numbers.tensor(&[4, channels, 3, 3]);
        let y = self.b.conv(y, Conv2d::new([3, 3]), weight, None);
        (y, [4, rows - 2, columns - 2])
    }

    fn pool(&mut self, x: ValueId, [channels, height, width]: [usize; 3]) -> (ValueId, [usize; 3]) {
        let pool = Pool {
            pads: Padding::Explicit([[1, 1, 1, 1], [0; 4]][self.numbers.below(2)]),
            count_include_pad: self.numbers.below(2) == 0,
            ..Pool::new([3, 3])
        };
        let grown = if pool.pads == Padding::Explicit([0; 4]) { 2 } else { 0 };
        let shape = [channels, height - grown, width - grown];
        if self.numbers.below(3) == 0 {
            return (self.b.max_pool(x, pool), shape);
        }
        (self.b.average_pool(x, pool), shape)
    }

    /// Back to the size of the input.
    fn resize(&mut self, x: ValueId, [channels, ..]: [usize; 3]) -> (ValueId, [usize; 3]) {
        let interpolation =
            [Interpolation::Linear, Interpolation::Nearest(Rounding::Floor)][self.numbers.below(2)];
        let op = Resize { target: Target::Sizes([7, 6]), coordinates: Coordinates::HalfPixel, interpolation };
        (self.b.resize(x, op), [channels, 7, 6])
    }

    /// Adds a classifier, names the last values and some others outputs.
    fn finish(mut self) -> Graph {
        let (x, [channels, ..]) = self.images[self.images.len() - 1];
        let pooled = self.b.global_average_pool(x);
        let flat = self.b.flatten(pooled, 1);
        let gemm = Gemm { alpha: 0.5, trans_b: self.numbers.below(2) == 0, ..Gemm::default() };
        let dims = if gemm.trans_b { [3, channels] } else { [channels, 3] };
        let y = self.b.gemm(flat, gemm, self.numbers.tensor(&dims), Some(self.numbers.tensor(&[3])));
        let y = self.b.batch_norm(y, self.numbers.batch_norm(3), 1e-3);
        let y = self.b.activation(y, Activation::Tanh);
        let last = self.images.len() - 1;
        let mut outputs = BTreeSet::from([y, self.images[1 + self.numbers.below(last)].0]);
        if self.numbers.below(2) == 0 {
            outputs.insert(x);
        }
        for (i, output) in outputs.into_iter().enumerate() {
            self.b.output(output, &format!("out{i}"));
        }
        self.b.finish().unwrap()
    }
}

#[test]
fn random_graphs_compute_the_same_and_every_pass_has_work() {
    let mut applied = BTreeSet::new();
    let (mut before, mut after) = (0, 0);
    for seed in 0..150 {
        let mut network = Network::new(seed);
        for _ in 0..4 + seed % 12 {
            let (_, [_, height, width]) = network.images[network.images.len() - 1];
            if height > 4 && width > 4 {
                network.grow();
            } else {
                let (x, shape) = network.images[network.images.len() - 1];
                let grown = network.resize(x, shape);
                network.images.push(grown);
            }
        }
        let graph = network.finish();
        let optimised = optimised(&graph);
        before += graph.nodes.len();
        after += optimised.graph.nodes.len();
        let used = optimised.report.iter().filter(|report| !report.outcome.applied.is_empty());
        applied.extend(used.map(|report| report.pass));
    }
    let expected = [
        "drop_dead",
        "drop_identities",
        "fold_affine",
        "fold_batch_norm",
        "fold_pad",
        "fuse_activation",
        "fuse_residual",
        "fuse_silu",
        "normalise_gemm",
    ];
    assert_eq!(applied.into_iter().collect::<Vec<_>>(), expected);
    assert!(after < before, "{after} of {before} nodes are left");
}
