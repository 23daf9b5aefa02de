//! What a device can do at most, as kernels reach it: multiply-adds in registers, and a copy of memory.

use super::bind::{Bound, LiveTables, Resource, bind, check};
use super::transfer::buffer;
use super::{Gpu, GpuError};
use crate::kernels::live::{LiveLayout, LiveTable};
use crate::kernels::peak_copy::{CopyParams, PEAK_COPY};
use crate::kernels::peak_multiply_add::{MultiplyAddParams, PEAK_MULTIPLY_ADD, STEPS};
use crate::kernels::{Kernel, Spec};
use crate::plan::{Grid, MAX_GROUPS, Operand, Step};
use std::time::Instant;

/// The measured peaks of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// Floating-point operations per second of multiply-adds in registers, each counted as two.
    pub flops: f64,
    /// Bytes per second that a copy reads and writes, both counted.
    pub bytes: f64,
    /// Bytes of the copied buffer.
    pub copied: u64,
}

/// Workgroups of the multiply-add kernel: enough to fill any device.
const GROUPS: u32 = 4096;
/// Rounds of one of its dispatches.
const ROUNDS: u32 = 8;
/// Bytes to copy: more than caches hold.
const COPIED: u64 = 256 << 20;
/// A submission that is shorter measures submitting.
const SHORTEST: f64 = 0.01;
/// Dispatches of the shorter submission at most.
const MOST: usize = 256;
/// Times that every variant is timed, to find the fastest.
const TRIES: usize = 2;
/// Times that the fastest variant is timed.
const REPEATS: usize = 7;

/// Measures both peaks, each with the fastest variant of its kernel. Takes a second or two and, while it lasts, 512 MiB
/// of device memory where one buffer may have 256.
///
/// # Errors
/// [`GpuError`]; a lent device is not measured, for that takes submissions.
pub fn peaks(gpu: &Gpu) -> Result<Peaks, GpuError> {
    if gpu.is_lent() {
        return Err(GpuError::Unsupported("a lent device is never submitted to".to_owned()));
    }
    let threads = GROUPS * 64;
    let y = gpu.scoped("allocating", || buffer(gpu, "peak", u64::from(threads) * 16))?;
    let words = MultiplyAddParams { rounds: ROUNDS, scale: 0.999, shift: 0.001 }.words();
    let grid = Grid::Fixed([GROUPS, 1, 1]);
    let flops = fastest(gpu, &PEAK_MULTIPLY_ADD, &[&y], |spec| {
        let each = f64::from(threads) * 8.0 * f64::from(value(spec, "accumulators") * STEPS * ROUNDS);
        (step(&PEAK_MULTIPLY_ADD, spec, words.clone(), grid), each)
    })?;
    drop(y);
    let copied = COPIED.min(gpu.plan_options(1).limits.binding_bytes) & !0xfff;
    let buffers = gpu.scoped("allocating", || [0, 1].map(|_| buffer(gpu, "peak", copied)))?;
    let bytes = fastest(gpu, &PEAK_COPY, &[&buffers[0], &buffers[1]], |spec| {
        let size = (copied / 4) as u32 / value(spec, "floats");
        (step(&PEAK_COPY, spec, CopyParams { size }.words(), folded(size.div_ceil(64))), 2.0 * copied as f64)
    })?;
    Ok(Peaks { flops, bytes, copied })
}

fn value(spec: &Spec, name: &str) -> u32 {
    spec.0.iter().find(|(known, _)| *known == name).map_or(1, |&(_, value)| value)
}

fn folded(groups: u32) -> Grid {
    let z = groups.div_ceil(MAX_GROUPS);
    Grid::Fixed([groups.div_ceil(z), 1, z])
}

fn step(kernel: &'static Kernel, spec: &Spec, params: Vec<u32>, grid: Grid) -> Step {
    Step {
        node: kernel.name.to_owned(),
        op: "Peak",
        kernel,
        spec: spec.clone(),
        params,
        operands: (0..kernel.bindings.len()).map(Operand::External).collect(),
        grid,
        macs: 0,
    }
}

/// The rate of a kernel's fastest variant; `make` gives a variant's step and what one dispatch does.
fn fastest(
    gpu: &Gpu,
    kernel: &Kernel,
    buffers: &[&wgpu::Buffer],
    make: impl Fn(&Spec) -> (Step, f64),
) -> Result<f64, GpuError> {
    let mut best: Option<(f64, Timed, f64)> = None;
    for spec in (kernel.variants)() {
        let (step, each) = make(&spec);
        let timed = Timed::new(gpu, &step, buffers)?;
        let Some(seconds) = timed.seconds(TRIES)? else { continue };
        if best.as_ref().is_none_or(|(known, ..)| each / seconds > *known) {
            best = Some((each / seconds, timed, each));
        }
    }
    let last = match best {
        Some((_, timed, each)) => timed.seconds(REPEATS)?.map(|seconds| each / seconds),
        None => None,
    };
    last.ok_or_else(|| {
        GpuError::Unsupported(format!(
            "kernel {}: four times the work took no longer, so that the device's peak cannot be measured",
            kernel.name
        ))
    })
}

/// A bound step and the number of dispatches that take long enough to be timed.
struct Timed {
    gpu: Gpu,
    bound: Bound,
    table: LiveTable,
    dispatches: usize,
}

impl Timed {
    fn new(gpu: &Gpu, step: &Step, buffers: &[&wgpu::Buffer]) -> Result<Self, GpuError> {
        let table = LiveLayout::default().table(0, &[]);
        check(step, &table)?;
        let tables = LiveTables::new(gpu, &table, 1);
        let mut bound = bind(gpu, &[step], &tables, |operand| match operand {
            Operand::External(i) => Resource::Buffer(buffers[i]),
            Operand::Slot(_) | Operand::Part { .. } | Operand::Constant(_) => {
                unreachable!("peak kernels bind external buffers")
            }
        })?;
        let mut timed = Self { gpu: gpu.clone(), bound: bound.swap_remove(0), table, dispatches: 1 };
        timed.submit(1)?;
        while timed.submit(timed.dispatches)? < SHORTEST && timed.dispatches < MOST {
            timed.dispatches *= 2;
        }
        Ok(timed)
    }

    /// Seconds of one dispatch: the difference between a long submission and a short one, each the fastest of
    /// `repeats`. Nothing where the long one is not longer.
    fn seconds(&self, repeats: usize) -> Result<Option<f64>, GpuError> {
        let (mut short, mut long) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..repeats {
            short = short.min(self.submit(self.dispatches)?);
            long = long.min(self.submit(4 * self.dispatches)?);
        }
        Ok((long > short).then(|| (long - short) / (3 * self.dispatches) as f64))
    }

    fn submit(&self, dispatches: usize) -> Result<f64, GpuError> {
        const DURING: &str = "measuring peaks";
        let start = Instant::now();
        self.gpu.scoped(DURING, || {
            let mut encoder = self.gpu.shared.device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for _ in 0..dispatches {
                self.bound.dispatch(&mut pass, &self.table, 0);
            }
            drop(pass);
            self.gpu.submit(encoder);
        })?;
        self.gpu.wait(DURING)?;
        Ok(start.elapsed().as_secs_f64())
    }
}
