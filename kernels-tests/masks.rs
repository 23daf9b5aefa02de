//! Masked equals compacted, bit for bit, on random networks; and both stay within the bounds of the f64 reference.

use crate::compare::{same_bits, within};
use crate::harness::gpus;
use crate::network::{numbers, tensor};
use crate::random_graph::{RandomGraph, Rng, random_counts, random_orders, seeds, verify};
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, Builder, Conv2d, Graph, Pool, Shapes, Sizes};
use wgpu_pagcp::kernels::Kernel;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{Plan, PlanOptions, build};
use wgpu_pagcp::reference::{Array, bounds};
use wgpu_pagcp::units::{Keeps, Units, analyse};

/// The plan of an imported graph, with the optimised graph and its shapes.
fn plan(graph: &Graph, units: &Units, options: &PlanOptions) -> Result<(Plan, Graph, Shapes), String> {
    let sizes = Sizes::batch(options.batch);
    let optimised = optimise(graph, &sizes).map_err(|error| error.to_string())?.graph;
    let shapes = optimised.infer(&sizes).map_err(|error| error.to_string())?;
    let plan = build(&optimised, &shapes, units, options).map_err(|error| error.to_string())?;
    Ok((plan, optimised, shapes))
}

fn session(gpu: &Gpu, graph: &Graph, units: &Units, batch: usize) -> Result<Session, String> {
    let (plan, ..) = plan(graph, units, &gpu.plan_options(batch))?;
    let session = Session::new(gpu, plan, 1).map_err(|error| error.to_string())?;
    session.poison().map_err(|error| error.to_string())?;
    Ok(session)
}

fn floats(inputs: &[Array]) -> Vec<Vec<f32>> {
    inputs.iter().map(Array::to_f32).collect()
}

/// One random network, one random order of its units, one random prefix of each.
pub fn check_masked(gpu: &Gpu, case: &RandomGraph) {
    let (units, mut rng) = (&case.units, Rng::new(case.seed ^ 0x3a5c));
    let orders = random_orders(units, &mut rng);
    let counts = random_counts(units, &mut rng);
    let keeps = Keeps::prefix(units, &counts);
    let label = || case.describe(&orders.then(&keeps));
    let done =
        |result: Result<Session, String>| result.unwrap_or_else(|error| panic!("{error}\n{}", label()));

    let ordered = compact(&case.graph, &case.shapes, units, &orders).expect("orders are legal");
    let small = compact(&ordered, &case.shapes, units, &keeps).expect("prefixes are legal");
    let left = if rng.chance(50) || case.orders_anew(&counts) {
        units.pruned(&keeps)
    } else {
        analyse(&small, &small.infer(&Sizes::batch(case.batch)).expect("it has shapes"))
    };
    let inputs = floats(&case.inputs);
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let mut masked = done(session(gpu, &ordered, units, case.batch));
    let found = masked.run_masked(&inputs, &counts).unwrap_or_else(|e| panic!("{e}\n{}", label()));
    let mut compacted = done(session(gpu, &small, &left, case.batch));
    let expected = compacted.run(&inputs).unwrap_or_else(|e| panic!("{e}\n{}", label()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(expected.iter().all(|value| value.is_finite()), "{}", label());
        if found.iter().map(|f| f.to_bits()).ne(expected.iter().map(|f| f.to_bits())) {
            same_bits(&label(), found, expected);
        }
    }
}

/// Some of the seeds, so that the test harness spreads them over its threads. Runtime checks alternate.
fn check_seeds(first: u64) {
    let Some(gpus) = gpus() else { return };
    for seed in seeds(first, 2, 1000) {
        let gpu = &gpus[(seed / 2 % 2) as usize];
        verify(&RandomGraph::new(seed), &|case| check_masked(gpu, case));
    }
}

#[test]
fn random_networks_masked_equal_compacted_1() {
    check_seeds(0);
}

#[test]
fn random_networks_masked_equal_compacted_2() {
    check_seeds(1);
}

#[test]
fn random_networks_are_within_the_bounds_of_the_reference() {
    let Some([_, gpu]) = gpus() else { return };
    for seed in seeds(0, 10, 1000) {
        verify(&RandomGraph::new(2000 + seed), &|case| check_bounds(&gpu, case));
    }
}

/// Every value of a network is within its bound.
pub fn check_bounds(gpu: &Gpu, case: &RandomGraph) {
    let label = || case.describe(&Keeps::all(&case.units));
    let options = PlanOptions { keep_all: true, ..gpu.plan_options(case.batch) };
    let (plan, optimised, shapes) =
        plan(&case.graph, &case.units, &options).unwrap_or_else(|error| panic!("{error}\n{}", label()));
    let mut session = Session::new(gpu, plan, 0).expect("the plan fits the device");
    let inputs = floats(&case.inputs);
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    session.run(&inputs).expect("it runs");
    let mut values: Vec<Option<Array>> =
        optimised.values.iter().map(|value| value.constant.as_deref().map(Array::from)).collect();
    for (&id, input) in optimised.inputs.iter().zip(&case.inputs) {
        values[id.0] = Some(input.clone());
    }
    let probes = session.values().expect("all values are kept");
    for (probe, node) in probes.iter().zip(&optimised.nodes) {
        let array = Array::from_f32(probe.shape.clone(), &probe.values).expect("shapes agree");
        values[node.outputs[0].0] = Some(array);
    }
    let bounds = bounds(&optimised, &shapes, &values).expect("the reference runs");
    assert_eq!(bounds.len(), probes.len());
    for (probe, bounded) in probes.iter().zip(bounds) {
        let beyond = bounded.worst(&probe.values).is_some_and(|(_, excess)| excess > 1.0);
        if beyond {
            let label = format!("{} of {}", probe.name, label());
            within(&label, &probe.values, &bounded.expected.data, &bounded.tolerance.data);
        }
    }
}

/// `kernel` without its mask: dead lanes keep what was computed.
fn unmasked(kernel: &Kernel) -> &'static Kernel {
    let source = kernel.source.replace("mask_lanes(", "leave_lanes(");
    assert_ne!(source, kernel.source);
    let source = format!("{source}\nfn leave_lanes(v: vec4f, lanes: u32) -> vec4f {{ return v; }}\n");
    Box::leak(Box::new(Kernel {
        name: "unmasked",
        source: Box::leak(source.into_boxed_str()),
        bindings: kernel.bindings,
        params: kernel.params,
        variants: kernel.variants,
    }))
}

#[test]
fn a_broken_mask_is_noticed() {
    let Some(gpus) = gpus() else { return };
    let mut b = Builder::new("net");
    let x = b.image("x", [3, 6, 6]);
    let y = b.conv(x, Conv2d::new([1, 1]), tensor(1, &[7, 3, 1, 1]), Some(tensor(2, &[7])));
    let y = b.max_pool(y, Pool::new([2, 2]));
    let y = b.activation(y, Activation::Sigmoid);
    let y = b.conv(y, Conv2d::new([1, 1]), tensor(3, &[2, 7, 1, 1]), None);
    b.output(y, "y");
    let graph = b.finish().expect("the graph is sound");
    let shapes = graph.infer(&Sizes::batch(1)).expect("it has shapes");
    let units = analyse(&graph, &shapes);
    let keeps = Keeps::prefix(&units, &[2]);
    let small = compact(&graph, &shapes, &units, &keeps).expect("the keeps are legal");
    let input = numbers(4, 108);
    for gpu in gpus {
        let mut compacted = session(&gpu, &small, &units.pruned(&keeps), 1).expect("it can be planned");
        let expected = compacted.run(&[&input]).expect("it runs");
        let (mut plan, ..) = plan(&graph, &units, &gpu.plan_options(1)).expect("it can be planned");
        let mut masked = Session::new(&gpu, plan.clone(), 1).expect("it fits");
        assert_eq!(masked.run_masked(&[&input], &[2]).expect("it runs"), expected);
        let sigmoid =
            plan.steps.iter_mut().find(|step| step.op == "Sigmoid").expect("it is a step of its own");
        sigmoid.kernel = unmasked(sigmoid.kernel);
        let mut broken = Session::new(&gpu, plan, 1).expect("it fits");
        assert_ne!(broken.run_masked(&[&input], &[2]).expect("it runs"), expected);
    }
}
