//! Timing models in turns, so that all see the same machine.

use super::format::{LayerClock, LayerMs, Memory, ModelTimes, Spread};
use super::ratio::Against;
use crate::cli::Failure;
use crate::cli::model::Model;
use crate::gpu::{ChainLimits, Gpu, Method, Session, Timings};
use crate::graph::{Graph, Node, ValueId};
use crate::plan::Plan;
use crate::tensor::{Dtype, count};
use crate::units::cost;
use std::collections::BTreeMap;
use std::time::Instant;

/// Sessions of every model that runs are divided among, where models are compared.
const SESSIONS: usize = 5;
/// Runs of a session that are not timed, before the timed ones.
const WARM_UP: usize = 6;
/// Runs that layer times are the fastest of.
const LAYER_RUNS: usize = 7;

/// Times models in turns: a run of each, `runs` times, beginning with another one each time. Models of one batch size
/// are compared with the first of them. With `chain`, sessions are made ready for many runs.
pub fn time(gpu: &Gpu, models: &[Model], runs: usize, chain: bool) -> Result<Vec<ModelTimes>, Failure> {
    let rounds = if models.len() > 1 { runs.div_ceil(SESSIONS) } else { runs };
    let mut runs_ms = vec![Vec::new(); models.len()];
    let mut benches = Vec::new();
    while runs_ms[0].len() < runs {
        benches.clear();
        for model in models {
            let mut bench = Timed::start(gpu, model)?;
            if chain {
                bench.session.chain(ChainLimits::default()).map_err(Failure::work)?;
            }
            benches.push(bench);
        }
        time_session(&mut benches, rounds.min(runs - runs_ms[0].len()), &mut runs_ms)?;
    }
    for round in 0..LAYER_RUNS {
        for turn in 0..models.len() {
            benches[(round + turn) % models.len()].time_layers()?;
        }
    }
    let mut times: Vec<ModelTimes> = Vec::new();
    for ((bench, model), runs_ms) in benches.into_iter().zip(models).zip(runs_ms) {
        let mut next = bench.times(model, runs_ms);
        let first = times.iter().find(|first| first.batch == next.batch);
        next.against_first = first.map(|first| Against::of(&first.runs_ms, &next.runs_ms, rounds));
        times.push(next);
    }
    Ok(times)
}

/// Adds the times of `rounds` rounds to those of every model.
fn time_session(benches: &mut [Timed], rounds: usize, runs_ms: &mut [Vec<f64>]) -> Result<(), Failure> {
    for _ in 0..WARM_UP {
        for bench in benches.iter_mut() {
            bench.once()?;
        }
    }
    for round in 0..rounds {
        for turn in 0..benches.len() {
            let at = (round + turn) % benches.len();
            runs_ms[at].push(1e3 * benches[at].once()?);
        }
    }
    Ok(())
}

/// Milliseconds from the graph to the first result.
pub fn start_ms(gpu: &Gpu, model: &Model) -> Result<f64, Failure> {
    let start = Instant::now();
    Timed::start(gpu, model)?;
    Ok(1e3 * start.elapsed().as_secs_f64())
}

struct Timed {
    session: Session,
    inputs: Vec<Vec<f32>>,
    /// The least traffic of every node.
    bytes: BTreeMap<String, u64>,
    clock: LayerClock,
    layers: Vec<LayerMs>,
}

impl Timed {
    /// A session that has run once.
    fn start(gpu: &Gpu, model: &Model) -> Result<Self, Failure> {
        let (graph, plan) = model.plan(&gpu.plan_options(model.sizes.batch))?;
        let bytes = traffic(&graph, model, &plan.merged)?;
        let session = Session::new(gpu, plan, 0).map_err(Failure::work)?;
        let inputs = random_inputs(&session, 0);
        let clock = LayerClock { method: String::new(), empty_ms: f64::INFINITY };
        let mut timed = Self { session, inputs, bytes, clock, layers: Vec::new() };
        timed.once()?;
        Ok(timed)
    }

    fn once(&mut self) -> Result<f64, Failure> {
        let inputs: Vec<&[f32]> = self.inputs.iter().map(Vec::as_slice).collect();
        let start = Instant::now();
        self.session.run(&inputs).map_err(Failure::work)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Times every step once more and keeps the faster time.
    fn time_layers(&mut self) -> Result<(), Failure> {
        let timings = self.session.timings().map_err(Failure::work)?;
        if self.layers.is_empty() {
            self.layers = untimed(&timings, &mut self.bytes);
        }
        let method = match timings.method {
            Method::Timestamps => "timestamps",
            Method::WallClock => "wall clock",
        };
        self.clock = LayerClock {
            method: method.to_owned(),
            empty_ms: self.clock.empty_ms.min(1e3 * timings.overhead),
        };
        for (layer, step) in self.layers.iter_mut().zip(&timings.steps) {
            layer.ms = layer.ms.min(1e3 * step.seconds);
        }
        Ok(())
    }

    fn times(self, model: &Model, runs_ms: Vec<f64>) -> ModelTimes {
        let cost = cost(&model.graph, &model.shapes);
        let plan = self.session.plan();
        ModelTimes {
            path: model.path.display().to_string(),
            batch: model.sizes.batch,
            dtype: model.dtype.to_string(),
            latency_ms: Spread::of(&runs_ms),
            runs_ms,
            cold_ms: None,
            warm_ms: None,
            macs: cost.macs / model.sizes.batch as u64,
            params: cost.params,
            peak_memory_bytes: self.session.device_bytes(),
            memory: memory(plan),
            dispatches: self.session.dispatches(),
            layer_clock: self.clock,
            layers: self.layers,
            merged: plan.merged.clone(),
            against_first: None,
        }
    }
}

fn memory(plan: &Plan) -> Memory {
    Memory {
        activations: plan.slots.iter().sum(),
        activations_bound: plan.slot_bound,
        slots: plan.slots.len(),
        constants: (0..plan.constants.len()).map(|constant| plan.constant_bytes(constant)).sum(),
        externals: plan.externals.iter().sum(),
    }
}

/// The steps before they are timed. A node's first step takes its traffic.
fn untimed(timings: &Timings, bytes: &mut BTreeMap<String, u64>) -> Vec<LayerMs> {
    let layer = |step: &crate::gpu::StepTime| LayerMs {
        name: step.node.clone(),
        op: step.op.to_owned(),
        kernel: step.kernel.to_owned(),
        ms: f64::INFINITY,
        macs: step.macs,
        bytes: bytes.remove(&step.node).unwrap_or(0),
    };
    timings.steps.iter().map(layer).collect()
}

/// The bytes of every node's inputs, weights and outputs, each moved once; what `merged` nodes read together too.
fn traffic(graph: &Graph, model: &Model, merged: &[[String; 2]]) -> Result<BTreeMap<String, u64>, Failure> {
    let shapes = graph.infer(&model.sizes).map_err(|e| Failure::file(&model.path, e))?;
    let element = if model.dtype == Dtype::F16 { 2 } else { 4 };
    let bytes = |inputs: &[ValueId], outputs: &[ValueId]| -> u64 {
        let floats: usize = inputs.iter().chain(outputs).map(|value| count(&shapes[value.0])).sum();
        element * floats as u64
    };
    let own = |node: &Node| (node.name.clone(), bytes(&node.inputs, &node.outputs));
    let mut all: BTreeMap<String, u64> = graph.nodes.iter().map(own).collect();
    for [other, first] in merged {
        let others = graph.nodes.iter().filter(|node| node.name == *other);
        let more: u64 = others.map(|node| bytes(&node.inputs[1..], &node.outputs)).sum();
        *all.entry(first.clone()).or_default() += more;
    }
    Ok(all)
}

/// Values between -1 and 1 for every input of a session.
pub fn random_inputs(session: &Session, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let ports = session.plan().inputs.iter();
    ports.map(|port| (0..port.shape.iter().product()).map(|_| next()).collect()).collect()
}
