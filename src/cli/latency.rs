//! Measures how long a network takes with fewer channels, once: the table stays in the output folder, so that a
//! resumed search decides by the same times.

use super::bench::random_inputs;
use super::model::Model;
use super::{Failure, files};
use crate::gpu::{Gpu, Method, Session};
use crate::graph::Graph;
use crate::search::{LatencyTable, NodeMs, Point, UnitTimes, fingerprint};
use crate::units::Units;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The file in the output folder.
const FILE: &str = "latency.json";
/// Timed runs of the whole network.
const RUNS: usize = 15;
/// Times that every point is measured; the fastest counts.
const REPEATS: usize = 3;
/// Counts below all channels that are all measured, in channel groups: what shows the steps of a staircase.
const FINE: usize = 16;
/// Parts that the whole range is measured in.
const COARSE: usize = 12;

/// The table of a model on a device: the one in the output folder where there is one of both, else measured.
pub fn table(gpu: &Gpu, model: &Model, out: &Path) -> Result<LatencyTable, Failure> {
    let path = out.join(FILE);
    let info = gpu.info();
    let key = format!(
        "{}, {} {}, {}, network {}, {:?}",
        info.name,
        info.driver,
        info.driver_info,
        gpu.class_name(),
        fingerprint(&model.graph),
        model.sizes
    );
    if path.exists() {
        let bytes = fs::read(&path).map_err(|e| Failure::file(&path, e))?;
        let known: LatencyTable = serde_json::from_slice(&bytes).map_err(|e| Failure::file(&path, e))?;
        if known.version == 1 && known.key == key && known.is_of(&model.units) {
            return Ok(known);
        }
    }
    eprintln!("measuring how long every layer takes with fewer channels");
    let start = Instant::now();
    let table = measure(gpu, model, key)?;
    if !table.is_of(&model.units) {
        return Err(Failure::work("the device's clock gave times that are none"));
    }
    files::write_json(&path, &table)?;
    eprintln!("measured in {:.1} s, kept in {}", start.elapsed().as_secs_f64(), path.display());
    Ok(table)
}

fn measure(gpu: &Gpu, model: &Model, key: String) -> Result<LatencyTable, Failure> {
    let model = model.at_batch(1)?;
    let (graph, plan) = model.plan(&gpu.plan_options(1))?;
    let mut session = Session::new(gpu, plan, 1).map_err(Failure::work)?;
    let run_ms = run_ms(&mut session)?;
    let method = session.timings().map_err(Failure::work)?.method;
    let (names, place) = nodes(&session);
    let mut clock = Clock { session, method, place, nodes: names.len() };
    let mut whole = vec![f64::INFINITY; names.len()];
    let mut units = staircases(&graph, &model.units, &names);
    for _ in 0..REPEATS {
        let all: Vec<usize> = (0..names.len()).collect();
        clock.fastest(&[], &all, &mut whole)?;
        for (u, unit) in units.iter_mut().enumerate() {
            let mut keep: Vec<usize> = model.units.units.iter().map(|unit| unit.channels).collect();
            for point in &mut unit.points {
                keep[u] = point.keep;
                clock.fastest(&keep, &unit.nodes, &mut point.ms)?;
            }
        }
    }
    let nodes = names.into_iter().zip(whole).map(|(node, ms)| NodeMs { node, ms }).collect();
    Ok(LatencyTable { version: 1, key, run_ms, nodes, units })
}

/// The median of some runs.
fn run_ms(session: &mut Session) -> Result<f64, Failure> {
    let inputs = random_inputs(session, 0);
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let mut times = Vec::new();
    for _ in 0..RUNS + 2 {
        let start = Instant::now();
        session.run(&inputs).map_err(Failure::work)?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    let mut times = times.split_off(2);
    times.sort_by(f64::total_cmp);
    Ok(times[RUNS / 2])
}

/// The names of the nodes that take steps, and the node of every step.
fn nodes(session: &Session) -> (Vec<String>, Vec<usize>) {
    let mut names: Vec<String> = Vec::new();
    let place = session.plan().steps.iter().map(|step| {
        names.iter().position(|name| *name == step.node).unwrap_or_else(|| {
            names.push(step.node.clone());
            names.len() - 1
        })
    });
    let place = place.collect();
    (names, place)
}

/// Every unit with the nodes that it touches and the counts to measure, without times yet.
fn staircases(graph: &Graph, units: &Units, names: &[String]) -> Vec<UnitTimes> {
    let touches = |node: &crate::graph::Node, u: usize| {
        let mut values = node.inputs.iter().chain(&node.outputs);
        values.any(|value| {
            let segments = units.segments.get(value.0).into_iter().flatten();
            segments.filter_map(|segment| segment.unit).any(|(unit, _)| unit == u)
        })
    };
    let staircase = |(u, unit): (usize, &crate::units::Unit)| {
        let touched = graph.nodes.iter().filter(|node| touches(node, u));
        let mut nodes: Vec<usize> =
            touched.filter_map(|node| names.iter().position(|name| *name == node.name)).collect();
        nodes.dedup();
        let point = |keep| Point { keep, ms: vec![f64::INFINITY; nodes.len()] };
        let points = counts(unit.channels).into_iter().map(point).collect();
        let single = unit.members.iter().all(|member| member.block == 1);
        UnitTimes { unit: unit.id.clone(), single, nodes, points }
    };
    units.units.iter().enumerate().map(staircase).collect()
}

/// The counts to measure of a unit of `channels` coordinates, from all of them down to one: every channel group near the
/// top, and some all along.
fn counts(channels: usize) -> Vec<usize> {
    let top = channels / 4;
    let fine = (top.saturating_sub(FINE)..=top).map(|group| 4 * group);
    let coarse = (1..COARSE).map(|part| channels * part / COARSE / 4 * 4);
    let mut counts: Vec<usize> = fine.chain(coarse).chain([1, channels]).filter(|&keep| keep > 0).collect();
    if channels <= 8 {
        counts.extend(1..channels);
    }
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts.dedup();
    counts
}

/// Times nodes of a masked network.
struct Clock {
    session: Session,
    method: Method,
    /// The node of every step.
    place: Vec<usize>,
    nodes: usize,
}

impl Clock {
    /// Measures `nodes` once more and keeps the faster times.
    fn fastest(&mut self, keep: &[usize], nodes: &[usize], ms: &mut [f64]) -> Result<(), Failure> {
        let steps: Vec<usize> =
            (0..self.place.len()).filter(|&step| nodes.contains(&self.place[step])).collect();
        let seconds = self.session.masked_timings(keep, &steps, self.method).map_err(Failure::work)?;
        let mut sums = vec![0.0; self.nodes];
        for (&step, seconds) in steps.iter().zip(seconds) {
            sums[self.place[step]] += 1e3 * seconds;
        }
        for (ms, &node) in ms.iter_mut().zip(nodes) {
            *ms = ms.min(sums[node]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_go_from_all_to_one_by_groups_near_the_top() {
        assert_eq!(counts(3), [3, 2, 1]);
        assert_eq!(counts(18), [18, 16, 12, 8, 4, 1]);
        let wide = counts(512);
        assert_eq!((wide[0], wide[1], wide[2], wide.last()), (512, 508, 504, Some(&1)));
        assert!(wide.len() < 32 && wide.windows(2).all(|pair| pair[0] > pair[1]), "{wide:?}");
    }
}
