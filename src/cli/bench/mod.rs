//! `bench`: the latency of models at several batch sizes, their layers against what the device can do at most, as a
//! table, as JSON and as a page; and the JSON of several machines side by side.

mod format;
mod layers;
mod measure;
mod page;
mod print;
mod ratio;
mod roofline;

pub use format::ModelTimes;
pub use layers::{Layer, layers_as};
pub use measure::{random_inputs, time};
pub use ratio::Against;

use super::args::{BenchArgs, DeviceArgs};
use super::model::{Model, check_dtype, open};
use super::{Failure, files};
use crate::gpu::{Gpu, peaks};
use format::{Bench, DeviceLine, PeakLine};
use std::fs;
use std::path::Path;

/// Runs the command.
pub fn run(args: &BenchArgs, device: &DeviceArgs) -> Result<(), Failure> {
    if args.runs == 0 || args.batch.contains(&0) {
        return Err(Failure::input("--runs and --batch must be at least 1"));
    }
    check_outputs(args)?;
    let benches = if args.compare.is_empty() {
        vec![measure(args, device)?]
    } else {
        args.compare.iter().map(|path| read(path)).collect::<Result<_, _>>()?
    };
    if let Some(path) = &args.html {
        let page = page::render(&benches).map_err(Failure::work)?;
        files::write_whole(path, page.as_bytes())?;
    }
    match args.json.as_deref() {
        Some(path) if path == Path::new("-") => return files::print_json(&benches[0]),
        Some(path) => files::write_json(path, &benches[0])?,
        None => {}
    }
    benches.iter().for_each(print::print);
    for path in args.html.iter().chain(&args.json) {
        println!("\nwritten {}", path.display());
    }
    Ok(())
}

/// Results are not written over models, nor where they cannot be.
fn check_outputs(args: &BenchArgs) -> Result<(), Failure> {
    for path in args.html.iter().chain(&args.json).filter(|path| **path != *Path::new("-")) {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
            return Err(Failure::file(path, "this is a model, not a file for results"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(Failure::file(path, "its folder does not exist"));
        }
    }
    Ok(())
}

fn measure(args: &BenchArgs, device: &DeviceArgs) -> Result<Bench, Failure> {
    let mut models = Vec::new();
    for path in &args.models {
        for &batch in &args.batch {
            for &dtype in &args.dtype {
                models.push(Model::load(path, batch, &args.sizes)?.stored(dtype));
            }
        }
    }
    let gpu = open(device)?;
    args.dtype.iter().try_for_each(|&dtype| check_dtype(&gpu, dtype))?;
    if args.chain && !gpu.chains() {
        eprintln!("--chain changes nothing on {}: it is for llvmpipe", gpu.info().name);
    }
    let peaks = peaks(&gpu).map_err(Failure::work)?;
    let mut starts = Vec::new();
    let uncached = DeviceArgs { no_cache: true, ..device.clone() };
    for device in [&uncached, device] {
        for model in &models {
            starts.push(measure::start_ms(&open(device)?, model)?);
        }
    }
    let mut times = time(&gpu, &models, args.runs, args.chain)?;
    let (cold, warm) = starts.split_at(models.len());
    for ((times, &cold), &warm) in times.iter_mut().zip(cold).zip(warm) {
        (times.cold_ms, times.warm_ms) = (Some(cold), Some(warm));
    }
    Ok(Bench {
        version: 1,
        device: device_line(&gpu),
        build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        peaks: PeakLine {
            gflops: peaks.flops / 1e9,
            copy_gb_per_s: peaks.bytes / 1e9,
            copied_bytes: peaks.copied,
        },
        models: times,
    })
}

fn device_line(gpu: &Gpu) -> DeviceLine {
    let info = gpu.info();
    DeviceLine {
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        class: gpu.class_name(),
        name: info.name,
    }
}

/// What an earlier run wrote.
fn read(path: &Path) -> Result<Bench, Failure> {
    let bytes = fs::read(path).map_err(|e| Failure::file(path, e))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| Failure::file(path, e))?;
    if value["version"] != 1 {
        let found = &value["version"];
        return Err(Failure::file(
            path,
            format!("expected the JSON of bench in version 1, found version {found}"),
        ));
    }
    let bench: Bench = serde_json::from_value(value)
        .map_err(|e| Failure::file(path, format!("not the JSON of bench: {e}")))?;
    bench.check().map_err(|reason| Failure::file(path, reason))?;
    Ok(bench)
}
