//! Runs of steps as one dispatch: to the bit what they are one by one, whoever waits, leaves or is cut short.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::{Network, graph, numbers};
use crate::random_graph::{RandomGraph, seeds};
use std::thread::available_parallelism;
use wgpu_pagcp::gpu::{ChainLimits, Gpu, Session};
use wgpu_pagcp::graph::{Builder, Graph, Padding, Pool, Sizes};
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::build;
use wgpu_pagcp::units::analyse;

/// All chains are kept.
const LIMITS: ChainLimits = ChainLimits { rounds: 48_000, patience: 16_000, trials: 0 };

/// Runs as before and chained, twice, from poisoned buffers; returns the dispatches of both.
fn check(label: &str, session: &mut Session, limits: ChainLimits, inputs: &[&[f32]]) -> [usize; 2] {
    session.poison().unwrap();
    let expected = session.run(inputs).unwrap();
    let before = session.dispatches();
    session.chain(limits).unwrap();
    let after = session.dispatches();
    for _ in 0..2 {
        session.poison().unwrap();
        let found = session.run(inputs).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            same_bits(label, found, expected);
        }
    }
    [before, after]
}

fn chains(gpu: &Gpu) -> bool {
    gpu.info().name.starts_with("llvmpipe") && gpu.class_name().starts_with("broadcast")
}

#[test]
fn a_chained_network_is_the_same_in_fewer_dispatches() {
    let Some(gpus) = gpus() else { return };
    for batch in [1, 3] {
        let network = Network::new(graph([11, 14]), batch);
        for gpu in &gpus {
            let mut session = network.session(gpu, 1);
            let input = network.input(7);
            let limits = LIMITS;
            let [before, after] = check("chained", &mut session, limits, &[&input]);
            assert!(if chains(gpu) { 2 * after < before } else { after == before }, "{before} {after}");
        }
    }
}

#[test]
fn who_leaves_early_leaves_the_rest_to_others() {
    let Some(gpus) = gpus() else { return };
    let network = Network::new(graph([11, 14]), 1);
    for gpu in &gpus {
        let limits = ChainLimits { patience: 1, ..LIMITS };
        let mut session = network.session(gpu, 0);
        let [_, after] = check("impatient", &mut session, limits, &[&network.input(7)]);
        for seed in 0..50 {
            let input = network.input(seed);
            let found = session.run(&[&input]).unwrap();
            let expected = network.session(gpu, 0).run(&[&input]).unwrap();
            same_bits("impatient", &found[0], &expected[0]);
        }
        assert_eq!(session.dispatches(), after, "no run was repeated");
    }
}

#[test]
fn chains_that_are_timed_are_kept_or_not_and_change_nothing() {
    let Some(gpus) = gpus() else { return };
    let network = Network::new(graph([11, 14]), 1);
    for gpu in &gpus {
        let mut session = network.session(gpu, 0);
        let limits = ChainLimits { trials: 3, ..LIMITS };
        let [before, after] = check("timed", &mut session, limits, &[&network.input(2)]);
        assert!(after <= before, "{before} {after}");
    }
}

#[test]
fn masked_runs_of_a_chained_session_are_what_they_were() {
    let Some(gpus) = gpus() else { return };
    let network = Network::new(graph([9, 13]), 1);
    let input = network.input(5);
    for gpu in &gpus {
        let mut session = network.session(gpu, 1);
        session.chain(LIMITS).unwrap();
        for tenths in [2, 7] {
            let keep = network.keep(tenths);
            let masked = session.run_masked(&[&input], &keep).unwrap();
            let mut compacted = network.compacted(&keep).session(gpu, 1);
            let [before, after] = check("compacted", &mut compacted, LIMITS, &[&input]);
            assert_eq!(after < before, chains(gpu));
            let expected = compacted.run(&[&input]).unwrap();
            for (found, expected) in masked.iter().zip(&expected) {
                same_bits(&format!("keep {keep:?}"), found, expected);
            }
        }
    }
}

fn session(gpu: &Gpu, graph: &Graph, batch: usize) -> Session {
    let sizes = Sizes::batch(batch);
    let optimised = optimise(graph, &sizes).unwrap().graph;
    let shapes = optimised.infer(&sizes).unwrap();
    let plan = build(&optimised, &shapes, &analyse(&optimised, &shapes), &gpu.plan_options(batch)).unwrap();
    Session::new(gpu, plan, 0).unwrap()
}

#[test]
fn random_networks_are_the_same_chained() {
    let Some([_, gpu]) = gpus() else { return };
    let mut fewer = 0;
    let mut count = 0;
    for seed in seeds(0, 50, 1200) {
        let network = RandomGraph::new(seed);
        let mut session = session(&gpu, &network.graph, network.batch);
        let inputs: Vec<Vec<f32>> = network.inputs.iter().map(|input| input.to_f32()).collect();
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let [before, after] = check(&format!("seed {seed}"), &mut session, LIMITS, &inputs);
        fewer += usize::from(after < before);
        count += 1;
    }
    assert!(count > 0);
    assert!(if chains(&gpu) { 2 * fewer > count } else { fewer == 0 }, "{fewer} of {count} were chained");
}

/// Steps of little work that need more rounds than Mesa's driver lets a thread have.
fn long() -> Graph {
    let mut b = Builder::new("long");
    let mut x = b.image("x", LONG);
    for _ in 0..9 {
        let window = Pool {
            kernel: [3; 2],
            strides: [1; 2],
            pads: Padding::Explicit([1; 4]),
            dilations: [1; 2],
            ceil_mode: false,
            count_include_pad: true,
        };
        x = b.average_pool(x, window);
    }
    b.output(x, "y");
    b.finish().expect("the graph is sound")
}

const LONG: [usize; 3] = [64, 160, 160];

#[test]
fn a_run_in_which_the_driver_ends_loops_is_repeated_step_by_step() {
    let Some(gpus) = gpus() else { return };
    let input = numbers(3, LONG.iter().product());
    for gpu in &gpus {
        let mut session = session(gpu, &long(), 1);
        let limits = ChainLimits { rounds: u64::MAX, ..LIMITS };
        let steps = session.dispatches();
        let [_, after] = check("too long", &mut session, limits, &[&input]);
        assert!(if chains(gpu) { after < steps } else { after == steps });
        // With more threads each has less to do.
        if chains(gpu) && available_parallelism().is_ok_and(|threads| threads.get() <= 4) {
            assert_eq!(session.dispatches(), steps, "the chain was given up");
        }
        session.chain(LIMITS).unwrap();
        assert!(session.dispatches() + 2 >= steps, "what needs so many rounds is no part of a chain");
    }
}
