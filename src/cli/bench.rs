//! `bench`: the latency of models, timed in turns so that all see the same machine.

use super::args::BenchArgs;
use super::model::{Model, open};
use super::{Failure, files, table};
use crate::gpu::{Gpu, Session, StepTime};
use crate::units::cost;
use serde::Serialize;
use std::time::Instant;

#[derive(Serialize)]
struct Bench {
    version: u32,
    device: DeviceLine,
    models: Vec<ModelTimes>,
}

#[derive(Serialize)]
struct DeviceLine {
    name: String,
    backend: String,
    driver: String,
    class: String,
}

/// The times of one model.
#[derive(Debug, Serialize)]
pub struct ModelTimes {
    /// The file.
    pub path: String,
    /// Images in a run.
    pub batch: usize,
    /// The element type in memory.
    pub dtype: &'static str,
    /// Host to host: upload, network, read back.
    pub latency_ms: Spread,
    /// From the graph to the first result: planning, compiling what the device has not compiled yet, uploading.
    pub cold_ms: f64,
    /// Multiply-accumulates of one image.
    pub macs: u64,
    /// Parameters.
    pub params: u64,
    /// Bytes of device memory.
    pub peak_memory_bytes: u64,
    /// Each step in a pass of its own: includes what a pass costs.
    pub layers: Vec<LayerMs>,
}

/// Milliseconds over all timed runs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// The fastest.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// 19 of 20 were at least as fast.
    pub p95: f64,
}

/// The time of one step.
#[derive(Clone, Debug, Serialize)]
pub struct LayerMs {
    /// The node.
    pub name: String,
    /// Its operator.
    pub op: &'static str,
    /// The kernel that ran.
    pub kernel: &'static str,
    /// The fastest of a few runs.
    pub ms: f64,
}

/// Runs that are not timed, before the timed ones.
const WARM_UP: usize = 3;
/// Runs that layer times are the fastest of.
const LAYER_RUNS: usize = 5;

/// Runs the command.
pub fn run(args: &BenchArgs, device: Option<&str>) -> Result<(), Failure> {
    if args.runs == 0 || args.batch == 0 {
        return Err(Failure::input("--runs and --batch must be at least 1"));
    }
    let models: Result<Vec<Model>, Failure> =
        args.models.iter().map(|path| Model::load(path, args.batch, &args.sizes)).collect();
    let gpu = open(device)?;
    let times = time(&gpu, &models?, args.runs)?;
    if args.json {
        return files::print_json(&Bench { version: 1, device: device_line(&gpu), models: times });
    }
    print(&gpu, &times);
    Ok(())
}

fn device_line(gpu: &Gpu) -> DeviceLine {
    let info = gpu.info();
    DeviceLine {
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info),
        class: gpu.class_name(),
        name: info.name,
    }
}

/// Times models in turns: a run of each, `runs` times.
pub fn time(gpu: &Gpu, models: &[Model], runs: usize) -> Result<Vec<ModelTimes>, Failure> {
    let mut benches = Vec::new();
    for model in models {
        benches.push(Timed::start(gpu, model)?);
    }
    for _ in 0..WARM_UP {
        for bench in &mut benches {
            bench.once()?;
        }
    }
    for _ in 0..runs {
        for bench in &mut benches {
            let seconds = bench.once()?;
            bench.seconds.push(seconds);
        }
    }
    for _ in 0..LAYER_RUNS {
        for bench in &mut benches {
            bench.time_layers()?;
        }
    }
    Ok(benches.into_iter().zip(models).map(|(bench, model)| bench.times(model)).collect())
}

struct Timed {
    session: Session,
    inputs: Vec<Vec<f32>>,
    cold: f64,
    seconds: Vec<f64>,
    layers: Vec<LayerMs>,
}

impl Timed {
    fn start(gpu: &Gpu, model: &Model) -> Result<Self, Failure> {
        let start = Instant::now();
        let session = model.session(gpu)?;
        let inputs = random_inputs(&session, 0);
        let mut timed = Self { session, inputs, cold: 0.0, seconds: Vec::new(), layers: Vec::new() };
        timed.once()?;
        timed.cold = start.elapsed().as_secs_f64();
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
            self.layers = timings.steps.iter().map(untimed).collect();
        }
        for (layer, step) in self.layers.iter_mut().zip(&timings.steps) {
            layer.ms = layer.ms.min(1e3 * step.seconds);
        }
        Ok(())
    }

    fn times(self, model: &Model) -> ModelTimes {
        let cost = cost(&model.graph, &model.shapes);
        ModelTimes {
            path: model.path.display().to_string(),
            batch: model.sizes.batch,
            dtype: "f32",
            latency_ms: spread(&self.seconds),
            cold_ms: 1e3 * self.cold,
            macs: cost.macs / model.sizes.batch as u64,
            params: cost.params,
            peak_memory_bytes: self.session.plan().device_bytes(),
            layers: self.layers,
        }
    }
}

fn untimed(step: &StepTime) -> LayerMs {
    LayerMs { name: step.node.clone(), op: step.op, kernel: step.kernel, ms: f64::INFINITY }
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

fn spread(seconds: &[f64]) -> Spread {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| 1e3 * sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    Spread { min: at(0.0), median: at(0.5), p95: at(0.95) }
}

fn print(gpu: &Gpu, times: &[ModelTimes]) {
    let line = device_line(gpu);
    println!("{}, {}, {} kernels\n", line.name, line.driver.trim(), line.class);
    let header = [
        "model",
        "MACs",
        "parameters",
        "min ms",
        "median ms",
        "p95 ms",
        "cold ms",
        "GFLOP/s",
        "MiB",
        "speed",
    ];
    let mut table = table::new(&header);
    let first = times[0].latency_ms.median;
    for model in times {
        let latency = model.latency_ms;
        let flops = 2.0 * (model.macs * model.batch as u64) as f64;
        table.add_row([
            model.path.clone(),
            table::millions(model.macs),
            table::millions(model.params),
            format!("{:.2}", latency.min),
            format!("{:.2}", latency.median),
            format!("{:.2}", latency.p95),
            format!("{:.0}", model.cold_ms),
            format!("{:.1}", flops / latency.median / 1e6),
            format!("{:.1}", model.peak_memory_bytes as f64 / f64::from(1 << 20)),
            format!("{:.2}x", first / latency.median),
        ]);
    }
    table::numbers_from(&mut table, 1);
    println!("{}", table.trim_fmt());
    for model in times {
        println!("\n{}: the slowest steps, each in a pass of its own", model.path);
        let mut table = table::new(&["layer", "operator", "kernel", "ms"]);
        let mut slowest: Vec<&LayerMs> = model.layers.iter().collect();
        slowest.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        for layer in slowest.into_iter().take(10) {
            let ms = format!("{:.3}", layer.ms);
            table.add_row([layer.name.clone(), layer.op.to_owned(), layer.kernel.to_owned(), ms]);
        }
        table::numbers_from(&mut table, 3);
        println!("{}", table.trim_fmt());
    }
}
