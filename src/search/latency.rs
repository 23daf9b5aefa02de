//! Times that a device takes with fewer channels, measured before a search: what its order and its target are of where
//! milliseconds count.

use super::Hash;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long a network takes on a device, with each of its units cut alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyTable {
    /// The format's version, 1.
    pub version: u32,
    /// The device, its driver and the network.
    pub key: String,
    /// Milliseconds of a run of the whole network, host to host.
    pub run_ms: f64,
    /// Every node, unpruned.
    pub nodes: Vec<NodeMs>,
    /// Every unit, in order.
    pub units: Vec<UnitTimes>,
}

/// A node's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeMs {
    /// Its name.
    pub node: String,
    /// Milliseconds of its steps.
    pub ms: f64,
}

/// The staircase of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitTimes {
    /// The unit's id.
    pub unit: String,
    /// Whether a coordinate is one channel wherever the unit appears.
    pub single: bool,
    /// The nodes whose work depends on it.
    pub nodes: Vec<usize>,
    /// Ever fewer kept coordinates, from all of them on.
    pub points: Vec<Point>,
}

/// A step of a staircase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Kept coordinates.
    pub keep: usize,
    /// Milliseconds of each of the unit's nodes.
    pub ms: Vec<f64>,
}

/// How many channels have to go for time to go, as a device's staircases show it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Granularity {
    /// Kept counts between multiples of this take the time of the next multiple.
    pub channels: usize,
    /// The share of the freed time that was freed at multiples.
    pub share: f64,
    /// The staircases it was read from.
    pub units: usize,
}

/// The least channels that kernels compute at once.
const GROUP: usize = 4;
/// The share of freed time that has to lie at multiples.
const MOST: f64 = 0.8;
/// Staircases that free less than this share show nothing.
const FREED: f64 = 0.05;

impl LatencyTable {
    /// Milliseconds of a run of the network that keeps `keep[u]` coordinates of every unit `u`; units beyond the end are
    /// whole. What channels take of a node's time is shortened by each of its units as by that unit alone; what is no node's
    /// stays.
    pub fn predict(&self, keep: &[usize]) -> f64 {
        let fixed = self.fixed();
        let mut shares = vec![1.0; self.nodes.len()];
        for (unit, &keep) in self.units.iter().zip(keep) {
            for (i, &node) in unit.nodes.iter().enumerate() {
                shares[node] *= unit.share((i, fixed[node]), keep);
            }
        }
        let whole: f64 = self.nodes.iter().map(|node| node.ms).sum();
        let parts = self.nodes.iter().zip(&fixed).zip(&shares);
        let left: f64 = parts.map(|((node, fixed), share)| fixed + (node.ms - fixed) * share).sum();
        // Passes of their own may add up to more than the run.
        let scale = (self.run_ms / whole).min(1.0);
        (self.run_ms - scale * whole).max(0.0) + scale * left
    }

    /// Milliseconds of every node that no channels free: the least of what its units' staircases come down to, a line from
    /// their first to their last point being drawn on to no channel at all.
    fn fixed(&self) -> Vec<f64> {
        let mut fixed: Vec<f64> = self.nodes.iter().map(|node| node.ms).collect();
        for unit in &self.units {
            for (i, &node) in unit.nodes.iter().enumerate() {
                fixed[node] = fixed[node].min(unit.floor(i));
            }
        }
        fixed
    }

    /// The largest of 4, 8, 16 and 32 at whose multiples nearly all time is freed.
    pub fn granularity(&self) -> Granularity {
        let drops: Vec<Vec<(usize, f64)>> =
            self.units.iter().filter(|unit| unit.single).map(UnitTimes::drops).collect();
        let drops: Vec<&Vec<(usize, f64)>> = drops.iter().filter(|drops| !drops.is_empty()).collect();
        let freed = |step: usize| -> f64 {
            let at = drops.iter().flat_map(|drops| drops.iter());
            at.filter(|(keep, _)| keep % step == 0).map(|(_, ms)| ms).sum()
        };
        let all = freed(GROUP);
        let found = [32, 16, 8].into_iter().map(|step| (step, freed(step) / all));
        let (channels, share) =
            found.into_iter().find(|(_, share)| all > 0.0 && *share >= MOST).unwrap_or((GROUP, 1.0));
        Granularity { channels, share, units: drops.len() }
    }

    /// A hash of everything, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hash = Hash::default();
        hash.feed(format!("{self:?}").as_bytes());
        hash.hex()
    }

    /// Whether it is of these units, and complete: a file may come from anywhere.
    pub fn is_of(&self, units: &crate::units::Units) -> bool {
        let good = |ms: f64| ms.is_finite() && ms >= 0.0;
        let whole = |(times, unit): (&UnitTimes, &crate::units::Unit)| {
            let falls = times.points.windows(2).all(|pair| pair[0].keep > pair[1].keep);
            let complete =
                |point: &Point| point.ms.len() == times.nodes.len() && point.ms.iter().all(|&ms| good(ms));
            times.unit == unit.id
                && times.nodes.iter().all(|&node| node < self.nodes.len())
                && times.points.first().is_some_and(|point| point.keep == unit.channels)
                && falls
                && times.points.iter().all(complete)
        };
        let sum: f64 = self.nodes.iter().map(|node| node.ms).sum();
        self.units.len() == units.units.len()
            && self.run_ms.is_finite()
            && self.run_ms > 0.0
            && sum > 0.0
            && self.nodes.iter().all(|node| good(node.ms))
            && self.units.iter().zip(&units.units).all(whole)
    }
}

impl UnitTimes {
    /// What its `i`-th node's time would come down to without any channel.
    fn floor(&self, i: usize) -> f64 {
        let [first, .., last] = &self.points[..] else { return 0.0 };
        let slope = (first.ms[i] - last.ms[i]) / (first.keep - last.keep) as f64;
        (last.ms[i] - slope * last.keep as f64).clamp(0.0, last.ms[i])
    }

    /// The share of its `i`-th node's time beyond `fixed` that is left where `keep` coordinates stay, between measured counts
    /// by interpolation. Fewer channels never take longer: where they seem to, that is noise.
    fn share(&self, (i, fixed): (usize, f64), keep: usize) -> f64 {
        let beyond = |point: &Point| (point.ms[i] - fixed).max(0.0);
        let whole = beyond(&self.points[0]);
        if whole <= 0.0 {
            return 1.0;
        }
        let mut above = (self.points[0].keep, whole);
        for point in &self.points {
            let ms = beyond(point).min(above.1);
            if point.keep <= keep {
                let run = (above.0 - point.keep) as f64;
                let part = if run > 0.0 { (keep.min(above.0) - point.keep) as f64 / run } else { 0.0 };
                return (ms + part * (above.1 - ms)) / whole;
            }
            above = (point.keep, ms);
        }
        above.1 / whole
    }

    /// The time freed by going down to each measured count from the one above it by a channel group; nothing where the
    /// unit hardly frees any.
    fn drops(&self) -> Vec<(usize, f64)> {
        let ms = |point: &Point| point.ms.iter().sum::<f64>();
        let pairs = self
            .points
            .windows(2)
            .filter(|pair| pair[0].keep % GROUP == 0 && pair[0].keep == pair[1].keep + GROUP);
        let drops: Vec<(usize, f64)> =
            pairs.map(|pair| (pair[1].keep, ms(&pair[0]) - ms(&pair[1]))).collect();
        let freed: f64 = drops.iter().map(|(_, ms)| ms).sum();
        if freed > FREED * ms(&self.points[0]) { drops } else { Vec::new() }
    }
}

/// A table as options have it: they are of one search where its hash is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Times {
    /// The table's hash.
    pub hash: String,
    #[serde(skip)]
    table: Option<Arc<LatencyTable>>,
}

impl Times {
    /// Of a table.
    pub fn new(table: LatencyTable) -> Self {
        Self { hash: table.hash(), table: Some(Arc::new(table)) }
    }

    /// The table, but for what was read back from a journal.
    pub fn table(&self) -> Option<&LatencyTable> {
        self.table.as_deref()
    }
}

impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One node that two units of 64 channels share; each takes steps of `steps` channels.
    fn table(steps: [usize; 2], noise: f64) -> LatencyTable {
        let unit = |(u, step): (usize, &usize)| UnitTimes {
            unit: format!("u{u}"),
            single: true,
            nodes: vec![0],
            points: (1..=16)
                .rev()
                .map(|group| {
                    let keep = 4 * group;
                    let shaken = 1.0 + noise * ((group * 7 % 5) as f64 - 2.0);
                    Point { keep, ms: vec![keep.next_multiple_of(*step) as f64 / 16.0 * shaken] }
                })
                .collect(),
        };
        LatencyTable {
            version: 1,
            key: String::new(),
            run_ms: 10.0,
            nodes: vec![NodeMs { node: "a".to_owned(), ms: 4.0 }, NodeMs { node: "b".to_owned(), ms: 2.0 }],
            units: steps.iter().enumerate().map(unit).collect(),
        }
    }

    #[test]
    fn a_nodes_time_shrinks_by_each_of_its_units() {
        let table = table([4, 16], 0.0);
        for (keep, expected) in [
            (vec![], 10.0),
            (vec![64, 64], 10.0),
            (vec![32, 64], 8.0),
            (vec![34, 64], 8.125),
            (vec![64, 33], 8.25),
            (vec![32, 32], 7.0),
            (vec![1, 64], 6.25),
        ] {
            let found = table.predict(&keep);
            assert!((found - expected).abs() < 1e-9, "{keep:?}: {found}");
        }
        assert!((0..64).all(|k| table.predict(&[k, 40]) <= table.predict(&[k + 1, 40])));
    }

    #[test]
    fn what_no_channels_free_is_not_freed_twice() {
        let mut table = table([4, 4], 0.0);
        let milliseconds = |a: usize, b: usize| 1.0 + 3.0 * (a * b) as f64 / 4096.0;
        for point in table.units.iter_mut().flat_map(|unit| &mut unit.points) {
            point.ms = vec![milliseconds(point.keep, 64)];
        }
        for [a, b] in [[64, 64], [32, 64], [32, 32], [8, 16], [4, 4]] {
            let expected = 6.0 + milliseconds(a, b);
            let found = table.predict(&[a, b]);
            assert!((found - expected).abs() < 1e-9, "{a} and {b}: {found}, expected {expected}");
        }
    }

    #[test]
    fn passes_that_add_up_to_more_than_the_run_are_scaled() {
        let table = LatencyTable { run_ms: 3.0, ..table([4, 4], 0.0) };
        assert!((table.predict(&[]) - 3.0).abs() < 1e-12);
        assert!((table.predict(&[32]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_granularity_is_that_of_the_staircase() {
        for (steps, expected) in
            [([4, 4], 4), ([8, 8], 8), ([16, 16], 16), ([32, 32], 32), ([16, 4], 4), ([8, 32], 8)]
        {
            for noise in [0.0, 0.002] {
                let found = table(steps, noise).granularity();
                assert_eq!((found.channels, found.units), (expected, 2), "{steps:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_staircase_that_frees_nothing_shows_nothing() {
        let mut flat = table([32, 32], 0.0);
        for point in flat.units.iter_mut().flat_map(|unit| &mut unit.points) {
            point.ms = vec![1.0];
        }
        assert_eq!(flat.granularity(), Granularity { channels: 4, share: 1.0, units: 0 });
    }
}
