//! A bench as tables on standard output.

use super::format::{Bench, ModelTimes};
use super::layers::layers;
use crate::cli::table;

/// Rows of the table of slowest layers.
const SLOWEST: usize = 10;

/// Prints a bench.
pub fn print(bench: &Bench) {
    let device = &bench.device;
    println!("{}, {}, {} kernels", device.name, device.driver, device.class);
    println!(
        "measured peaks: {:.1} GFLOP/s of multiply-adds, {:.1} GB/s of a copy of {} MiB",
        bench.peaks.gflops,
        bench.peaks.copy_gb_per_s,
        bench.peaks.copied_bytes >> 20
    );
    if bench.build != "release" {
        println!("this is a {} build: its times say little", bench.build);
    }
    println!();
    times(bench);
    println!();
    memory(bench);
    for (i, model) in bench.models.iter().enumerate() {
        // Larger batches have the same layers.
        if bench.models[..i].iter().all(|earlier| earlier.label() != model.label()) {
            slowest(bench, model);
        }
    }
}

fn times(bench: &Bench) {
    let header = [
        "model",
        "batch",
        "MACs",
        "min ms",
        "median ms",
        "p95 ms",
        "cold ms",
        "warm ms",
        "pictures/s",
        "GFLOP/s",
        "of peak",
        "against the first",
    ];
    let mut table = table::new(&header);
    let start = |ms: Option<f64>| ms.map_or(String::new(), |ms| format!("{ms:.0}"));
    for model in &bench.models {
        let latency = model.latency_ms;
        table.add_row([
            model.label(),
            model.batch.to_string(),
            table::millions(model.macs),
            format!("{:.2}", latency.min),
            format!("{:.2}", latency.median),
            format!("{:.2}", latency.p95),
            start(model.cold_ms),
            start(model.warm_ms),
            format!("{:.1}", 1e3 * model.batch as f64 / latency.median),
            format!("{:.1}", model.gflops()),
            format!("{:.1} %", 100.0 * model.gflops() / bench.peaks.gflops),
            model.against_first.map_or(String::new(), |against| against.words()),
        ]);
    }
    table::numbers_from(&mut table, 1);
    println!("{}", table.trim_fmt());
}

fn memory(bench: &Bench) {
    let mib = |bytes: u64| format!("{:.2}", bytes as f64 / f64::from(1 << 20));
    let header = [
        "memory in MiB",
        "batch",
        "parameters",
        "device",
        "weights",
        "in and out",
        "activations",
        "at least",
    ];
    let mut table = table::new(&header);
    for model in &bench.models {
        let memory = model.memory;
        table.add_row([
            model.label(),
            model.batch.to_string(),
            table::millions(model.params),
            mib(model.peak_memory_bytes),
            mib(memory.constants),
            mib(memory.externals),
            format!("{} in {} buffers", mib(memory.activations), memory.slots),
            mib(memory.activations_bound),
        ]);
    }
    table::numbers_from(&mut table, 1);
    println!("{}", table.trim_fmt());
}

fn slowest(bench: &Bench, model: &ModelTimes) {
    let clock = &model.layer_clock;
    let how = match clock.method.as_str() {
        "timestamps" => "each step in a pass of its own, by the device's timestamps",
        _ => "each step in a submission of its own, by the host's clock",
    };
    println!("\n{}: the slowest layers at batch {}", model.label(), model.batch);
    println!("{how}; one without work takes {:.3} ms", clock.empty_ms);
    println!("a run is {} dispatches", model.dispatches);
    let mut table = table::new(&["layer", "operator", "kernels", "ms", "GFLOP/s", "of its roof"]);
    let mut slowest = layers(model);
    slowest.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    for layer in slowest.into_iter().take(SLOWEST) {
        let point = layer.point();
        let share = point.and_then(|_| layer.share(bench));
        table.add_row([
            layer.name,
            layer.op,
            layer.kernels,
            format!("{:.3}", layer.ms),
            point.map_or_else(String::new, |(gflops, _)| format!("{gflops:.1}")),
            share.map_or_else(String::new, |share| format!("{:.0} %", 100.0 * share)),
        ]);
    }
    table::numbers_from(&mut table, 3);
    println!("{}", table.trim_fmt());
}
