//! What `bench --json` writes: a stable contract, version 1. README.md tells what the figures mean.

use super::ratio::Against;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// The format's version, 1.
    pub version: u32,
    /// What was measured on.
    pub device: DeviceLine,
    /// How the program was built: `release`, or `debug`, whose times say little.
    pub build: String,
    /// What the device can do at most.
    pub peaks: PeakLine,
    /// Every model at every batch size, models in the order given.
    pub models: Vec<ModelTimes>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceLine {
    /// The adapter.
    pub name: String,
    /// The API.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
    /// The class of kernels that it gets.
    pub class: String,
}

/// The measured peaks of a device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeakLine {
    /// 10^9 floating-point operations per second of multiply-adds in registers.
    pub gflops: f64,
    /// 10^9 bytes per second, read and written, of a copy.
    pub copy_gb_per_s: f64,
    /// Bytes of the buffer that was copied.
    pub copied_bytes: u64,
}

/// The times of one model at one batch size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelTimes {
    /// The file.
    pub path: String,
    /// Images in a run.
    pub batch: usize,
    /// The element type in memory.
    pub dtype: String,
    /// Host to host: upload, network, read back.
    pub latency_ms: Spread,
    /// Every timed run, in order; the n-th runs of all entries were made in one round, one after another.
    pub runs_ms: Vec<f64>,
    /// From the graph to the first result on a fresh device, the first time in this process: planning, compiling,
    /// uploading, running. What the driver keeps on disk from earlier processes is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_ms: Option<f64>,
    /// The same once more, on another fresh device: what caches of the driver and of the program save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_ms: Option<f64>,
    /// Multiply-accumulates of one image.
    pub macs: u64,
    /// Parameters.
    pub params: u64,
    /// Bytes of device memory.
    pub peak_memory_bytes: u64,
    /// What they are for.
    pub memory: Memory,
    /// Dispatches of a run: where the device is the CPU, small steps share them.
    #[serde(default)]
    pub dispatches: usize,
    /// How layer times were measured.
    pub layer_clock: LayerClock,
    /// The time of every step.
    pub layers: Vec<LayerMs>,
    /// Nodes that steps of another one compute too, and that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<[String; 2]>,
    /// Against the first model at the same batch size; nothing for that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_first: Option<Against>,
}

/// Milliseconds over all timed runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The fastest.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// 19 of 20 were at least as fast.
    pub p95: f64,
}

/// Bytes of device memory by use, as the plan has them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Buffers for activations, reused over lifetimes.
    pub activations: u64,
    /// All activations alive at the fullest step: no reuse needs less.
    pub activations_bound: u64,
    /// How many buffers the activations share.
    pub slots: usize,
    /// Packed weights and other constants.
    pub constants: u64,
    /// Inputs and outputs as the host sees them.
    pub externals: u64,
}

/// How layer times were measured, and what every one of them has in it besides the layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerClock {
    /// `timestamps`: the device's, around a pass for each step; `wall clock`: the host's, around a submission for each
    /// step.
    pub method: String,
    /// The time of a pass without work, measured the same way.
    pub empty_ms: f64,
}

/// The time of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerMs {
    /// The node.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// The kernel that ran.
    pub kernel: String,
    /// The fastest of a few runs, in a pass of its own.
    pub ms: f64,
    /// Multiply-accumulates of the whole batch.
    pub macs: u64,
    /// The least that memory has to move for the node, with its first step: inputs, weights and output, once each.
    pub bytes: u64,
}

impl Spread {
    /// Of these times.
    pub fn of(times: &[f64]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        Self { min: at(0.0), median: at(0.5), p95: at(0.95) }
    }
}

impl Bench {
    /// Whether all times are some: a file may come from anywhere.
    pub fn check(&self) -> Result<(), String> {
        let good = |value: f64| value.is_finite() && value > 0.0;
        if self.models.is_empty() || !(good(self.peaks.gflops) && good(self.peaks.copy_gb_per_s)) {
            return Err("no model or no peaks".to_owned());
        }
        for model in &self.models {
            let layers = model.layers.iter().map(|layer| layer.ms);
            let times = [model.latency_ms.min, model.latency_ms.median, model.latency_ms.p95];
            if model.batch == 0 || !layers.chain(times).all(good) {
                return Err(format!("{}: a time that is none", model.path));
            }
        }
        Ok(())
    }
}

impl ModelTimes {
    /// 10^9 floating-point operations per second, of convolutions and matrix products, at the median latency.
    pub fn gflops(&self) -> f64 {
        2.0 * (self.macs * self.batch as u64) as f64 / self.latency_ms.median / 1e6
    }

    /// The file, and how its numbers are stored where that is not f32.
    pub fn label(&self) -> String {
        format!("{}{}", self.path, self.suffix())
    }

    /// How its numbers are stored, behind a name, where that is not f32.
    pub fn suffix(&self) -> String {
        if self.dtype == "f32" { String::new() } else { format!(" ({})", self.dtype) }
    }

    /// The file's name without its folder.
    pub fn name(&self) -> &str {
        self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path)
    }
}

impl PeakLine {
    /// The most GFLOP/s at this many operations per byte.
    pub fn roof(&self, intensity: f64) -> f64 {
        self.gflops.min(intensity * self.copy_gb_per_s)
    }
}
