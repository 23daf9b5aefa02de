//! What the host does around a network: reading, optimising, planning, making a session, encoding a run. With
//! `cargo bench --bench host -- a.onnx b.onnx`; without arguments of the bundled network.
//!
//! Times are the middle ones of several, but for the first start of a device, which is one.

use std::path::Path;
use std::time::Instant;
use wgpu_pagcp::gpu::{Gpu, GpuError, Selector, Session};
use wgpu_pagcp::graph::{Graph, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{Plan, build};
use wgpu_pagcp::units::analyse;

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");

/// Runs that a time is the middle one of.
const TURNS: usize = 9;

/// Encodings that a time is the middle one of.
const ENCODINGS: usize = 101;

/// One result and the seconds it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

fn middle(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// The middle of `TURNS` times, and the last result.
fn repeated<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let (mut result, first) = timed(&mut work);
    let mut seconds = vec![first];
    for _ in 1..TURNS {
        let (again, took) = timed(&mut work);
        result = again;
        seconds.push(took);
    }
    (result, middle(seconds))
}

fn plan(graph: &Graph, gpu: &Gpu) -> Plan {
    let sizes = Sizes::batch(1);
    let shapes = graph.infer(&sizes).expect("the network has shapes");
    let (units, analysing) = repeated(|| analyse(graph, &shapes));
    let (optimised, optimising) = repeated(|| optimise(graph, &sizes).expect("it can be optimised").graph);
    let shapes = optimised.infer(&sizes).expect("so has the optimised one");
    let options = gpu.plan_options(1);
    let (plan, planning) =
        repeated(|| build(&optimised, &shapes, &units, &options).expect("every operator has a kernel"));
    println!("  units     {:>9.2} ms", 1e3 * analysing);
    println!("  optimise  {:>9.2} ms", 1e3 * optimising);
    println!("  plan      {:>9.2} ms", 1e3 * planning);
    let activations: u64 = plan.slots.iter().sum();
    println!(
        "  activations {:.2} MiB in {} buffers, {:.3} of the least possible",
        activations as f64 / f64::from(1 << 20),
        plan.slots.len(),
        activations as f64 / plan.slot_bound as f64
    );
    plan
}

fn start(plan: &Plan) -> Result<Session, GpuError> {
    let (gpu, opening) = timed(|| Gpu::open(&Selector::Best));
    let gpu = gpu?;
    let (session, making) = timed(|| Session::new(&gpu, plan.clone(), 0));
    let mut session = session?;
    let inputs: Vec<Vec<f32>> =
        plan.inputs.iter().map(|port| vec![0.5; port.shape.iter().product()]).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let (first, running) = timed(|| session.run(&inputs).map(|_| ()));
    first?;
    println!(
        "  start     {:>9.2} ms to open the device, {:.2} to make the session, {:.2} to run once",
        1e3 * opening,
        1e3 * making,
        1e3 * running
    );
    Ok(session)
}

fn encode(session: &Session) {
    let device = session.gpu().device();
    let mut seconds = Vec::with_capacity(ENCODINGS);
    for _ in 0..ENCODINGS {
        let (_, took) = timed(|| {
            let mut encoder = device.create_command_encoder(&Default::default());
            session.encode(&mut encoder);
            encoder.finish()
        });
        seconds.push(took);
    }
    println!(
        "  encode    {:>9.3} ms for {} steps",
        1e3 * middle(seconds),
        session.plan().all_steps().count()
    );
}

fn bench(path: &Path) -> Result<(), GpuError> {
    println!("{}", path.display());
    let (graph, reading) = repeated(|| onnx::load(path).expect("the file can be read"));
    println!("  read      {:>9.2} ms", 1e3 * reading);
    let gpu = Gpu::open(&Selector::Best)?;
    let plan = plan(&graph, &gpu);
    drop(gpu);
    let mut session = start(&plan)?;
    for _ in 0..2 {
        session = start(&plan)?;
    }
    encode(&session);
    Ok(())
}

fn main() -> Result<(), GpuError> {
    // `cargo test` runs benches too, without this argument and with its own filters.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let files: Vec<String> =
        std::env::args().skip(1).filter(|arg| measured && !arg.starts_with("--")).collect();
    let files = if files.is_empty() { vec![BUNDLED.to_owned()] } else { files };
    files.iter().try_for_each(|file| bench(Path::new(file)))
}
