//! Ranking by energy: the search decides what the plain search decides whose order is made in f64, from the outputs of
//! the reference interpreter, by trying every channel with a least-squares solution of its own; and it resumes.

use super::World;
use super::plain::{Plain, Step};
use crate::harness::gpus;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Graph, Op, Sizes, ValueId};
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::search::saliency::Criterion;
use wgpu_pagcp::search::{Header, Journal, Options, Outcome, Problem, Silent, search};
use wgpu_pagcp::tasks::Samples;
use wgpu_pagcp::tensor::count;

/// Added to the diagonal of the products, relative to its mean.
const RIDGE: f64 = 1e-4;

/// What reads a unit: rows of weights over its channels, and the products of those.
struct Read {
    rows: Vec<Vec<f64>>,
    gram: Vec<Vec<f64>>,
    whole: f64,
}

/// For each coordinate of a unit how many go before it.
pub fn scores(graph: &Graph, producers: &[ValueId], samples: &Samples) -> Vec<f64> {
    let reads = reads(graph, producers, samples);
    let mut left: Vec<usize> = (0..reads[0].gram.len()).collect();
    let mut scores = vec![0.0; left.len()];
    for place in 0..left.len() {
        let without = |k: usize| left.iter().copied().filter(|&other| other != k).collect::<Vec<usize>>();
        let loss = |k: &usize| reads.iter().map(|read| read.lost(&without(*k))).sum::<f64>();
        let losses: Vec<f64> = left.iter().map(loss).collect();
        let least = (0..left.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).expect("some are left");
        scores[left.remove(least)] = place as f64;
    }
    scores
}

impl Read {
    /// The share of the energy that is lost when `kept` make up for the rest.
    fn lost(&self, kept: &[usize]) -> f64 {
        let row_loss = |row: &Vec<f64>| {
            let target: Vec<f64> = self.gram.iter().map(|line| inner(line, row)).collect();
            let square: Vec<Vec<f64>> =
                kept.iter().map(|&i| kept.iter().map(|&j| self.gram[i][j]).collect()).collect();
            let right: Vec<f64> = kept.iter().map(|&i| target[i]).collect();
            inner(row, &target) - inner(&right, &solve(square, right.clone()))
        };
        self.rows.iter().map(row_loss).sum::<f64>() / self.whole
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gauss's elimination, for positive definite squares.
fn solve(mut square: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    for i in 0..right.len() {
        for below in i + 1..right.len() {
            let factor = square[below][i] / square[i][i];
            let row = square[i].clone();
            square[below].iter_mut().zip(row).for_each(|(x, above)| *x -= factor * above);
            right[below] -= factor * right[i];
        }
    }
    for i in (0..right.len()).rev() {
        let known: f64 = (i + 1..right.len()).map(|j| square[i][j] * right[j]).sum();
        right[i] = (right[i] - known) / square[i][i];
    }
    right
}

/// The convolutions and matrix products behind activations, norms, sums and pools of what `producers` compute.
fn reads(graph: &Graph, producers: &[ValueId], samples: &Samples) -> Vec<Read> {
    let shapes = graph.infer(&Sizes::batch(1)).expect("it has shapes");
    let mut holds = producers.to_vec();
    let mut readers = vec![];
    for node in &graph.nodes {
        match node.op {
            _ if !node.inputs.iter().any(|input| holds.contains(input)) => {}
            Op::Conv(_) | Op::Gemm(_) => readers.push((node.inputs[0], node.inputs[1])),
            _ => holds.push(node.outputs[0]),
        }
    }
    let shape = &shapes[graph.inputs[0].0];
    let pictures: Vec<Vec<Option<Array>>> = samples.inputs[0]
        .iter()
        .map(|picture| {
            let picture = Array::from_f32(shape.clone(), picture).expect("pictures fit");
            run(graph, &shapes, &[picture]).expect("the network runs")
        })
        .collect();
    let read = |&(value, weight): &(ValueId, ValueId)| {
        let size = shapes[value.0][1];
        let channel = |k: usize| -> Vec<f64> {
            let of = |values: &Vec<Option<Array>>| {
                let array = values[value.0].as_ref().expect("it is computed");
                let pixels = count(&array.shape[2..]);
                array.data[k * pixels..][..pixels].to_vec()
            };
            pictures.iter().flat_map(of).collect()
        };
        let channels: Vec<Vec<f64>> = (0..size).map(channel).collect();
        let product = |a: &Vec<f64>| channels.iter().map(|b| inner(a, b)).collect::<Vec<f64>>();
        let mut gram: Vec<Vec<f64>> = channels.iter().map(product).collect();
        let weight = graph.constant(weight).expect("weights are constant");
        let taps = count(&weight.shape()[2..]);
        let row = |at: usize| -> Vec<f64> {
            let filter = &weight.f32s().expect("weights are floats")[at / taps * taps * size..];
            (0..size).map(|k| f64::from(filter[k * taps + at % taps])).collect()
        };
        let rows: Vec<Vec<f64>> = (0..weight.shape()[0] * taps).map(row).collect();
        let of_row = |row: &Vec<f64>| gram.iter().map(|line| inner(line, row)).collect::<Vec<f64>>();
        let whole = rows.iter().map(|row| inner(row, &of_row(row))).sum();
        let ridge = RIDGE * (0..size).map(|k| gram[k][k]).sum::<f64>() / size as f64;
        (0..size).for_each(|k| gram[k][k] += ridge);
        Read { rows, gram, whole }
    };
    readers.iter().map(read).collect()
}

fn by_energy(world: &World, gpu: &Gpu, (options, journal): (&Options, &mut Journal)) -> Outcome {
    let problem = Problem { graph: &world.graph, shapes: &world.shapes, units: &world.units };
    let mut evaluator = world.evaluator(gpu).fitting(world.samples.clone());
    search(problem, options, &mut evaluator, journal, &mut Silent).expect("the search works")
}

#[test]
fn the_search_by_energy_decides_what_trying_every_channel_decides() {
    let Some([_, gpu]) = gpus() else { return };
    let energy = Options { criterion: Criterion::Energy, recover: false, ..Options::default() };
    let settings = [
        Options { rate: 0.03, total: 1.3, round_to: 1, ..energy.clone() },
        Options { rate: 0.1, total: 1.5, round_to: 2, topk: 0.5, ..energy },
    ];
    let (mut accepted, mut others) = (0, 0);
    for (seed, options) in [1, 2].into_iter().flat_map(|seed| settings.iter().map(move |o| (seed, o))) {
        let world = World::new(seed);
        let outcome = by_energy(&world, &gpu, (options, &mut Journal::in_memory()));
        assert!(outcome.visits.iter().all(|visit| visit.ranked_by.is_none()));
        let plain = Plain::new(&world, &gpu, options).search();
        assert_eq!(world.steps(&outcome), plain.steps, "network {seed}, {options:?}");
        assert_eq!(outcome.keeps.0, plain.keeps, "network {seed}, {options:?}");
        let after: Vec<f64> = outcome.after.iter().map(|loss| loss.mean()).collect();
        assert_eq!(after, plain.losses, "network {seed}, {options:?}");
        accepted += plain.steps.iter().filter(|step: &&Step| step.accepted.is_some()).count();
        let l1 = Options { criterion: Criterion::L1, ..options.clone() };
        let l1 = Plain::new(&world, &gpu, &l1).search();
        others += usize::from(l1.keeps != plain.keeps);
    }
    assert!(accepted >= 8 && others == 4, "{accepted} accepted, {others} other results by L1");
}

/// A recovering search that goes on with any number of its journal's lines ends in the same bytes.
#[test]
fn a_recovering_search_by_energy_resumes_to_the_same_bytes() {
    let Some([_, gpu]) = gpus() else { return };
    let world = World::new(3);
    let options = Options { criterion: Criterion::Energy, rate: 0.05, round_to: 2, ..Options::default() };
    let header = Header {
        version: 1,
        network: String::new(),
        data: String::new(),
        device: String::new(),
        tasks: vec![],
        options: options.clone(),
    };
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(&path, header.clone()).expect("it is created");
    let whole = by_energy(&world, &gpu, (&options, &mut journal));
    assert!(whole.visits.iter().any(|visit| visit.recovered && visit.accepted.is_some()));
    let text = std::fs::read_to_string(&path).expect("it is there");
    let lines: Vec<&str> = text.lines().collect();
    for count in [1, 3, 5, lines.len()] {
        std::fs::write(&path, lines[..count].join("\n") + "\n").expect("it is written");
        let mut journal = Journal::resume(&path, header.clone()).expect("it is the same search");
        let resumed = by_energy(&world, &gpu, (&options, &mut journal));
        assert_eq!(Outcome { macs: whole.macs, ..resumed }, whole, "{count} lines");
        assert!(std::fs::read_to_string(&path).expect("it is there") == text, "{count} lines");
    }
}
