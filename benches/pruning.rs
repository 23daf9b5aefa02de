//! What pruning gains and masks cost: a network with a share of every unit's channels, pruned for good and by masks alone, as a
//! whole and convolution by convolution, and pictures in batches. Run with `cargo bench --bench pruning`; words after `--` are
//! files to take instead of the bundled network.
//!
//! All run from host to host in turns, so that a busy machine slows them alike; ratios are those of a turn, and the middle one
//! stands with what the middle half of the turns have. Of a convolution the fastest of its times counts, by the device's clock
//! where it has one, and of their ratios stand the middle one, the largest, and that of all together.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::gpu::{ChainLimits, Gpu, Method, Selector, Session};
use wgpu_pagcp::graph::{Graph, Shapes, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{PlanOptions, build};
use wgpu_pagcp::units::{Keeps, Units, analyse, cost};

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");

/// Percents of every unit's channels that stay.
const SHARES: [usize; 4] = [25, 50, 57, 75];
/// Pictures of a batch.
const BATCH: usize = 8;
/// Turns that count.
const TURNS: usize = 15;

/// A network on the device, and pictures for it.
struct Runner {
    session: Session,
    inputs: Vec<Vec<f32>>,
    keep: Option<Vec<usize>>,
}

impl Runner {
    fn new(gpu: &Gpu, network: (&Graph, &Units), batch: usize) -> Result<Self, Box<dyn Error>> {
        Self::planned(gpu, network, &gpu.plan_options(batch))
    }

    /// One step at least for every convolution, so that each has a time of its own.
    fn apart(gpu: &Gpu, network: (&Graph, &Units)) -> Result<Self, Box<dyn Error>> {
        Self::planned(gpu, network, &PlanOptions { merge: false, ..gpu.plan_options(1) })
    }

    fn planned(
        gpu: &Gpu,
        (graph, units): (&Graph, &Units),
        options: &PlanOptions,
    ) -> Result<Self, Box<dyn Error>> {
        let sizes = Sizes::batch(options.batch);
        let optimised = optimise(graph, &sizes)?.graph;
        let shapes = optimised.infer(&sizes)?;
        let plan = build(&optimised, &shapes, units, options)?;
        let inputs = plan.inputs.iter().map(|port| vec![0.5; port.shape.iter().product()]).collect();
        Ok(Self { session: Session::new(gpu, plan, 1)?, inputs, keep: None })
    }

    /// Ready for many runs.
    fn chained(mut self) -> Result<Self, Box<dyn Error>> {
        self.session.chain(ChainLimits::default())?;
        Ok(self)
    }

    fn seconds(&mut self) -> Result<f64, Box<dyn Error>> {
        let inputs: Vec<&[f32]> = self.inputs.iter().map(Vec::as_slice).collect();
        let start = Instant::now();
        match &self.keep {
            Some(keep) => self.session.run_masked(&inputs, keep)?,
            None => self.session.run(&inputs)?,
        };
        Ok(start.elapsed().as_secs_f64())
    }

    /// Runs every step once more and keeps in `least` the least seconds of each, and last of a pass without work.
    fn time_steps(&mut self, method: Method, least: &mut Vec<f64>) -> Result<(), Box<dyn Error>> {
        let steps: Vec<usize> = (0..self.session.plan().steps.len()).collect();
        let keep = self.keep.clone().unwrap_or_default();
        let (mut seconds, empty) = self.session.masked_timings(&keep, &steps, method)?;
        seconds.push(empty);
        least.resize(seconds.len(), f64::INFINITY);
        least.iter_mut().zip(seconds).for_each(|(least, seconds)| *least = least.min(seconds));
        Ok(())
    }

    /// The seconds of every convolution whose steps take `least`. A step without work is none in a run.
    fn convolutions(&self, least: &[f64]) -> BTreeMap<&str, f64> {
        let empty = least.last().copied().unwrap_or_default();
        let mut found = BTreeMap::new();
        for (step, seconds) in
            self.session.plan().steps.iter().zip(least).filter(|(step, _)| step.op == "Conv")
        {
            *found.entry(&step.node[..]).or_default() += (seconds - empty).max(0.0);
        }
        found
    }
}

/// Seconds of every runner in every turn, after one that does not count.
fn turns(runners: &mut [Runner]) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let mut turn = || runners.iter_mut().map(Runner::seconds).collect::<Result<Vec<f64>, _>>();
    turn()?;
    (0..TURNS).map(|_| turn()).collect()
}

/// The middle of what `ratio` gives of every turn, and what the middle half of the turns have.
fn middle(turns: &[Vec<f64>], ratio: impl Fn(&[f64]) -> f64) -> String {
    let mut ratios: Vec<f64> = turns.iter().map(|turn| ratio(turn)).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |quarter: usize| ratios[(ratios.len() - 1) * quarter / 4];
    format!("{:.2} ({:.2} to {:.2})", at(2), at(1), at(3))
}

/// What masks cost the convolutions of a network: the middle ratio, the largest, and that of all together.
fn alone(mut runners: [Runner; 2]) -> Result<String, Box<dyn Error>> {
    let [masked, _] = &mut runners;
    masked.seconds()?;
    let method = masked.session.timings()?.method;
    let mut least = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (runner, least) in runners.iter_mut().zip(&mut least) {
            runner.time_steps(method, least)?;
        }
    }
    let [masked, small] = [0, 1].map(|at| runners[at].convolutions(&least[at]));
    let mut ratios: Vec<f64> = masked.iter().map(|(node, seconds)| seconds / small[node]).collect();
    ratios.sort_by(f64::total_cmp);
    let all = masked.values().sum::<f64>() / small.values().sum::<f64>();
    let largest = ratios.last().ok_or("the network has no convolution")?;
    Ok(format!("{:.2}, {largest:.2}, {all:.2}", ratios[ratios.len() / 2]))
}

fn shares(gpu: &Gpu, graph: &Graph) -> Result<(), Box<dyn Error>> {
    let shapes: Shapes = graph.infer(&Sizes::batch(1))?;
    let units = analyse(graph, &shapes);
    println!(
        "  stays      FLOPs gone   faster by, and of FLOPs    masked to pruned in memory    its convolutions"
    );
    for share in SHARES {
        let keep: Vec<usize> = units.units.iter().map(|unit| (unit.channels * share).div_ceil(100)).collect();
        let keeps = Keeps::prefix(&units, &keep);
        let small = compact(graph, &shapes, &units, &keeps)?;
        // The file, unlike what is pruned in memory, runs by what is best for its own channels.
        let file = onnx::parse(&onnx::encode(&small)?, "pruned", None)?;
        let left = file.infer(&Sizes::batch(1))?;
        let flops = cost(graph, &shapes).macs as f64 / cost(&file, &left).macs as f64;
        let mut masked = Runner::new(gpu, (graph, &units), 1)?;
        masked.keep = Some(keep.clone());
        let mut runners = [
            Runner::new(gpu, (graph, &units), 1)?.chained()?,
            Runner::new(gpu, (&file, &Units::default()), 1)?.chained()?,
            masked,
            Runner::new(gpu, (&small, &units.pruned(&keeps)), 1)?,
        ];
        let found = turns(&mut runners)?;
        let mut apart = Runner::apart(gpu, (graph, &units))?;
        apart.keep = Some(keep);
        let convolutions = alone([apart, Runner::apart(gpu, (&small, &units.pruned(&keeps)))?])?;
        println!(
            "  {share:>3} %      {:>6.1} %     {}, {:>21}    {:<26}    {convolutions}",
            100.0 * (1.0 - 1.0 / flops),
            middle(&found, |turn| turn[0] / turn[1]),
            middle(&found, |turn| turn[0] / turn[1] / flops),
            middle(&found, |turn| turn[2] / turn[3]),
        );
    }
    Ok(())
}

fn bench(gpu: &Gpu, path: &Path) -> Result<(), Box<dyn Error>> {
    println!("{}", path.display());
    let graph = onnx::load(path)?;
    shares(gpu, &graph)?;
    let of = |batch| Runner::new(gpu, (&graph, &Units::default()), batch)?.chained();
    let found = turns(&mut [of(1)?, of(BATCH)?])?;
    let ratio = middle(&found, |turn| turn[1] / turn[0] / BATCH as f64);
    println!("  a picture in a batch of {BATCH} takes {ratio} of one alone");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test` runs benches too, without this argument and with its own filters.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let files: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let files = if files.is_empty() { vec![BUNDLED.to_owned()] } else { files };
    let gpu = Gpu::open(&Selector::Best)?;
    println!("{}, {}", gpu.info().name, gpu.class_name());
    files.iter().try_for_each(|file| bench(&gpu, Path::new(file)))
}
