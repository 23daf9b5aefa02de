//! Gradients of random networks: those of the training network in f64 against differences of the loss, and every node of it
//! on a device within the bounds of the reference.

use crate::compare::within;
use crate::harness::gpus;
use crate::random_graph::{RandomGraph, Rng, seeds, verify};
use std::collections::BTreeSet;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{
    Activation, Binary, Builder, Conv2d, Graph, LossKind, Norm, Op, Sizes, Statistics, ValueId,
};
use wgpu_pagcp::plan::{DeviceClass, PlanOptions, build};
use wgpu_pagcp::reference::{Array, bounds, run};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::train::{
    Differentiated, Forward, Normalisation, Objective, TrainError, differentiate, forward, prepared,
    set_weights, weights,
};
use wgpu_pagcp::units::{Units, analyse};

/// Weights of a network whose gradients are compared with differences.
const COORDINATES: usize = 8;

/// How far a gradient may be from a difference, relative to it.
const RELATIVE: f64 = 1e-5;

/// The same as a share of the loss, whose rounding errors differences have in them.
const ABSOLUTE: f64 = 1e-7;

/// A training network, what it is given, and the network that it came from.
pub struct Lesson {
    form: Forward,
    done: Differentiated,
    inputs: Vec<Array>,
}

impl Lesson {
    /// Of all outputs against random labels; `None` where one of them is an index.
    pub fn new(case: &RandomGraph) -> Option<Self> {
        let mut rng = Rng::new(case.seed + 1);
        let sizes = Sizes::batch(case.batch);
        let normalisation = rng.pick(&[Normalisation::Train, Normalisation::Fold]);
        let graph = prepared(&case.graph, &sizes, normalisation).expect("it can be prepared");
        let form = forward(&graph, &sizes, normalisation, &BTreeSet::new()).expect("it can be trained");
        let objective = |&output: &ValueId| Objective {
            name: form.graph.value(output).name.clone(),
            output,
            view: Vec::new(),
            kind: LossKind::Square,
        };
        let objectives: Vec<Objective> = form.graph.outputs.iter().map(objective).collect();
        let done = match differentiate(&form.graph, &form.shapes, &form.trained, &objectives) {
            Ok(done) => done,
            Err(TrainError::NoGradient { op: "ArgMax", .. }) => return None,
            Err(error) => panic!("{error}"),
        };
        done.graph.check().expect("the training network is sound");
        let mut inputs = case.inputs.clone();
        for &output in &form.graph.outputs {
            let shape = &form.shapes[output.0];
            inputs.push(Array::from(&rng.tensor(shape, 1.0)));
            inputs.push(Array::filled(vec![1], 1.0 / 1024.0));
        }
        Some(Self { form, done, inputs })
    }

    /// The loss of `graph`, which is that of the form with other weights.
    fn loss(&self, graph: &Graph) -> f64 {
        let own = self.form.graph.inputs.len();
        let values = run(graph, &self.form.shapes, &self.inputs[..own]).expect("it runs");
        let mut loss = 0.0;
        for (output, given) in graph.outputs.iter().zip(self.inputs[own..].chunks(2)) {
            let y = values[output.0].as_ref().expect("it is computed");
            let squares = y.data.iter().zip(&given[0].data).map(|(y, label)| (y - label).powi(2));
            loss += given[1].data[0] * squares.sum::<f64>();
        }
        loss
    }

    /// The gradients of all blocks in f64.
    fn gradients(&self) -> Vec<Vec<f64>> {
        let values = run(&self.done.graph, &self.done.shapes, &self.inputs).expect("it runs");
        let gradient = |id: ValueId| values[id.0].as_ref().expect("it is computed").data.clone();
        self.done.blocks.iter().map(|block| gradient(block.gradient)).collect()
    }

    /// Compares some of `gradients` with differences; the first that is off, in words.
    fn compare(&self, gradients: &[Vec<f64>], rng: &mut Rng) -> Result<(), String> {
        let loss = self.loss(&self.form.graph);
        for number in 0..COORDINATES.max(gradients.len()) {
            let block = number % gradients.len();
            let at = rng.below(gradients[block].len());
            let found = gradients[block][at];
            let constants = &self.done.blocks[block].constants;
            // A kink may lie between: then not for all widths.
            let differences = [20, 17, 22].map(|bits| self.difference(constants, at, bits));
            let near = |expected: &f64| {
                (found - expected).abs() <= RELATIVE * expected.abs() + ABSOLUTE * loss.max(1e-3)
            };
            if !differences.iter().any(near) {
                let names: Vec<&str> =
                    constants.iter().map(|id| self.form.graph.value(*id).name.as_str()).collect();
                return Err(format!("{names:?} {at}: {found}, differences give {differences:?}"));
            }
        }
        Ok(())
    }

    /// The slope of the loss along one number of a block, over a step of `2^-bits`.
    fn difference(&self, constants: &[ValueId], at: usize, bits: i32) -> f64 {
        let own = weights(&self.form.graph, constants).expect("they are constants");
        let moved = |by: f32| {
            let (mut graph, mut changed) = (self.form.graph.clone(), own.clone());
            changed[at] += by;
            set_weights(&mut graph, constants, &changed);
            (self.loss(&graph), f64::from(changed[at]))
        };
        let step = 0.5_f32.powi(bits);
        let [(above, to), (below, from)] = [moved(step), moved(-step)];
        (above - below) / (to - from)
    }

    /// What a device computes of all nodes, by value.
    pub fn on(&self, gpu: &Gpu) -> Vec<Option<Array>> {
        let Differentiated { graph, shapes, .. } = &self.done;
        let options = PlanOptions { keep_all: true, ..gpu.plan_options(shapes[graph.inputs[0].0][0]) };
        let plan =
            build(graph, shapes, &Units::default(), &options).unwrap_or_else(|error| panic!("{error}"));
        let mut session = Session::new(gpu, plan, 0).expect("the plan fits");
        session.poison().expect("the device works");
        let inputs: Vec<Vec<f32>> = self.inputs.iter().map(Array::to_f32).collect();
        session.run(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>()).expect("the device works");
        let mut values: Vec<Option<Array>> =
            graph.values.iter().map(|value| value.constant.as_deref().map(Array::from)).collect();
        for (id, input) in graph.inputs.iter().zip(&self.inputs) {
            values[id.0] = Some(input.clone());
        }
        let probes = session.values().expect("all values are kept");
        assert_eq!(probes.len(), graph.nodes.len());
        for (probe, node) in probes.iter().zip(&graph.nodes) {
            let array = Array::from_f32(probe.shape.clone(), &probe.values).expect("shapes agree");
            values[node.outputs[0].0] = Some(array);
        }
        values
    }

    /// Panics unless every node is within its bounds on what the device gave it.
    pub fn check(&self, values: &[Option<Array>]) {
        let Differentiated { graph, shapes, .. } = &self.done;
        for (node, bounded) in graph.nodes.iter().zip(bounds(graph, shapes, values).expect("it runs")) {
            let found = values[node.outputs[0].0].as_ref().expect("it is computed").to_f32();
            within(&node.name, &found, &bounded.expected.data, &bounded.tolerance.data);
        }
    }
}

#[test]
fn random_networks_have_the_gradients_of_differences() {
    let mut skipped = 0;
    let seeds: Vec<u64> = seeds(0, 1, 80).collect();
    for &seed in &seeds {
        let case = RandomGraph::new(seed);
        skipped += usize::from(Lesson::new(&case).is_none());
        verify(&case, &|case| {
            let Some(lesson) = Lesson::new(case) else { return };
            let mut rng = Rng::new(case.seed + 2);
            lesson.compare(&lesson.gradients(), &mut rng).unwrap_or_else(|reason| panic!("{reason}"));
        });
    }
    assert!(4 * skipped < seeds.len(), "{skipped} of {} networks have no gradients", seeds.len());
}

#[test]
fn devices_compute_random_gradients_within_bounds() {
    let Some([_, gpu]) = gpus() else { return };
    let portable = gpu.with_class(DeviceClass::Portable);
    for seed in seeds(0, 1, 24) {
        let gpu = if seed % 4 == 0 { &portable } else { &gpu };
        verify(&RandomGraph::new(seed), &|case| {
            let Some(lesson) = Lesson::new(case) else { return };
            lesson.check(&lesson.on(gpu));
        });
    }
}

/// A case of `graph`, whose input `x` has two pictures.
fn case(graph: Graph, seed: u64) -> RandomGraph {
    let shapes = graph.infer(&Sizes::batch(2)).expect("the graph is sound");
    let inputs = graph.inputs.iter().map(|id| Array::from(&Rng::new(seed).tensor(&shapes[id.0], 1.0)));
    let inputs = inputs.collect();
    RandomGraph { seed, units: analyse(&graph, &shapes), inputs, shapes, graph, batch: 2 }
}

fn conv(b: &mut Builder, rng: &mut Rng, x: ValueId, [outputs, channels]: [usize; 2]) -> ValueId {
    let weight = rng.tensor(&[outputs, channels, 1, 1], 0.5);
    b.conv(x, Conv2d::new([1, 1]), weight, Some(rng.tensor(&[outputs], 0.5)))
}

/// A network in which both operands of a power, of extremes and of a choice are computed.
fn of_two() -> Graph {
    let mut rng = Rng::new(3);
    let mut b = Builder::new("of two");
    let x = b.image("x", [3, 4, 5]);
    let [base, exponent] = [0; 2].map(|_| conv(&mut b, &mut rng, x, [5, 3]));
    let positive = b.activation(base, Activation::Softplus);
    let power = b.binary(Binary::Pow, positive, exponent);
    let slope = b.global_average_pool(exponent);
    let leaky = b.binary(Binary::PRelu, base, slope);
    let lesser = b.binary(Binary::Min, power, leaky);
    let greater = b.binary(Binary::Max, exponent, slope);
    let above = b.activation(base, Activation::Relu);
    let chosen = b.node(Op::Where, &[above, lesser, greater]);
    b.output(chosen, "y");
    let two = b.constant("two", Tensor::from_f32(vec![], vec![2.0]).unwrap());
    let square = b.binary(Binary::Pow, base, two);
    let mixed = Tensor::from_f32(vec![5, 1, 1], vec![0.0, 1.0, 3.0, 2.0, 4.0]).unwrap();
    let mixed = b.constant("mixed", mixed);
    let powers = b.binary(Binary::Pow, square, mixed);
    b.output(powers, "powers");
    b.finish().unwrap()
}

/// Maps and tokens normalised by statistics of every kind.
fn of_statistics(statistics: Statistics) -> Graph {
    let mut rng = Rng::new(4);
    let mut b = Builder::new("normalised");
    let x = b.image("x", [3, 4, 5]);
    let map = conv(&mut b, &mut rng, x, [6, 3]);
    let shape = match statistics {
        Statistics::Instance | Statistics::Group { .. } => vec![6],
        Statistics::Layer { axis } => [2, 6, 4, 5][axis..].to_vec(),
    };
    let scale = b.constant("scale", rng.tensor(&shape, 1.0));
    let shift = b.constant("shift", rng.tensor(&shape, 1.0));
    let norm = Op::Norm(Norm { statistics, epsilon: 1e-3 });
    let normalised = b.node(norm, &[map, scale, shift]);
    let y = b.activation(normalised, Activation::Gelu { tanh: false });
    let y = conv(&mut b, &mut rng, y, [2, 6]);
    b.output(y, "y");
    b.finish().unwrap()
}

const STATISTICS: [Statistics; 8] = [
    Statistics::Instance,
    Statistics::Group { groups: 1 },
    Statistics::Group { groups: 2 },
    Statistics::Group { groups: 6 },
    Statistics::Layer { axis: 0 },
    Statistics::Layer { axis: 1 },
    Statistics::Layer { axis: 2 },
    Statistics::Layer { axis: 3 },
];

#[test]
fn functions_of_two_values_and_normalisations() {
    let gpus = gpus();
    let graphs = [of_two()].into_iter().chain(STATISTICS.map(of_statistics));
    for (seed, graph) in (100..).zip(graphs) {
        let label = format!("{} {seed}", graph.name);
        let lesson = Lesson::new(&case(graph, seed)).expect("nothing is an index");
        let blocks = lesson.done.blocks.len();
        let normalised = usize::from(label.starts_with("normalised"));
        assert_eq!(blocks, 4 + normalised, "{label}: weights, biases, and scale and shift together");
        let gradients = lesson.gradients();
        for seed in 0..4 {
            lesson
                .compare(&gradients, &mut Rng::new(seed))
                .unwrap_or_else(|reason| panic!("{label}: {reason}"));
        }
        if let Some([gpu, _]) = &gpus {
            lesson.check(&lesson.on(gpu));
        }
    }
}

/// Of equal operands each has a half.
#[test]
fn equal_operands_share() {
    let mut b = Builder::new("equal");
    let x = b.image("x", [1, 1, 2]);
    let one = Tensor::from_f32(vec![1, 1, 1, 1], vec![1.0]).unwrap();
    let [left, right] = [0; 2].map(|_| b.conv(x, Conv2d::new([1, 1]), one.clone(), None));
    let y = b.binary(Binary::Max, left, right);
    b.output(y, "y");
    let lesson = Lesson::new(&case(b.finish().unwrap(), 9)).unwrap();
    let gradients = lesson.gradients();
    assert_eq!(gradients.len(), 2);
    assert!(gradients[0][0] != 0.0);
    assert_eq!(gradients[0], gradients[1]);
    // Differences to both sides give the mean of both slopes.
    assert_eq!(lesson.compare(&gradients, &mut Rng::new(1)), Ok(()));
}

#[test]
fn gradients_that_are_off_are_noticed() {
    let lesson = Lesson::new(&case(of_statistics(Statistics::Instance), 1)).unwrap();
    let mut gradients = lesson.gradients();
    assert!(lesson.compare(&gradients, &mut Rng::new(1)).is_ok());
    gradients.iter_mut().flatten().for_each(|gradient| *gradient *= 1.001);
    assert!(lesson.compare(&gradients, &mut Rng::new(1)).is_err());
    let Some([gpu, _]) = gpus() else { return };
    let mut values = lesson.on(&gpu);
    let last = lesson.done.graph.outputs[2];
    assert!(count(&lesson.done.shapes[last.0]) > 1);
    values[last.0].as_mut().unwrap().data[1] *= 1.001;
    assert!(std::panic::catch_unwind(|| lesson.check(&values)).is_err());
}
