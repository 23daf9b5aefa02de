//! What the user decides about a search, and what follows from it without measuring: the candidate counts and the
//! visiting order.

use super::Times;
use super::saliency::Criterion;
use crate::graph::Graph;
use crate::units::{Units, cost_kept};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What decides which unit is visited first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The multiply-accumulates that a cut frees.
    #[default]
    Flops,
    /// The time that a cut frees, by [`Options::times`].
    Latency,
}

/// How the candidates of a unit are scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScanMode {
    /// One after another, ever fewer kept, up to the first that breaks a limit.
    #[default]
    Exact,
    /// Closing in from where limits are likely to end: right where losses only grow as more goes.
    Bracket,
}

/// The options of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The relative loss increase that the first unit may cause to a task without a limit of its own (p0).
    pub rate: f64,
    /// What all accepted units together may multiply each task's loss by (T).
    pub total: f64,
    /// The share of units that stay pruned: those with the smallest loss increase for the FLOPs they free.
    pub topk: f64,
    /// What ranks channels within a unit.
    pub criterion: Criterion,
    /// No unit keeps fewer coordinates.
    pub min_channels: usize,
    /// Kept counts are rounded up to multiples of this; the last count is never over the unit's own.
    pub round_to: usize,
    /// Units that are not visited, by id.
    pub ignore: BTreeSet<String>,
    /// Stop when at most this share of the MACs is left.
    pub target_flops: Option<f64>,
    /// Stop when at most this share of the parameters is left.
    pub target_params: Option<f64>,
    /// Stop when a run takes at most so many milliseconds, as [`Options::times`] predict it.
    #[serde(default)]
    pub target_ms: Option<f64>,
    /// What decides which unit is visited first.
    #[serde(default)]
    pub order: Order,
    /// Times measured on the device.
    #[serde(default)]
    pub times: Option<Times>,
    /// Lets what reads a unit make up for what goes, where the evaluator can fit it.
    pub recover: bool,
    /// Seeds the random criterion.
    pub seed: u64,
    /// Behaves as PAGCP's reference code, with its oddities, for comparison.
    pub faithful: bool,
    /// How candidates are scanned; the reference code's behaviour has a scan of its own.
    pub scan: ScanMode,
    /// Candidates scored together, in ascending order of what they remove. Does not change any decision.
    pub width: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate: 0.06,
            total: 6.0,
            topk: 1.0,
            criterion: Criterion::L1,
            min_channels: 1,
            round_to: 4,
            ignore: BTreeSet::new(),
            target_flops: None,
            target_params: None,
            target_ms: None,
            order: Order::Flops,
            times: None,
            recover: true,
            seed: 0,
            faithful: false,
            scan: ScanMode::Exact,
            width: 1,
        }
    }
}

impl Options {
    /// Whether the network that keeps `keep` takes no longer than is aimed at.
    pub fn is_fast_enough(&self, keep: &[usize]) -> bool {
        let table = self.times.as_ref().and_then(Times::table);
        self.target_ms.zip(table).is_some_and(|(target, table)| table.predict(keep) <= target)
    }
}

/// A unit's candidates remove multiples of one part in so many of its coordinates.
pub(super) const GRID: usize = 20;

/// The share removed by the probe that decides the visiting order.
const PROBE: (usize, usize) = (3, 10);

/// The kept counts to try for a unit of `channels` coordinates, ever fewer: `channels - floor(channels k / 20)` for
/// `k` in 1..=19, rounded up to multiples of `round_to`, each once, none below `min_channels`.
pub fn counts(channels: usize, options: &Options) -> Vec<usize> {
    let least = options.min_channels.max(1);
    let round = options.round_to.max(1);
    let mut counts: Vec<usize> = (1..GRID)
        .map(|k| (channels - channels * k / GRID).next_multiple_of(round))
        .filter(|&keep| keep < channels && keep >= least)
        .collect();
    counts.dedup();
    counts
}

/// The units to visit, those that free most MACs, or most time, at a 30 % cut of the whole network first.
pub fn visiting_order(graph: &Graph, shapes: &[Vec<usize>], units: &Units, options: &Options) -> Vec<usize> {
    let whole: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
    let freed = |u: usize| {
        let mut keep = whole.clone();
        keep[u] -= keep[u] * PROBE.0 / PROBE.1;
        match (options.order, options.times.as_ref().and_then(Times::table)) {
            (Order::Latency, Some(table)) => table.predict(&whole) - table.predict(&keep),
            (Order::Flops | Order::Latency, _) => {
                let macs = |keep: &[usize]| cost_kept(graph, shapes, units, keep).macs;
                (macs(&whole) - macs(&keep)) as f64
            }
        }
    };
    let mut order: Vec<(f64, usize)> = (0..units.units.len())
        .filter(|&u| !options.ignore.contains(&units.units[u].id))
        .map(|u| (freed(u), u))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, u)| u).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_35_counts_are_integer_twentieths() {
        let options = Options { round_to: 1, ..Options::default() };
        for channels in 1..=4096 {
            let expected: BTreeSet<usize> = (1..=19).map(|k| channels - channels * k / 20).collect();
            let found = counts(channels, &options);
            assert!(found.windows(2).all(|w| w[0] > w[1]), "{channels}: {found:?}");
            assert!(found.iter().all(|keep| *keep >= 1 && *keep < channels && expected.contains(keep)));
            assert_eq!(found.len(), expected.iter().filter(|&&k| k < channels).count(), "{channels}");
        }
        assert_eq!(counts(64, &options)[9], 32);
    }

    #[test]
    fn counts_are_rounded_up_and_stay_above_the_minimum() {
        let options = Options { round_to: 8, min_channels: 9, ..Options::default() };
        assert_eq!(counts(33, &options), [32, 24, 16]);
        assert_eq!(counts(64, &Options { round_to: 16, ..Options::default() }), [48, 32, 16]);
        assert!(counts(1, &Options::default()).is_empty());
    }
}
