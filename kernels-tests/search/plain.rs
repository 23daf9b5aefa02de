//! The search written down a second time, as plainly as it can be: no masks, no prefixes, no journal. Every candidate
//! is compacted, analysed, planned and run as a network of its own.

use super::{World, energy};
use std::collections::BTreeSet;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::evaluate::GpuEvaluator;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Graph, Op, Sizes, ValueId};
use wgpu_pagcp::search::saliency::Criterion;
use wgpu_pagcp::search::{Evaluator, Options};
use wgpu_pagcp::units::{Cost, Keeps, analyse, cost};

/// What was decided about one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub unit: usize,
    pub accepted: Option<usize>,
    pub limited_by: Option<String>,
    /// Candidates that were looked at.
    pub scored: usize,
}

/// A finished search.
pub struct Found {
    /// Kept coordinates of every unit, ascending.
    pub keeps: Vec<Vec<usize>>,
    pub steps: Vec<Step>,
    /// Of the final network.
    pub losses: Vec<f64>,
}

type Lists = Vec<Vec<usize>>;

pub struct Plain<'a> {
    world: &'a World,
    evaluator: GpuEvaluator,
    options: &'a Options,
}

impl<'a> Plain<'a> {
    pub fn new(world: &'a World, gpu: &Gpu, options: &'a Options) -> Self {
        Self { world, evaluator: world.evaluator(gpu), options }
    }

    pub fn search(mut self) -> Found {
        let (mut keeps, mut steps, ratios) = self.pass(&BTreeSet::new());
        let stay = (steps.len() as f64 * self.options.topk) as usize;
        if ratios.len() > stay {
            let mut ratios = ratios;
            ratios.sort_by(|a, b| a.1.total_cmp(&b.1));
            let staying: BTreeSet<usize> = ratios[..stay].iter().map(|(unit, _)| *unit).collect();
            let out = steps.iter().map(|step| step.unit).filter(|unit| !staying.contains(unit)).collect();
            (keeps, steps, _) = self.pass(&out);
        }
        keeps.iter_mut().for_each(|list| list.sort_unstable());
        let losses = self.losses(&keeps);
        Found { keeps, steps, losses }
    }

    /// Visits every unit but those of `out`; also gives the rise of the summed loss for each MAC freed, of every
    /// unit that lost something.
    fn pass(&mut self, out: &BTreeSet<usize>) -> (Lists, Vec<Step>, Vec<(usize, f64)>) {
        let mut keeps: Lists =
            self.world.units.units.iter().map(|unit| (0..unit.channels).collect()).collect();
        let whole = self.cost(&keeps);
        let mut order: Vec<usize> = (0..keeps.len()).filter(|unit| !out.contains(unit)).collect();
        order.retain(|&unit| !self.options.ignore.contains(&self.world.units.units[unit].id));
        order.sort_by_key(|&unit| {
            let mut probe = keeps.clone();
            probe[unit].truncate(keeps[unit].len() - keeps[unit].len() * 3 / 10);
            self.cost(&probe).macs
        });
        let rates: Vec<f64> =
            self.world.tasks.iter().map(|task| task.limit.unwrap_or(self.options.rate)).collect();
        let decays: Vec<f64> =
            rates.iter().map(|&rate| decay(rate, self.options.total, order.len())).collect();
        let (mut steps, mut ratios): (Vec<Step>, Vec<(usize, f64)>) = (vec![], vec![]);
        let mut base = self.losses(&keeps);
        for unit in order {
            let now = self.cost(&keeps);
            let left = now.macs as f64 / whole.macs as f64;
            if self.options.target_flops.is_some_and(|target| left <= target) {
                break;
            }
            let limits: Vec<f64> = rates
                .iter()
                .zip(&decays)
                .map(|(rate, decay)| rate * decay.powi(ratios.len() as i32))
                .collect();
            let (step, best) = self.visit(unit, &keeps, (&base, &limits));
            steps.push(step);
            if let Some((pruned, losses)) = best {
                let freed = now.macs - self.cost(&pruned).macs;
                let rise = losses.iter().sum::<f64>() - base.iter().sum::<f64>();
                ratios.push((unit, rise / freed as f64));
                (keeps, base) = (pruned, losses);
            }
        }
        (keeps, steps, ratios)
    }

    /// Takes ever more of one unit, least salient first, until a task loses more than its limit.
    fn visit(
        &mut self,
        unit: usize,
        keeps: &Lists,
        (base, limits): (&[f64], &[f64]),
    ) -> (Step, Option<(Lists, Vec<f64>)>) {
        let scores = self.scores(&self.compacted(keeps), &self.world.producers[unit]);
        let mut ranked: Vec<(f64, usize)> = scores.into_iter().zip(keeps[unit].iter().copied()).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut step = Step { unit, accepted: None, limited_by: None, scored: 0 };
        let mut best = None;
        for keep in self.counts(ranked.len()) {
            let mut candidate = keeps.clone();
            candidate[unit] = ranked[..keep].iter().map(|(_, coordinate)| *coordinate).collect();
            let losses = self.losses(&candidate);
            step.scored += 1;
            let excess = |task: usize| match losses[task] {
                loss if loss.is_finite() => (loss - base[task]) / base[task] - limits[task],
                _ => f64::INFINITY,
            };
            let worst = (0..losses.len()).rev().max_by(|&a, &b| excess(a).total_cmp(&excess(b)));
            let worst = worst.expect("there are tasks");
            if excess(worst) > 0.0 {
                step.limited_by = Some(self.world.tasks[worst].name.clone());
                break;
            }
            step.accepted = Some(keep);
            best = Some((candidate, losses));
        }
        (step, best)
    }

    fn counts(&self, channels: usize) -> Vec<usize> {
        let mut counts = vec![];
        for twentieth in 1..20 {
            let left = channels - twentieth * channels / 20;
            let rounded = left.div_ceil(self.options.round_to) * self.options.round_to;
            if rounded < channels && rounded >= self.options.min_channels && !counts.contains(&rounded) {
                counts.push(rounded);
            }
        }
        counts
    }

    fn compacted(&self, keeps: &Lists) -> Graph {
        let World { graph, shapes, units, .. } = self.world;
        compact(graph, shapes, units, &Keeps(keeps.clone())).expect("the keeps are legal")
    }

    fn cost(&self, keeps: &Lists) -> Cost {
        let graph = self.compacted(keeps);
        cost(&graph, &graph.infer(&Sizes::batch(1)).expect("it has shapes"))
    }

    fn losses(&mut self, keeps: &Lists) -> Vec<f64> {
        let graph = self.compacted(keeps);
        let units = analyse(&graph, &graph.infer(&Sizes::batch(1)).expect("it has shapes"));
        self.evaluator.prepare(&graph, &units, None).expect("the network can be prepared");
        self.evaluator.score(&[vec![]]).expect("it can be scored")[0]
            .iter()
            .map(|loss| loss.sum / loss.count)
            .collect()
    }

    /// How much each output of the producers matters, summed over them.
    fn scores(&self, graph: &Graph, producers: &[ValueId]) -> Vec<f64> {
        if self.options.criterion == Criterion::Energy {
            return energy::scores(graph, producers, &self.world.samples);
        }
        let mut scores: Vec<f64> = vec![];
        for &output in producers {
            let node = graph.nodes.iter().find(|node| node.outputs[0] == output).expect("a node computes it");
            let weight = graph.constant(node.inputs[1]).expect("weights are constant");
            let outputs = weight.shape()[0];
            let filters = weight.f32s().expect("weights are floats").chunks(weight.len() / outputs);
            let norms = filters.map(|filter| {
                let squares = || filter.iter().map(|&w| f64::from(w) * f64::from(w));
                let length = filter.len() as f64;
                match self.options.criterion {
                    Criterion::L2 => (squares().sum::<f64>() / length).sqrt(),
                    _ => squares().map(f64::sqrt).sum::<f64>() / length,
                }
            });
            let scales = norm_scales(graph, output);
            let bn = self.options.criterion == Criterion::Bn && scales.is_some();
            let scales = scales.unwrap_or_else(|| vec![[1.0; 2]; outputs]);
            scores.resize(outputs, 0.0);
            for ((score, norm), [gamma, factor]) in scores.iter_mut().zip(norms).zip(scales) {
                *score += if bn { gamma.abs() } else { norm * factor.abs() };
            }
        }
        scores
    }
}

/// Of the batch norm behind a value, per channel: its scale, and what it multiplies by.
fn norm_scales(graph: &Graph, value: ValueId) -> Option<Vec<[f64; 2]>> {
    let reader = graph.nodes.iter().find(|node| node.inputs[0] == value)?;
    let Op::BatchNorm { epsilon } = reader.op else { return None };
    let floats = |input: usize| {
        graph
            .constant(reader.inputs[input])
            .and_then(|vector| vector.f32s().ok())
            .expect("batch norms are constant")
    };
    let scale = |(&s, &v): (&f32, &f32)| {
        let s = f64::from(s);
        [s, s / (f64::from(v) + f64::from(epsilon)).sqrt()]
    };
    Some(floats(1).iter().zip(floats(4)).map(scale).collect())
}

/// The factor by which limits shrink, so that those of all units multiply to the total; 1 where they do not reach it.
fn decay(rate: f64, total: f64, units: usize) -> f64 {
    let product = |decay: f64| (0..units).map(|i| 1.0 + rate * decay.powi(i as i32)).product::<f64>();
    let (mut low, mut high) = (0.0, 1.0);
    if product(high) <= total {
        return high;
    }
    while high - low > 1e-15 {
        let middle = (low + high) / 2.0;
        if product(middle) > total { high = middle } else { low = middle }
    }
    low
}
