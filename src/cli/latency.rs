//! Measures how long a network takes with fewer channels, once: the table stays in the output folder, so that a
//! resumed search decides by the same times. Masked convolutions keep the algorithm of the whole network, those of a
//! smaller file may have a faster one: that one's time counts.

use super::bench::random_inputs;
use super::model::Model;
use super::{Failure, files};
use crate::gpu::{Gpu, Method, Session};
use crate::graph::{Graph, Op, Shapes, ValueId};
use crate::plan::PlanOptions;
use crate::search::{LatencyTable, NodeMs, Point, UnitTimes, fingerprint};
use crate::units::Units;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The file in the output folder.
const FILE: &str = "latency.json";
/// Timed runs of the whole network, each of the times that it is measured; their median counts.
const RUNS: usize = 15;
/// Passes without work that are timed; the fastest counts.
const EMPTY: usize = 15;
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
    let (_, plan) = model.plan(&gpu.plan_options(1))?;
    let mut merged = Session::new(gpu, plan, 1).map_err(Failure::work)?;
    let mut run_ms = f64::INFINITY;
    let options = PlanOptions { merge: false, ..gpu.plan_options(1) };
    let (graph, plan) = model.plan(&options)?;
    let shapes = graph.infer(&model.sizes).map_err(|e| Failure::file(&model.path, e))?;
    let session = Session::new(gpu, plan, 1).map_err(Failure::work)?;
    let names = nodes(&session);
    let (_, plan) = summed_directly(&model)?.plan(&options)?;
    let direct = Session::new(gpu, plan, 1).map_err(Failure::work)?;
    let network = Network { graph: &graph, shapes: &shapes, units: &model.units };
    let clocks = [Clock::new(session, &names)?, Clock::new(direct, &names)?];
    let mut clocks = Clocks { network, names: &names, clocks };
    let mut whole = vec![f64::INFINITY; names.len()];
    let mut units = staircases(&graph, &model.units, &names);
    for _ in 0..REPEATS {
        run_ms = run_ms.min(middle_ms(&mut merged)?);
        let all: Vec<usize> = (0..names.len()).collect();
        clocks.fastest(&[], &all, &mut whole)?;
        for (u, unit) in units.iter_mut().enumerate() {
            let mut keep: Vec<usize> = model.units.units.iter().map(|unit| unit.channels).collect();
            for point in &mut unit.points {
                keep[u] = point.keep;
                clocks.fastest(&keep, &unit.nodes, &mut point.ms)?;
            }
        }
    }
    let nodes = names.into_iter().zip(whole).map(|(node, ms)| NodeMs { node, ms }).collect();
    Ok(LatencyTable { version: 1, key, run_ms, nodes, units })
}

/// The model with every convolution summed directly.
fn summed_directly(model: &Model) -> Result<Model, Failure> {
    let mut graph = model.graph.clone();
    for node in &mut graph.nodes {
        if let Op::Conv(conv) = &mut node.op {
            conv.direct = true;
        }
    }
    Model::new(&model.path, graph, model.sizes.clone())
}

/// The median of some runs.
fn middle_ms(session: &mut Session) -> Result<f64, Failure> {
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

/// The names of the nodes that take steps.
fn nodes(session: &Session) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in &session.plan().steps {
        if !names.contains(&step.node) {
            names.push(step.node.clone());
        }
    }
    names
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

/// What is timed.
#[derive(Clone, Copy)]
struct Network<'a> {
    graph: &'a Graph,
    shapes: &'a Shapes,
    units: &'a Units,
}

impl Network<'_> {
    /// The nodes that a network of its own with `keep[u]` coordinates of every unit `u` sums directly, and this one not.
    fn turned(&self, keep: &[usize]) -> Vec<&str> {
        let left = |value: ValueId| -> usize {
            let segments = self.units.segments.get(value.0).into_iter().flatten();
            let live = segments.map(|segment| match segment.unit {
                Some((unit, block)) => keep.get(unit).map_or(segment.channels.len(), |&keep| keep * block),
                None => segment.channels.len(),
            });
            live.sum()
        };
        let turns = |node: &&crate::graph::Node| match (&node.op, self.shapes[node.outputs[0].0].as_slice()) {
            (Op::Conv(conv), &[_, outputs, height, width]) => {
                let (x, y) = (node.inputs[0], node.outputs[0]);
                let whole = conv.winograd([self.shapes[x.0][1], outputs], [height, width]);
                whole.is_some() && conv.winograd([left(x), left(y)], [height, width]).is_none()
            }
            _ => false,
        };
        self.graph.nodes.iter().filter(turns).map(|node| node.name.as_str()).collect()
    }
}

/// The masked network in both ways that its convolutions may be computed: as in the whole one, and directly.
struct Clocks<'a> {
    network: Network<'a>,
    names: &'a [String],
    clocks: [Clock; 2],
}

impl Clocks<'_> {
    /// Measures `nodes` once more, each as in a network of its own, and keeps the faster times.
    fn fastest(&mut self, keep: &[usize], nodes: &[usize], ms: &mut [f64]) -> Result<(), Failure> {
        let turned = self.network.turned(keep);
        for (clock, direct) in self.clocks.iter_mut().zip([false, true]) {
            let ours = |node: &usize| turned.contains(&self.names[*node].as_str()) == direct;
            let ours: Vec<usize> = nodes.iter().copied().filter(ours).collect();
            if ours.is_empty() {
                continue;
            }
            let sums = clock.time(keep, &ours)?;
            for (ms, node) in ms.iter_mut().zip(nodes).filter(|(_, node)| ours.contains(node)) {
                *ms = ms.min(sums[*node]);
            }
        }
        Ok(())
    }
}

/// Times nodes of a masked network.
struct Clock {
    session: Session,
    method: Method,
    /// Seconds of a pass without work. One that was held up would take all from the steps that were not: the fastest counts.
    overhead: f64,
    /// The node of every step.
    place: Vec<Option<usize>>,
    nodes: usize,
}

impl Clock {
    /// Of a network whose nodes have `names`.
    fn new(mut session: Session, names: &[String]) -> Result<Self, Failure> {
        let method = session.timings().map_err(Failure::work)?.method;
        let mut overhead = f64::INFINITY;
        for _ in 0..EMPTY {
            let (_, this) = session.masked_timings(&[], &[], method).map_err(Failure::work)?;
            overhead = overhead.min(this);
        }
        let place = |step: &crate::plan::Step| names.iter().position(|name| *name == step.node);
        let place = session.plan().steps.iter().map(place).collect();
        Ok(Self { session, method, overhead, place, nodes: names.len() })
    }

    /// Milliseconds of each of `nodes`, by node; of others 0.
    fn time(&mut self, keep: &[usize], nodes: &[usize]) -> Result<Vec<f64>, Failure> {
        let ours = |step: &usize| self.place[*step].is_some_and(|node| nodes.contains(&node));
        let steps: Vec<usize> = (0..self.place.len()).filter(ours).collect();
        let (seconds, _) = self.session.masked_timings(keep, &steps, self.method).map_err(Failure::work)?;
        let mut sums = vec![0.0; self.nodes];
        for (node, seconds) in steps.iter().filter_map(|&step| self.place[step]).zip(seconds) {
            sums[node] += 1e3 * (seconds - self.overhead).max(0.0);
        }
        Ok(sums)
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
