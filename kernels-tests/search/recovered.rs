//! Recovery within the search: what is scored is what ships, and more can go.

use super::{World, settings};
use crate::harness::gpus;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::search::{Decision, Journal, Options, Outcome, Problem, Silent, apply, search};
use wgpu_pagcp::tasks::Source;
use wgpu_pagcp::units::cost;

fn recovering(world: &World, gpu: &Gpu, options: &Options) -> Outcome {
    let problem = Problem { graph: &world.graph, shapes: &world.shapes, units: &world.units };
    let mut evaluator = world.evaluator(gpu).fitting(world.samples.clone());
    search(problem, options, &mut evaluator, &mut Journal::in_memory(), &mut Silent).unwrap()
}

/// The last accepted candidate's losses are those of the network that ships, but for the order of sums: there is one
/// product with the factor instead of two.
#[test]
fn recovered_candidates_are_what_ships() {
    let Some(gpus) = gpus() else { return };
    let mut recovered = 0;
    for (gpu, seed) in gpus.iter().zip([1, 2]) {
        let world = World::new(seed);
        for options in settings().into_iter().take(2) {
            let outcome = recovering(&world, gpu, &options);
            recovered += outcome.visits.iter().filter(|v| v.recovered && v.accepted.is_some()).count();
            let last = outcome.visits.iter().rev().find_map(|visit| {
                let keep = visit.accepted?;
                visit.candidates.iter().find(|scored| scored.keep == keep)
            });
            let Some(last) = last else { continue };
            for (shipped, scored) in outcome.after.iter().zip(&last.losses) {
                let distance = (shipped.mean() - scored.mean()).abs();
                assert!(
                    distance <= 2e-4 * scored.mean().max(1e-3),
                    "{shipped:?} {scored:?}\n{:?}",
                    outcome.visits
                );
            }
            assert_ne!(outcome.graph, world.graph);
            assert_eq!(outcome, recovering(&world, gpu, &options), "the same search has the same result");
        }
    }
    assert!(recovered >= 4, "{recovered} units are recovered");
}

/// What a search decided, carried out without it, is its outcome; with one channel more it is not.
#[test]
fn decisions_carried_out_are_the_outcome() {
    let Some(gpus) = gpus() else { return };
    let mut recovered = 0;
    for (gpu, seed) in gpus.iter().zip([1, 2]) {
        let world = World::new(seed);
        let problem = Problem { graph: &world.graph, shapes: &world.shapes, units: &world.units };
        let mut evaluator = world.evaluator(gpu).fitting(world.samples.clone());
        for options in settings().into_iter().take(2) {
            let outcome = recovering(&world, gpu, &options);
            let decided = outcome.visits.iter().filter_map(|visit| Decision::of(visit, &world.units));
            let mut decisions: Vec<Decision> = decided.collect();
            recovered += decisions.iter().filter(|decision| decision.recovered).count();
            let (keeps, graph) = apply(problem, &decisions, &mut evaluator).unwrap();
            assert!(keeps == outcome.keeps && graph == outcome.graph);
            let Some(other) = decisions.iter_mut().find(|decision| decision.recovered) else { continue };
            other.keep += 1;
            let (keeps, graph) = apply(problem, &decisions, &mut evaluator).unwrap();
            assert!(keeps != outcome.keeps && graph != outcome.graph);
        }
    }
    assert!(recovered >= 4, "{recovered} units are recovered");
}

#[test]
fn trap_40_recovery_is_fitted_and_judged_on_different_pictures() {
    let samples = World::new(1).samples;
    let [fitting, judging] = samples.halves();
    assert_eq!((fitting.len(), judging.len()), (3, 3));
    for half in [&fitting, &judging] {
        for (image, input) in half.inputs[0].iter().enumerate() {
            let at = samples.inputs[0].iter().position(|other| other == input).expect("it is one of them");
            assert!(half.labels.iter().zip(&samples.labels).all(|(half, all)| half[image] == all[at]));
        }
    }
    assert!(fitting.inputs[0].iter().all(|input| !judging.inputs[0].contains(input)));
}

#[test]
fn recovery_lets_more_go_at_the_same_limits() {
    let Some([_, gpu]) = gpus() else { return };
    let mut left = [0.0; 2];
    for seed in 1..=3 {
        let world = World::new(seed);
        let options = Options { round_to: 1, rate: 0.03, total: 1.1, ..Options::default() };
        for (left, outcome) in
            left.iter_mut().zip([world.search(&gpu, &options), recovering(&world, &gpu, &options)])
        {
            let cost = |outcome: &Outcome| outcome.keeps.cost(&world.graph, &world.shapes, &world.units).macs;
            *left += cost(&outcome) as f64 / cost_of(&world);
        }
    }
    assert!(left[1] < left[0], "of 3 networks {left:?} are left");
}

fn cost_of(world: &World) -> f64 {
    cost(&world.graph, &world.shapes).macs as f64
}
