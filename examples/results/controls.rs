//! Which channels go without a search: chosen so that the FLOPs end as closely below their target as channels allow.

use wgpu_pagcp::search::saliency::{Criterion, order, scores};
use wgpu_pagcp::search::{Decision, Options, Problem, counts, visiting_order};
use wgpu_pagcp::units::{cost, cost_kept};

/// Steps of a ratio.
const STEPS: usize = 10_000;

/// The largest of `0..=most` that fits, where all below one that fits do; `None` where not even 0 does.
pub fn largest(most: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    if !fits(0) {
        return None;
    }
    let (mut low, mut high) = (0, most + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    Some(low)
}

/// The kept counts at the share `step / STEPS` of every unit, none below `least`.
pub fn uniform_counts(channels: &[usize], least: &[usize], step: usize) -> Vec<usize> {
    let share = step as f64 / STEPS as f64;
    let kept =
        |(&channels, &least): (&usize, &usize)| ((channels as f64 * share).round() as usize).max(least);
    channels.iter().zip(least).map(kept).collect()
}

/// The kept counts where the `total` channels with the highest scores stay, and `least` of each unit. A unit's scores are
/// taken relative to their mean, as layers are of different sizes.
pub fn global_counts(scores: &[Vec<f64>], least: &[usize], total: usize) -> Vec<usize> {
    let mut all: Vec<(f64, usize)> = Vec::new();
    for (unit, scores) in scores.iter().enumerate() {
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        all.extend(scores.iter().map(|score| (score / mean.max(f64::MIN_POSITIVE), unit)));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept = vec![0; scores.len()];
    all.iter().take(total).for_each(|(_, unit)| kept[*unit] += 1);
    kept.iter().zip(least).map(|(&kept, &least)| kept.max(least)).collect()
}

/// What ranks channels, and how many of each unit go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A seeded order, the same share of every unit.
    Random(u64),
    /// By L1, the same share of every unit.
    Uniform,
    /// By L1 over all units at once.
    Global,
}

/// The decisions of a control, in the search's visiting order, that leave at most the share `left` of the FLOPs; those
/// that leave least where that cannot be.
pub fn decisions(problem: &Problem, control: Control, left: f64, recovered: bool) -> Vec<Decision> {
    let Problem { graph, shapes, units } = *problem;
    let options = Options::default();
    let channels: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
    // No unit is cut further than a search could cut it.
    let least: Vec<usize> =
        channels.iter().map(|&c| counts(c, &options).last().copied().unwrap_or(c)).collect();
    let (criterion, seed) = match control {
        Control::Random(seed) => (Criterion::Random, seed),
        Control::Uniform | Control::Global => (Criterion::L1, 0),
    };
    let scores: Vec<Vec<f64>> = units.units.iter().map(|unit| scores(graph, unit, criterion, seed)).collect();
    let kept = |step: usize| match control {
        Control::Random(_) | Control::Uniform => uniform_counts(&channels, &least, step),
        Control::Global => global_counts(&scores, &least, step),
    };
    let most = match control {
        Control::Random(_) | Control::Uniform => STEPS,
        Control::Global => channels.iter().sum(),
    };
    let target = left * cost(graph, shapes).macs as f64;
    let fits = |step: usize| cost_kept(graph, shapes, units, &kept(step)).macs as f64 <= target;
    let keeps = kept(largest(most, fits).unwrap_or(0));
    let decision = |unit: usize| Decision { unit, order: order(&scores[unit]), keep: keeps[unit], recovered };
    let cut = |unit: &usize| keeps[*unit] < channels[*unit];
    visiting_order(graph, shapes, units, &options).into_iter().filter(cut).map(decision).collect()
}
