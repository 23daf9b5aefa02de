//! One node, lowered and run on the device: masked against compacted, and both against the f64 reference.

use crate::compare::{same_bits, within};
use wgpu_pagcp::gpu::{Gpu, execute};
use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{Graph, Node, Op, Value, ValueId};
use wgpu_pagcp::kernels::live::LiveTable;
use wgpu_pagcp::plan::{Lowering, Operand, PlanError, Step, Stored, lower};
use wgpu_pagcp::reference::{Array, bound};
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::{Segment, Units};

/// What dead channel groups hold, and outputs before they are written: a NaN of unusual bits.
pub const POISON: u32 = 0x7fc0_1234;

/// How a channel axis is cut: channels of each segment, and their unit with its block.
pub type Cut = Vec<(usize, Option<(usize, usize)>)>;

/// One input of a case.
#[derive(Clone, Debug)]
pub struct Given {
    tensor: Tensor,
    constant: bool,
    axis: usize,
    cut: Cut,
    /// Another axis that is cut too, of a constant.
    also: Option<(usize, Cut)>,
}

/// One node with its inputs, the cuts of its channels, and how much of every unit is kept.
#[derive(Clone, Debug)]
pub struct Case {
    op: Op,
    compacted_op: Option<Op>,
    inputs: Vec<Given>,
    output: Cut,
    output_axis: usize,
    keep: Vec<usize>,
    poisoned: bool,
}

/// A case on a device: its output's stored buffer.
struct Ran {
    stored: Stored,
    shape: Vec<usize>,
    buffer: Vec<f32>,
    live: LiveTable,
}

/// A cut into one segment that nothing prunes.
pub fn whole(channels: usize) -> Cut {
    vec![(channels, None)]
}

impl Case {
    /// A case without inputs, whose output's channels are cut as `output`.
    pub fn new(op: Op, output: &Cut, keep: &[usize]) -> Self {
        let (output, keep) = (output.clone(), keep.to_vec());
        Self { op, compacted_op: None, inputs: Vec::new(), output, output_axis: 1, keep, poisoned: false }
    }

    /// Adds a computed input, whose axis 1 (0 for vectors) is cut as `cut`.
    pub fn input(mut self, tensor: Tensor, cut: &Cut) -> Self {
        let axis = usize::from(tensor.shape().len() > 1);
        self.inputs.push(Given { tensor, constant: false, axis, cut: cut.clone(), also: None });
        self
    }

    /// Adds a computed input, whose axis `axis` holds its channels, cut as `cut`.
    pub fn input_along(mut self, tensor: Tensor, axis: usize, cut: &Cut) -> Self {
        self.inputs.push(Given { tensor, constant: false, axis, cut: cut.clone(), also: None });
        self
    }

    /// Cuts dimension `axis` of the constant that was added last as well.
    pub fn also_cut(mut self, axis: usize, cut: &Cut) -> Self {
        self.inputs.last_mut().expect("there is a constant").also = Some((axis, cut.clone()));
        self
    }

    /// Puts the channels of the output into axis `axis`.
    pub fn output_along(mut self, axis: usize) -> Self {
        self.output_axis = axis;
        self
    }

    /// Puts poison into lanes of inputs past the last channel as well.
    pub fn lanes_are_poisoned(mut self) -> Self {
        self.poisoned = true;
        self
    }

    /// What the operator is once what is dead is cut away, where it names numbers of channels.
    pub fn becomes(mut self, op: Op) -> Self {
        self.compacted_op = Some(op);
        self
    }

    /// Adds a constant, whose dimension `axis` is cut as `cut`, where it is cut at all.
    pub fn constant(mut self, tensor: Tensor, axis: usize, cut: &Cut) -> Self {
        self.inputs.push(Given { tensor, constant: true, axis, cut: cut.clone(), also: None });
        self
    }

    /// Runs the case masked and compacted and compares, with or without runtime checks by a hash of its description,
    /// so that half of a test's cases run each way.
    ///
    /// # Panics
    /// With the label of the case, where anything is not as it must be.
    pub fn check(&self, gpus: &[Gpu; 2], label: &str) {
        let label = format!("{label} {:?} keep {:?}", self.output, self.keep);
        let hash = label.bytes().fold(0u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let gpu = &gpus[(hash >> 16) as usize % 2];
        let masked = self.run(gpu, &label);
        masked.check_dead(&label);
        let compact = self.compacted();
        let ran = compact.run(gpu, &format!("{label} compacted"));
        ran.check_dead(&label);
        let found = ran.stored.unpack(&ran.buffer);
        same_bits(&format!("{label}: masked against compacted"), &masked.live_values(), &found);
        let arrays: Vec<Array> = compact.inputs.iter().map(|given| Array::from(&given.tensor)).collect();
        let bounded =
            bound(&compact.op, &arrays.iter().collect::<Vec<_>>()).expect("the operator takes these");
        within(&label, &found, &bounded.expected.data, &bounded.tolerance.data);
    }

    /// The live values that the device computes, in row-major order.
    ///
    /// # Panics
    /// If the case does not run.
    pub fn output(&self, gpu: &Gpu) -> Vec<f32> {
        self.run(gpu, "output").live_values()
    }

    /// The error of lowering the case.
    ///
    /// # Panics
    /// If it lowers.
    pub fn refusal(&self, gpu: &Gpu) -> String {
        let (graph, shapes, units) = self.graph();
        let mut cx = Lowering::new(&graph, &shapes, &units, gpu.class());
        let error: PlanError = lower(&mut cx, &graph.nodes[0]).expect_err("the case must be refused");
        error.to_string()
    }

    /// The number of steps that the case takes.
    pub fn steps(&self, gpu: &Gpu) -> usize {
        let (graph, shapes, units) = self.graph();
        let mut cx = Lowering::new(&graph, &shapes, &units, gpu.class());
        lower(&mut cx, &graph.nodes[0]).expect("the case lowers");
        cx.steps.len()
    }

    fn graph(&self) -> (Graph, Vec<Vec<usize>>, Units) {
        let given: Vec<&[usize]> = self.inputs.iter().map(|given| given.tensor.shape()).collect();
        let output = output_shape(&self.op, &given).expect("the operator takes these");
        let value = |name: String, constant: Option<Tensor>| Value {
            name,
            dims: None,
            constant: constant.map(Into::into),
        };
        let mut values: Vec<Value> = (self.inputs.iter().enumerate())
            .map(|(i, given)| value(format!("in{i}"), given.constant.then(|| given.tensor.clone())))
            .collect();
        values.push(value("out".to_owned(), None));
        let out = ValueId(self.inputs.len());
        let inputs: Vec<ValueId> = (0..self.inputs.len()).map(ValueId).collect();
        let node =
            Node { name: "node".to_owned(), op: self.op.clone(), inputs: inputs.clone(), outputs: vec![out] };
        let computed = inputs.iter().filter(|id| !self.inputs[id.0].constant).copied().collect();
        let graph = Graph {
            name: "case".to_owned(),
            values,
            nodes: vec![node],
            inputs: computed,
            outputs: vec![out],
            ..Graph::default()
        };
        let mut shapes: Vec<Vec<usize>> = given.iter().map(|shape| shape.to_vec()).collect();
        shapes.push(output);
        let cuts = self.inputs.iter().map(|given| &given.cut).chain([&self.output]);
        let axes = self.inputs.iter().map(|given| given.axis).chain([self.output_axis]).collect();
        let units = Units { segments: cuts.map(segments).collect(), axes, ..Units::default() };
        (graph, shapes, units)
    }

    fn run(&self, gpu: &Gpu, label: &str) -> Ran {
        let (graph, shapes, units) = self.graph();
        let mut cx = Lowering::new(&graph, &shapes, &units, gpu.class());
        lower(&mut cx, &graph.nodes[0]).unwrap_or_else(|error| panic!("{label}: {error}"));
        let values: Vec<(Stored, usize)> =
            (0..graph.values.len()).map(|id| (cx.stored(ValueId(id)), slot(&mut cx, ValueId(id)))).collect();
        let live = cx.live.table(0, &self.keep);
        let shape = shapes.last().expect("there is an output").clone();
        let floats = |bytes: &u64| vec![f32::from_bits(POISON); *bytes as usize / 4];
        let mut buffers: Vec<Vec<f32>> = cx.slots().iter().map(floats).collect();
        for (given, (stored, slot)) in self.inputs.iter().zip(&values).filter(|(given, _)| !given.constant) {
            let mut buffer = stored.pack(given.tensor.f32s().expect("inputs are floats"));
            let dead = dead_lanes(stored, &live);
            for (at, value) in buffer.iter_mut().enumerate() {
                match dead[lane_of(stored, at)] {
                    Dead::No => {}
                    Dead::Lane if !self.poisoned => *value = 0.0,
                    Dead::Lane | Dead::Group => *value = f32::from_bits(POISON),
                }
            }
            buffers[*slot] = buffer;
        }
        let constants = buffers.len();
        buffers.extend(cx.constants.iter().map(|constant| constant.to_vec()));
        let steps: Vec<Step> = cx.steps.iter().map(|step| external(step, constants)).collect();
        execute(gpu, &steps, &live, &mut buffers).unwrap_or_else(|error| panic!("{label}: {error}"));
        let (stored, slot) = values.last().expect("there is an output").clone();
        Ran { stored, shape, buffer: buffers.swap_remove(slot), live }
    }

    /// The case with all that is dead cut away. Segments of which nothing is left disappear.
    fn compacted(&self) -> Self {
        let cut = |cut: &Cut| {
            let live = |&(channels, unit)| (self.live(channels, unit), unit);
            cut.iter().map(live).filter(|(channels, _)| *channels > 0).collect()
        };
        let inputs = self.inputs.iter().map(|given| {
            let mut tensor = self.slice(&given.tensor, given.axis, &given.cut);
            if let Some((axis, cut)) = &given.also {
                tensor = self.slice(&tensor, *axis, cut);
            }
            Given { tensor, cut: cut(&given.cut), also: None, ..given.clone() }
        });
        Self {
            op: self.compacted_op.clone().unwrap_or_else(|| self.op.clone()),
            compacted_op: None,
            inputs: inputs.collect(),
            output: cut(&self.output),
            output_axis: self.output_axis,
            keep: Vec::new(),
            poisoned: self.poisoned,
        }
    }

    fn slice(&self, tensor: &Tensor, axis: usize, cut: &Cut) -> Tensor {
        let mut indices = Vec::new();
        let mut start = 0;
        for &(channels, unit) in cut {
            indices.extend(start..start + self.live(channels, unit));
            start += channels;
        }
        let unchanged = cut.is_empty() || indices.len() == tensor.shape()[axis];
        if unchanged { tensor.clone() } else { tensor.select(axis, &indices) }
    }

    fn live(&self, channels: usize, unit: Option<(usize, usize)>) -> usize {
        let keep = unit.and_then(|(unit, block)| self.keep.get(unit).map(|keep| keep * block));
        keep.map_or(channels, |live| live.min(channels))
    }
}

impl Ran {
    /// Dead lanes of live groups are zero, dead groups are as they were.
    fn check_dead(&self, label: &str) {
        let dead = dead_lanes(&self.stored, &self.live);
        for (at, value) in self.buffer.iter().enumerate() {
            let expected = match dead[lane_of(&self.stored, at)] {
                Dead::No => continue,
                Dead::Lane => 0,
                Dead::Group => POISON,
            };
            assert_eq!(value.to_bits(), expected, "{label}: stored element {at} is dead and holds {value}");
        }
    }

    /// The live part of the output in row-major order.
    fn live_values(&self) -> Vec<f32> {
        let dead = dead_lanes(&self.stored, &self.live);
        let alive = (0..self.stored.channels).filter(|&channel| {
            let (group, lane) = self.stored.place(channel);
            dead[(group * 4 + lane) as usize] == Dead::No
        });
        let alive: Vec<usize> = alive.map(|channel| channel as usize).collect();
        let all =
            Tensor::from_f32(self.shape.clone(), self.stored.unpack(&self.buffer)).expect("it is whole");
        if self.shape.is_empty() {
            return all.f32s().expect("it is floats").to_vec();
        }
        all.select(self.stored.axis, &alive).f32s().expect("it is floats").to_vec()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dead {
    No,
    Lane,
    Group,
}

/// For every stored channel (group times 4 plus lane), what of it is dead.
fn dead_lanes(stored: &Stored, live: &LiveTable) -> Vec<Dead> {
    let mut dead = vec![Dead::Group; stored.groups as usize * 4];
    let record = &live.0[stored.record.0 as usize..];
    for segment in 0..record[0] as usize {
        let (first, channels) = (record[2 + 2 * segment] as usize * 4, record[3 + 2 * segment] as usize);
        dead[first..first + channels].fill(Dead::No);
        dead[first + channels..first + channels.next_multiple_of(4)].fill(Dead::Lane);
    }
    dead
}

/// The stored channel of an element of a stored buffer.
fn lane_of(stored: &Stored, at: usize) -> usize {
    at / 4 / stored.pixels() as usize % stored.groups as usize * 4 + at % 4
}

fn slot(cx: &mut Lowering, value: ValueId) -> usize {
    match cx.slot(value) {
        Operand::Slot(slot) => slot,
        other => panic!("a value is in {other:?}"),
    }
}

fn segments(cut: &Cut) -> Vec<Segment> {
    let mut start = 0;
    let segment = |&(channels, unit)| {
        start += channels;
        Segment { unit, channels: (start - channels..start).collect() }
    };
    cut.iter().map(segment).collect()
}

fn external(step: &Step, constants: usize) -> Step {
    let place = |operand: &Operand| match *operand {
        Operand::Slot(i) => Operand::External(i),
        Operand::Constant(i) => Operand::External(constants + i),
        other => panic!("a lowered step reads {other:?}"),
    };
    Step { operands: step.operands.iter().map(place).collect(), ..step.clone() }
}

/// Floats of either sign and many sizes, the same for the same `seed`.
pub fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let unit = (state >> 40) as f32 / (1u64 << 24) as f32;
        6.0 * unit - 3.0
    };
    let values = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_f32(shape.to_vec(), values).expect("the length fits")
}

/// Cuts of a channel axis with keeps: whole, one unit at several keeps, two units, and a pinned segment beside one.
pub fn cuts(channels: usize) -> Vec<(Cut, Vec<usize>)> {
    let single = vec![(channels, Some((0, 1)))];
    let mut cuts = vec![(whole(channels), vec![])];
    let mut keeps = vec![1, channels.div_ceil(2), channels];
    keeps.dedup();
    cuts.extend(keeps.into_iter().map(|keep| (single.clone(), vec![keep])));
    if channels > 1 {
        let first = channels.div_ceil(3);
        let rest = channels - first;
        let double = vec![(first, Some((0, 1))), (rest, Some((1, 1)))];
        cuts.push((double.clone(), vec![first, 1]));
        cuts.push((double.clone(), vec![1, rest.div_ceil(2)]));
        cuts.push((double, vec![0, rest]));
        cuts.push((vec![(first, None), (rest, Some((0, 1)))], vec![rest.div_ceil(2)]));
    }
    cuts
}

/// Numbers of channels around the group size and over several groups.
pub const CHANNELS: [usize; 6] = [1, 2, 3, 5, 7, 33];

#[test]
#[should_panic(expected = "the worst is")]
fn a_wrong_result_is_noticed() {
    let Some([_, gpu]) = crate::harness::gpus() else { panic!("the worst is that there is no device") };
    let mut case = Case::new(Op::Identity, &whole(3), &[]).input(random(&[1, 3, 2, 2], 1), &whole(3));
    let ran = case.run(&gpu, "control");
    case.inputs[0].tensor = random(&[1, 3, 2, 2], 2);
    let expected = Array::from(&case.inputs[0].tensor);
    within("control", &ran.stored.unpack(&ran.buffer), &expected.data, &[0.0; 12]);
}

#[test]
#[should_panic(expected = "is dead and holds")]
fn a_written_dead_group_is_noticed() {
    let Some([_, gpu]) = crate::harness::gpus() else {
        panic!("it is dead and holds nothing without a device")
    };
    let cut = vec![(9, Some((0, 1)))];
    let case = Case::new(Op::Identity, &cut, &[4]).input(random(&[1, 9, 1, 1], 1), &cut);
    let mut ran = case.run(&gpu, "control");
    ran.buffer[8] = 1.0;
    ran.check_dead("control");
}
