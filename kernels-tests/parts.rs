//! Values that lie within others: concatenations without copies, runs of channels read where they are, and convolutions of one
//! value by one step. Nothing of it may change a bit.

use crate::compare::same_bits;
use crate::conv::ways;
use crate::network::{Network, tensor};
use std::collections::BTreeSet;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, Coordinates, Extent, Graph, Interpolation, Move, Op, Padding, Pool, Resize,
    Rounding, SliceAxis, Target, ValueId,
};
use wgpu_pagcp::kernels::Access;
use wgpu_pagcp::plan::{Operand, Plan, PlanOptions};
use wgpu_pagcp::tensor::Dtype;

/// A map whose channel groups can be bound one by one, and one whose groups cannot.
const ALIGNED: [usize; 2] = [8, 12];
const ODD: [usize; 2] = [5, 7];

/// A convolution to `channels` channels with an activation.
fn conv(b: &mut Builder, seed: u32, x: ValueId, [channels, inputs, kernel]: [usize; 3]) -> ValueId {
    let same = Conv2d { pads: Padding::Explicit([kernel / 2; 4]), ..Conv2d::new([kernel; 2]) };
    let weight = tensor(seed, &[channels, inputs, kernel, kernel]);
    let y = b.conv(x, same, weight, Some(tensor(seed + 100, &[channels])));
    b.activation(y, Activation::Relu)
}

fn part(b: &mut Builder, x: ValueId, [start, end]: [i64; 2]) -> ValueId {
    let [start, end] = [start, end].map(Extent::Fixed);
    b.node(Op::Move(Move::Slice(vec![SliceAxis { axis: 1, start, end, step: 1 }])), &[x])
}

/// SqueezeNet's module.
fn fire(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let squeezed = conv(b, 2, x, [8, 10, 1]);
    let parts = [conv(b, 3, squeezed, [12, 8, 1]), conv(b, 4, squeezed, [9, 8, 3])];
    let joined = b.concat(&parts, 1);
    vec![conv(b, 5, joined, [5, 21, 3])]
}

/// A U-Net's level: an enlarged map beside one that was read before.
fn skip(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let fine = conv(b, 2, x, [9, 10, 3]);
    let coarse = b.max_pool(fine, Pool { strides: [2, 2], ..Pool::new([2, 2]) });
    let coarse = conv(b, 3, coarse, [7, 9, 3]);
    let resize = Resize {
        target: Target::Scales([2.0, 2.0]),
        coordinates: Coordinates::Asymmetric,
        interpolation: Interpolation::Nearest(Rounding::Floor),
    };
    let high = b.resize(coarse, resize);
    let joined = b.concat(&[high, fine], 1);
    vec![conv(b, 4, joined, [6, 16, 3])]
}

/// A DenseNet's block.
fn dense(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let first = conv(b, 2, x, [5, 10, 3]);
    let joined = b.concat(&[x, first], 1);
    let second = conv(b, 3, joined, [6, 15, 3]);
    let all = b.concat(&[x, first, second], 1);
    vec![conv(b, 4, all, [5, 21, 1])]
}

/// YOLOv8's module; with a shortcut, one step reads a part and would write another.
fn halves(b: &mut Builder, x: ValueId, shortcut: bool) -> Vec<ValueId> {
    let whole = conv(b, 2, x, [16, 10, 1]);
    let parts = [part(b, whole, [0, 8]), part(b, whole, [8, 16])];
    let inner = conv(b, 3, parts[1], [6, 8, 3]);
    let mut last = conv(b, 4, inner, [8, 6, 3]);
    if shortcut {
        last = b.add(last, parts[1]);
    }
    let joined = b.concat(&[parts[0], parts[1], last], 1);
    vec![conv(b, 5, joined, [5, 24, 1])]
}

/// A map that is joined with itself.
fn twice(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let other = conv(b, 2, x, [4, 10, 1]);
    let joined = b.concat(&[x, other, x], 1);
    vec![conv(b, 3, joined, [5, 24, 3])]
}

/// A concatenation in another, and that beside its own part.
fn nested(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let [first, second] = [(2, 3), (3, 1)].map(|(seed, kernel)| conv(b, seed, x, [7, 10, kernel]));
    let inner = b.concat(&[first, second], 1);
    let inner = b.activation(inner, Activation::Tanh);
    let third = conv(b, 4, x, [3, 10, 3]);
    let third = b.activation(third, Activation::Silu);
    let outer = b.concat(&[inner, third], 1);
    let all = b.concat(&[outer, inner], 1);
    vec![conv(b, 5, outer, [5, 17, 1]), conv(b, 6, all, [5, 31, 1]), third]
}

/// Heads of several tasks, of which two are graph outputs themselves.
fn heads(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let all = [(2, 12), (3, 8), (4, 33), (5, 6)];
    let [a, c, d, e] = all.map(|(seed, channels)| conv(b, seed, x, [channels, 10, 3]));
    let other = conv(b, 6, x, [5, 10, 1]);
    vec![conv(b, 7, a, [3, 12, 1]), conv(b, 8, c, [1, 8, 3]), conv(b, 9, d, [2, 33, 1]), e, other]
}

/// Inception's module: three convolutions of one value, one of which is joined as it is.
fn inception(b: &mut Builder, x: ValueId) -> Vec<ValueId> {
    let [direct, narrow, narrower] = [(2, 8), (3, 7), (4, 6)].map(|(seed, n)| conv(b, seed, x, [n, 10, 1]));
    let parts = [direct, conv(b, 5, narrow, [12, 7, 3]), conv(b, 6, narrower, [9, 6, 5])];
    let joined = b.concat(&parts, 1);
    vec![conv(b, 7, joined, [5, 29, 1])]
}

/// What follows a first convolution, and how many copies and how many merged convolutions its plan has for one image.
struct Case {
    name: &'static str,
    body: fn(&mut Builder, ValueId) -> Vec<ValueId>,
    copies: usize,
    merged: usize,
}

const fn case(
    name: &'static str,
    body: fn(&mut Builder, ValueId) -> Vec<ValueId>,
    copies: usize,
    merged: usize,
) -> Case {
    Case { name, body, copies, merged }
}

const CASES: [Case; 9] = [
    case("fire", fire, 0, 0),
    case("skip", skip, 0, 0),
    case("dense", dense, 2, 0),
    case("halves", |b, x| halves(b, x, false), 0, 0),
    case("halves with a shortcut", |b, x| halves(b, x, true), 1, 0),
    case("twice", twice, 3, 0),
    case("nested", nested, 3, 1),
    case("heads", heads, 0, 3),
    case("inception", inception, 1, 2),
];

impl Case {
    fn graph(&self, size: [usize; 2]) -> Graph {
        let mut b = Builder::new(self.name);
        let image = b.image("image", [3, size[0], size[1]]);
        let x = conv(&mut b, 1, image, [10, 3, 3]);
        let ends = (self.body)(&mut b, x);
        for (at, end) in ends.into_iter().enumerate() {
            b.output(end, &format!("y{at}"));
        }
        b.finish().expect("the graph is sound")
    }
}

fn copies(plan: &Plan) -> usize {
    plan.steps.iter().filter(|step| ["concat", "gather"].contains(&step.kernel.name)).count()
}

/// Convolutions that steps of others compute, after which no step is named.
fn merged(plan: &Plan) -> usize {
    let named: BTreeSet<&str> = plan.steps.iter().map(|step| step.node.as_str()).collect();
    let is_so =
        |[other, first]: &&[String; 2]| !named.contains(other.as_str()) && named.contains(first.as_str());
    assert!(plan.merged.iter().all(|pair| is_so(&pair)), "{:?}", plan.merged);
    plan.merged.len()
}

fn outputs(gpu: &Gpu, network: &Network, options: &PlanOptions, keep: &[usize]) -> Vec<Vec<f32>> {
    let mut session = Session::new(gpu, network.plan(options), 1).expect("the plan fits");
    session.poison().expect("the device works");
    session.run_masked(&[&network.input(7)], keep).expect("it runs")
}

/// That pruned or not, a network's outputs are those of the compacted one, and of a plan of two images, which do not lie
/// together, so that it has neither parts nor merged steps.
fn check(gpu: &Gpu, case: &Case, size: [usize; 2]) {
    let label = format!("{:?} {} of {size:?}", gpu.class(), case.name);
    let [network, pair] = [1, 2].map(|batch| Network::new(case.graph(size), batch));
    let options = gpu.plan_options(1);
    let all: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
    assert!(!all.is_empty(), "{label}: nothing can be pruned");
    for keep in [&all, &network.keep(6), &network.keep(3)] {
        let found = outputs(gpu, &network, &options, keep);
        let compacted = outputs(gpu, &network.compacted(keep), &options, &[]);
        let separate = outputs(gpu, &pair, &gpu.plan_options(2), keep);
        for ((found, compacted), separate) in found.iter().zip(&compacted).zip(&separate) {
            same_bits(&label, found, compacted);
            same_bits(&label, found, &separate[..found.len()]);
        }
    }
}

#[test]
fn parts_change_no_bit() {
    for (at, case) in CASES.iter().enumerate() {
        let network = Network::new(case.graph(ALIGNED), 1);
        // Half of the cases take the checked kernels and half the unchecked ones.
        for gpu in ways().iter().skip(at % 2).step_by(2) {
            let plan = network.plan(&gpu.plan_options(1));
            let found = (copies(&plan), merged(&plan));
            assert_eq!(found, (case.copies, case.merged), "{}\n{}", case.name, plan.to_text());
            let apart = PlanOptions { merge: false, ..gpu.plan_options(1) };
            assert_eq!(merged(&network.plan(&apart)), 0, "{}", case.name);
            network.check_layers(gpu, &network.input(7));
            check(gpu, case, ALIGNED);
        }
    }
}

#[test]
fn what_cannot_be_bound_is_copied() {
    let ways = ways();
    for case in CASES.iter().filter(|case| case.name != "skip") {
        let network = Network::new(case.graph(ODD), 1);
        let plan = network.plan(&PlanOptions::default());
        assert_eq!(merged(&plan), 0, "{}", case.name);
        assert!(copies(&plan) >= case.copies, "{}", case.name);
        ways.iter().take(1).for_each(|gpu| check(gpu, case, ODD));
    }
    let odd = |case: &Case| copies(&Network::new(case.graph(ODD), 1).plan(&PlanOptions::default()));
    // The first operand of each begins where the whole does.
    assert_eq!([&CASES[0], &CASES[8]].map(odd), [1, 2]);
    for case in &CASES {
        let network = Network::new(case.graph(ALIGNED), 3);
        let plan = network.plan(&PlanOptions { batch: 3, ..PlanOptions::default() });
        let moved = |op: &Op| matches!(op, Op::Concat { .. } | Op::Move(_));
        let nodes = network.optimised.nodes.iter().filter(|node| moved(&node.op));
        let all: usize = nodes.map(|node| node.inputs.len()).sum();
        assert_eq!((copies(&plan), merged(&plan)), (all, 0), "{}", case.name);
    }
}

/// wgpu refuses steps that do; that the plan does not rely on it.
#[test]
fn no_step_reads_the_buffer_that_it_writes() {
    let mut parts = 0;
    for case in &CASES {
        let plan = Network::new(case.graph(ALIGNED), 1).plan(&PlanOptions::default());
        for step in plan.all_steps() {
            let bound = step.operands.iter().zip(step.kernel.bindings);
            let (written, read): (Vec<_>, Vec<_>) = bound.partition(|(_, access)| **access == Access::Write);
            let slots = |operands: Vec<(&Operand, &Access)>| -> BTreeSet<usize> {
                operands.into_iter().filter_map(|(operand, _)| operand.slot()).collect()
            };
            parts += step.operands.iter().filter(|o| matches!(o, Operand::Part { .. })).count();
            assert!(slots(written).is_disjoint(&slots(read)), "{}: {}", case.name, step.node);
        }
    }
    assert!(parts > 30, "{parts} parts were bound");
}

#[test]
fn parts_may_be_stored_in_16_bits() {
    for gpu in ways().into_iter().filter(Gpu::has_f16) {
        for case in &CASES {
            let network = Network::new(case.graph(ALIGNED), 1);
            let pair = Network::new(case.graph(ALIGNED), 2);
            let half = |batch| PlanOptions { dtype: Dtype::F16, ..gpu.plan_options(batch) };
            let keep = network.keep(6);
            let found = outputs(&gpu, &network, &half(1), &keep);
            let separate = outputs(&gpu, &pair, &half(2), &keep);
            for (found, separate) in found.iter().zip(&separate) {
                same_bits(case.name, found, &separate[..found.len()]);
            }
        }
    }
}
