//! Convolutions and matrix products against the f64 reference, and masked against compacted, bit for bit.

use crate::case::{self, cuts, random, whole};
use crate::compare::{same_bits, within};
use crate::harness::gpus;
use crate::node::run_within;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, ConvTranspose, Dim, Epilogue, Gemm, Graph, Margins, Op, Padding, ValueId,
};
use wgpu_pagcp::plan::DeviceClass;
use wgpu_pagcp::reference::{Array, bound};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::units::{Segment, Units};

/// A run of channels and the unit that cuts it: `channels` is the unit's coordinates times `block`.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub unit: usize,
    pub coordinates: usize,
    pub block: usize,
}

/// One node, and how the channels of its input and output (and residual) are cut.
#[derive(Clone, Debug)]
pub struct Case {
    pub op: Op,
    pub x: Tensor,
    pub weight: Tensor,
    /// The axes of `weight` that follow output and input channels; in grouped convolutions one is absent.
    pub axes: [Option<usize>; 2],
    pub bias: Option<Tensor>,
    pub residual: Option<Tensor>,
    pub input: Vec<Run>,
    pub output: Vec<Run>,
}

/// Repeatable values in [-1, 1).
pub struct Random(pub u32);

impl Random {
    pub fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let values = (0..count(shape)).map(|_| {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
        });
        Tensor::from_f32(shape.to_vec(), values.collect()).expect("the shape fits")
    }
}

pub fn channels(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.coordinates * run.block).sum()
}

/// The channels of `runs` that live when unit `u` keeps `keep[u]` coordinates.
fn live(runs: &[Run], keep: &[usize]) -> Vec<usize> {
    let mut first = 0;
    let mut live = Vec::new();
    for run in runs {
        live.extend(first..first + keep[run.unit] * run.block);
        first += run.coordinates * run.block;
    }
    live
}

/// Units numbered from `first`, one for each count, of one channel per coordinate.
pub fn units_of(counts: &[usize], first: usize) -> Vec<Run> {
    let run = |(i, &coordinates): (usize, &usize)| Run { unit: first + i, coordinates, block: 1 };
    counts.iter().enumerate().map(run).collect()
}

/// The geometry of a test, with the input's rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    pub pads: Margins,
    pub size: [usize; 2],
}

pub fn square(kernel: usize, stride: usize, dilation: usize, pads: Margins, size: [usize; 2]) -> Shape {
    Shape { kernel: [kernel; 2], strides: [stride; 2], dilations: [dilation; 2], pads, size }
}

/// Every kind of window: point, odd widths with stride 1 and 2, maps on which threads have many pixels, and all that only
/// the general form runs.
fn shapes() -> Vec<Shape> {
    vec![
        square(1, 1, 1, [0; 4], [1, 1]),
        square(1, 1, 1, [0; 4], [5, 7]),
        square(1, 2, 1, [0; 4], [5, 8]),
        square(1, 2, 1, [0; 4], [2, 2]),
        square(1, 1, 1, [1, 0, 2, 1], [3, 4]),
        square(1, 3, 1, [0; 4], [1, 4]),
        square(3, 2, 1, [1; 4], [1, 1]),
        square(3, 2, 1, [1; 4], [2, 1]),
        square(3, 1, 2, [2; 4], [1, 2]),
        square(7, 2, 1, [3; 4], [1, 5]),
        square(3, 1, 1, [1; 4], [6, 9]),
        square(3, 1, 1, [0; 4], [4, 5]),
        square(3, 1, 1, [1; 4], [13, 15]),
        square(3, 1, 1, [0, 2, 1, 1], [16, 14]),
        square(3, 1, 1, [1; 4], [12, 16]),
        square(3, 2, 1, [0, 1, 2, 1], [9, 10]),
        square(3, 3, 1, [1; 4], [8, 7]),
        square(3, 1, 2, [2; 4], [6, 5]),
        square(3, 1, 1, [1; 4], [5, 2]),
        square(5, 2, 1, [2; 4], [7, 9]),
        square(5, 1, 1, [2; 4], [5, 8]),
        square(7, 1, 1, [3; 4], [6, 7]),
        square(7, 2, 1, [3; 4], [11, 13]),
        square(4, 1, 1, [1, 2, 2, 1], [5, 6]),
        Shape { dilations: [2, 1], ..square(3, 1, 1, [2, 1, 2, 1], [6, 6]) },
        Shape { kernel: [1, 3], ..square(1, 1, 1, [0, 1, 0, 1], [3, 8]) },
        Shape { kernel: [3, 1], strides: [2, 1], ..square(1, 1, 1, [1, 0, 1, 0], [6, 5]) },
    ]
}

pub const BATCH: usize = 3;

/// A convolution of `shape` with `groups` groups over channels cut as `input` and `output`.
pub fn conv_case(shape: Shape, epilogue: Epilogue, groups: usize, [input, output]: [Vec<Run>; 2]) -> Case {
    let op = Conv2d {
        strides: shape.strides,
        pads: Padding::Explicit(shape.pads),
        dilations: shape.dilations,
        groups,
        epilogue,
        ..Conv2d::new(shape.kernel)
    };
    let (inputs, outputs) = (channels(&input), channels(&output));
    let out = op.window().output(shape.size).expect("the kernel fits");
    let mut random = Random((inputs * 64 + outputs) as u32);
    let residual = || random.tensor(&[BATCH, outputs, out[0], out[1]]);
    Case {
        residual: epilogue.has_residual().then(residual),
        x: random.tensor(&[BATCH, inputs, shape.size[0], shape.size[1]]),
        weight: random.tensor(&[outputs, inputs / groups, shape.kernel[0], shape.kernel[1]]),
        axes: [Some(0), (groups == 1).then_some(1)],
        bias: (outputs != 5).then(|| random.tensor(&[outputs])),
        op: Op::Conv(op),
        input,
        output,
    }
}

impl Case {
    fn inputs(&self) -> Vec<&Tensor> {
        [Some(&self.x), Some(&self.weight), self.bias.as_ref(), self.residual.as_ref()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The same node with only the live channels.
    fn compact(&self, keep: &[usize]) -> Self {
        let (inputs, outputs) = (live(&self.input, keep), live(&self.output, keep));
        let cut = |runs: &[Run]| runs.iter().map(|r| Run { coordinates: keep[r.unit], ..*r }).collect();
        let mut op = self.op.clone();
        let mut weight = self.weight.clone();
        for (axis, live) in self.axes.into_iter().zip([&outputs, &inputs]) {
            weight = axis.map_or(weight.clone(), |axis| weight.select(axis, live));
        }
        if let Op::Conv(Conv2d { groups, .. }) | Op::ConvTranspose(ConvTranspose { groups, .. }) = &mut op
            && *groups > 1
        {
            *groups = self.input.iter().map(|r| keep[r.unit]).sum();
            if let Op::Conv(conv) = &mut op {
                conv.direct = conv.groups == 1;
            }
        } else if let Op::Conv(conv) = &mut op {
            conv.whole.get_or_insert([channels(&self.input), channels(&self.output)]);
        }
        Self {
            op,
            x: self.x.select(1, &inputs),
            weight,
            axes: self.axes,
            bias: self.bias.as_ref().map(|bias| bias.select(bias.shape().len() - 1, &outputs)),
            residual: self.residual.as_ref().map(|residual| residual.select(1, &outputs)),
            input: cut(&self.input),
            output: cut(&self.output),
        }
    }

    fn run(&self, gpu: &Gpu, keep: &[usize]) -> Vec<f32> {
        self.run_within(None, gpu, keep)
    }

    fn run_within(&self, scratch_bytes: Option<u64>, gpu: &Gpu, keep: &[usize]) -> Vec<f32> {
        let mut b = Builder::new(&format!("{:?} {self} keep {keep:?}", gpu.class()));
        let dims = |t: &Tensor| {
            let fixed = t.shape()[1..].iter().map(|&d| Dim::Fixed(d));
            [Dim::Symbol("N".to_owned())].into_iter().chain(fixed).collect::<Vec<_>>()
        };
        let x = b.input("x", &dims(&self.x));
        let mut inputs = vec![x, b.constant("weight", self.weight.clone())];
        inputs.extend(self.bias.clone().map(|bias| b.constant("bias", bias)));
        let residual = self.residual.as_ref().map(|r| (b.input("residual", &dims(r)), r));
        inputs.extend(residual.map(|(id, _)| id));
        let y = b.node(self.op.clone(), &inputs);
        b.output(y, "y");
        let graph = b.finish().expect("the case is a legal graph");
        let mut cut = vec![(x, &self.input), (y, &self.output)];
        cut.extend(residual.map(|(id, _)| (id, &self.output)));
        let units = units(&graph, &cut);
        let mut fed = vec![(x, &self.x)];
        fed.extend(residual);
        run_within(scratch_bytes, (gpu, &graph, &units), keep, &fed)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} on {:?}", self.op, self.x.shape())
    }
}

fn units(graph: &Graph, cut: &[(ValueId, &Vec<Run>)]) -> Units {
    let mut units = Units { segments: vec![Vec::new(); graph.values.len()], ..Units::default() };
    for (value, runs) in cut {
        let mut start = 0;
        for run in *runs {
            let channels = run.coordinates * run.block;
            units.segments[value.0].push(Segment {
                unit: Some((run.unit, run.block)),
                channels: (start..start + channels).collect(),
            });
            start += channels;
        }
    }
    units
}

/// The device in every way that the tests run it: with and without checks, in its own class, the portable one and that
/// of GPUs.
pub fn ways() -> Vec<Gpu> {
    let Some(gpus) = gpus() else { return Vec::new() };
    let mut classes = vec![gpus[0].class(), DeviceClass::Portable, DeviceClass::Gpu];
    classes.dedup();
    classes.into_iter().flat_map(|class| gpus.clone().map(|gpu| gpu.with_class(class))).collect()
}

/// Some prunings of the units of a case: none, nearly all, and some.
fn keeps(case: &Case) -> Vec<Vec<usize>> {
    let mut whole: Vec<usize> = Vec::new();
    for run in case.input.iter().chain(&case.output) {
        whole.resize(whole.len().max(run.unit + 1), 0);
        whole[run.unit] = run.coordinates;
    }
    let some =
        |part: usize| whole.iter().enumerate().map(|(u, &n)| (n * (part + u % 3) / 8).max(1)).collect();
    let mut keeps = vec![vec![1; whole.len()], some(3), some(5), whole];
    keeps.dedup();
    keeps
}

/// Judges a case at several prunings: the reference's bound, and equality with the compacted node.
pub fn judge(ways: &[Gpu], case: &Case) {
    for keep in keeps(case) {
        let compact = case.compact(&keep);
        let arrays: Vec<Array> = compact.inputs().into_iter().map(Array::from).collect();
        let bounded = bound(&compact.op, &arrays.iter().collect::<Vec<_>>()).expect("the case is legal");
        for gpu in ways {
            let label = format!("{:?} {:?} {case} keep {keep:?}", gpu.class(), gpu.checks());
            let masked = case.run(gpu, &keep);
            within(&label, &masked, &bounded.expected.data, &bounded.tolerance.data);
            same_bits(&label, &masked, &compact.run(gpu, &keep));
        }
    }
}

#[test]
fn dense_convolutions_of_every_shape() {
    let ways = ways();
    let counts = [1, 2, 3, 5, 7, 33];
    for (at, shape) in shapes().into_iter().enumerate() {
        for (i, &inputs) in counts.iter().enumerate() {
            let outputs = counts[(at + 2 * i + 1) % counts.len()];
            let cut = [units_of(&[inputs], 0), units_of(&[outputs], 1)];
            judge(&ways, &conv_case(shape, Epilogue::Plain, 1, cut));
        }
    }
}

#[test]
fn windows_of_large_maps() {
    let Some(gpus) = gpus() else { return };
    let conv = Conv2d { pads: Padding::Explicit([1; 4]), ..Conv2d::new([3, 3]) };
    let inputs = 23;
    for outputs in [17, 37] {
        for (cut, keep) in cuts(outputs) {
            let case = case::Case::new(Op::Conv(conv.clone()), &cut, &keep)
                .input(random(&[3, inputs, 40, 37], 1), &whole(inputs))
                .constant(random(&[outputs, inputs, 3, 3], 2), 0, &cut)
                .constant(random(&[outputs], 3), 0, &cut);
            case.check(&gpus, "large maps");
            if let DeviceClass::Broadcast { .. } = gpus[0].class() {
                assert!(case.steps(&gpus[0]) > 1, "blocks are of one size");
            }
        }
    }
}

/// A case of so many channels before it was pruned that Winograd's algorithm pays.
fn from_wide(mut case: Case) -> Case {
    if let Op::Conv(conv) = &mut case.op {
        conv.whole = Some([512; 2]);
    }
    case
}

/// Whether a case runs by Winograd's algorithm on CPU devices.
fn is_by_winograd(case: &Case) -> bool {
    let Op::Conv(conv) = &case.op else { return false };
    let size = [case.x.shape()[2], case.x.shape()[3]];
    let output = conv.window().output(size).expect("the kernel fits");
    conv.winograd([channels(&case.input), channels(&case.output)], output).is_some()
}

#[test]
fn convolutions_that_were_wide_keep_their_algorithm() {
    let ways = ways();
    let shapes = [
        square(3, 1, 1, [1; 4], [8, 7]),
        square(3, 1, 1, [1; 4], [13, 15]),
        square(3, 1, 1, [0, 2, 1, 1], [16, 14]),
    ];
    for shape in shapes {
        for [inputs, outputs] in [[1, 3], [5, 7], [7, 2], [33, 5]] {
            let cut = [units_of(&[inputs], 0), units_of(&[outputs], 1)];
            let case = conv_case(shape, Epilogue::Plain, 1, cut);
            assert!(!is_by_winograd(&case));
            let case = from_wide(case);
            assert!(is_by_winograd(&case));
            judge(&ways, &case);
        }
        let cut = [units_of(&[5, 1, 8], 0), units_of(&[6, 9], 3)];
        let relu = Epilogue::AddThenActivation(Activation::Relu);
        judge(&ways, &from_wide(conv_case(shape, relu, 1, cut)));
    }
}

#[test]
fn windows_that_do_not_fit_at_once_come_in_turns() {
    let shape = square(3, 1, 1, [1; 4], [18, 13]);
    let case = from_wide(conv_case(shape, Epilogue::Plain, 1, [units_of(&[7], 0), units_of(&[9], 1)]));
    for gpu in ways() {
        let expected = case.run(&gpu, &[7, 9]);
        // One row of windows at a time, and two of the fifteen, which are not a whole number of turns.
        for bytes in [1, 2 * 36 * 4 * 3 * 16] {
            let found = case.run_within(Some(bytes), &gpu, &[7, 9]);
            same_bits(&format!("{:?} {bytes} bytes", gpu.class()), &found, &expected);
        }
    }
}

#[test]
fn dense_convolutions_of_segments() {
    let ways = ways();
    for shape in shapes() {
        let cut = [units_of(&[5, 1, 8], 0), units_of(&[6, 9], 3)];
        let relu = Epilogue::AddThenActivation(Activation::Relu);
        judge(&ways, &conv_case(shape, relu, 1, cut));
        if shape.kernel[1] > 3 {
            // So few channels that windows are summed by one after another.
            let cut = [units_of(&[2, 1, 1], 0), units_of(&[6, 9], 3)];
            judge(&ways, &conv_case(shape, relu, 1, cut));
        }
    }
}

pub fn epilogues() -> Vec<Epilogue> {
    let activations = [
        Activation::None,
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Clip { min: -0.5, max: 0.75 },
        Activation::HardSwish,
        Activation::Silu,
        Activation::Elu { alpha: 0.5 },
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::Mish,
        Activation::Gelu { tanh: false },
    ];
    let each = |a| [Epilogue::Activation(a), Epilogue::AddThenActivation(a), Epilogue::ActivationThenAdd(a)];
    activations.into_iter().flat_map(each).collect()
}

#[test]
fn every_epilogue() {
    let ways = ways();
    let cases = epilogues();
    assert_eq!(cases.len(), 36);
    for (at, epilogue) in cases.into_iter().enumerate() {
        let point = square(1, 1, 1, [0; 4], [3, 5]);
        // Each is a pipeline of its own, so half of them take the checked kernels and half the unchecked ones.
        let half: Vec<Gpu> = ways.iter().skip(at % 2).step_by(2).cloned().collect();
        judge(&half, &conv_case(point, epilogue, 1, [units_of(&[6], 0), units_of(&[7], 1)]));
    }
    for epilogue in
        [Epilogue::AddThenActivation(Activation::Silu), Epilogue::ActivationThenAdd(Activation::Relu)]
    {
        for shape in [square(3, 1, 1, [1; 4], [4, 6]), square(5, 1, 1, [2; 4], [4, 6])] {
            judge(&ways, &conv_case(shape, epilogue, 1, [units_of(&[6], 0), units_of(&[7], 1)]));
            judge(&ways, &conv_case(shape, epilogue, 6, grouped(&[6], [1, 1])));
            judge(&ways, &conv_case(shape, epilogue, 3, grouped(&[3], [3, 2])));
        }
    }
}

/// Runs of whole convolution groups, each with `blocks` input and output channels; units run through both.
pub fn grouped(groups: &[usize], blocks: [usize; 2]) -> [Vec<Run>; 2] {
    blocks.map(|block| units_of(groups, 0).into_iter().map(|run| Run { block, ..run }).collect())
}

#[test]
fn depthwise_convolutions() {
    let ways = ways();
    for (at, shape) in shapes().into_iter().enumerate() {
        for groups in [&[2][..], &[7], &[33], &[5, 6]].into_iter().skip(at % 2).step_by(2) {
            let all = groups.iter().sum();
            judge(&ways, &conv_case(shape, Epilogue::Plain, all, grouped(groups, [1, 1])));
        }
    }
}

#[test]
fn grouped_convolutions() {
    let ways = ways();
    let blocks = [[1, 2], [2, 1], [3, 5], [4, 4], [6, 3]];
    for (at, shape) in shapes().into_iter().enumerate() {
        let blocks = blocks[at % blocks.len()];
        judge(&ways, &conv_case(shape, Epilogue::Plain, 4, grouped(&[4], blocks)));
        judge(&ways, &conv_case(shape, Epilogue::Plain, 5, grouped(&[2, 3], blocks)));
    }
}

fn gemm_case(gemm: Gemm, [inputs, outputs]: [usize; 2], addend: Option<&[usize]>) -> Case {
    let mut random = Random((inputs * 64 + outputs) as u32);
    let (axes, shape) = if gemm.trans_b {
        ([Some(0), Some(1)], [outputs, inputs])
    } else {
        ([Some(1), Some(0)], [inputs, outputs])
    };
    Case {
        x: random.tensor(&[BATCH, inputs]),
        weight: random.tensor(&shape),
        axes,
        bias: addend.map(|shape| random.tensor(shape)),
        residual: None,
        op: Op::Gemm(gemm),
        input: units_of(&[inputs], 0),
        output: units_of(&[outputs], 1),
    }
}

#[test]
fn matrix_products() {
    let ways = ways();
    let epilogue = Epilogue::Activation(Activation::Relu);
    for (inputs, outputs) in [(1, 1), (3, 5), (33, 7), (7, 33)] {
        for trans_b in [false, true] {
            let gemm = Gemm { alpha: 0.5, beta: -2.0, trans_a: false, trans_b, epilogue };
            let addends = [None, Some(&[outputs][..]), Some(&[1, outputs]), Some(&[BATCH, outputs])];
            for addend in addends {
                judge(&ways, &gemm_case(gemm, [inputs, outputs], addend));
            }
        }
    }
}

#[test]
fn a_wrong_weight_is_noticed() {
    for gpu in ways() {
        let shape = square(3, 1, 1, [1; 4], [6, 9]);
        let case = conv_case(shape, Epilogue::Plain, 1, [units_of(&[7], 0), units_of(&[5], 1)]);
        let arrays: Vec<Array> = case.inputs().into_iter().map(Array::from).collect();
        let bounded = bound(&case.op, &arrays.iter().collect::<Vec<_>>()).expect("the case is legal");
        let mut values = case.weight.f32s().expect("floats").to_vec();
        values[4 * 63 + 31] += 1e-3;
        let weight = Tensor::from_f32(case.weight.shape().to_vec(), values).expect("the shape fits");
        let found = Case { weight, ..case }.run(&gpu, &[7, 5]);
        let judged = std::panic::catch_unwind(|| {
            within("control", &found, &bounded.expected.data, &bounded.tolerance.data);
        });
        assert!(judged.is_err(), "a weight that is off by 1e-3 passed");
    }
}
