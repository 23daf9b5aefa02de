//! How long each step takes.

use super::{Session, Timed};
use crate::gpu::GpuError;
use crate::kernels::live::LiveTable;
use std::time::Instant;

/// How step times were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Timestamps of the device around one pass per step: includes what a pass costs.
    Timestamps,
    /// The host's clock around one submission per step: includes what submitting and waiting cost.
    WallClock,
}

/// The time of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// The node it computes.
    pub node: String,
    /// The operator.
    pub op: &'static str,
    /// The kernel.
    pub kernel: &'static str,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Seconds.
    pub seconds: f64,
}

/// The times of all steps of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Timings {
    /// How they were measured.
    pub method: Method,
    /// Seconds of a pass without work, measured the same way: what every step's time has in it.
    pub overhead: f64,
    /// The steps, in order, packing and unpacking included.
    pub steps: Vec<StepTime>,
}

/// Steps timed in one submission: two queries each, of which a query set has at most 4096.
const CHUNK: usize = 1024;

impl Session {
    /// Times every step of one unpruned run on the inputs that were last written.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn timings(&mut self) -> Result<Timings, GpuError> {
        self.own()?;
        let full = self.plan.live.table(0, &[]);
        let program = &self.program;
        let timed: Vec<Option<&Timed>> = program
            .pack
            .iter()
            .chain(&program.steps)
            .chain(&program.unpack)
            .map(Some)
            .chain([None])
            .collect();
        let wall = self.wall_clock(&timed, (&full, 0))?;
        let mut method = Method::WallClock;
        let mut seconds = wall;
        if self.gpu.shared.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            let mut stamped = Vec::with_capacity(timed.len());
            for chunk in timed.chunks(CHUNK) {
                stamped.extend(self.timestamps(chunk, (&full, 0))?);
            }
            // Software drivers stamp when commands are recorded, not when they run: then nothing adds up.
            if stamped.iter().sum::<f64>() > seconds.iter().sum::<f64>() / 4.0 {
                (method, seconds) = (Method::Timestamps, stamped);
            }
        }
        let overhead = seconds.pop().unwrap_or_default();
        let plan = &self.plan;
        let steps = plan.pack.iter().chain(&plan.steps).chain(&plan.unpack).zip(seconds);
        let steps = steps.map(|(step, seconds)| StepTime {
            node: step.node.clone(),
            op: step.op,
            kernel: step.kernel.name,
            macs: step.macs,
            seconds,
        });
        Ok(Timings { method, overhead, steps: steps.collect() })
    }

    /// Seconds of some of the plan's steps with only the first `keep[u]` coordinates of every unit `u`, then of a pass without
    /// work, which they have in them; units beyond the end of `keep` are whole. `method` is that of [`Session::timings`].
    ///
    /// # Errors
    /// [`GpuError`]; also where the session was made for no candidate.
    pub fn masked_timings(
        &mut self,
        keep: &[usize],
        steps: &[usize],
        method: Method,
    ) -> Result<(Vec<f64>, f64), GpuError> {
        self.own()?;
        let tables = self.write_tables(&[keep.to_vec()])?;
        let at = (&tables[0], self.tables.stride);
        let steps: Vec<Option<&Timed>> =
            steps.iter().map(|&step| Some(&self.program.steps[step])).chain([None]).collect();
        let mut seconds = match method {
            Method::WallClock => self.wall_clock(&steps, at)?,
            Method::Timestamps => {
                let mut stamped = Vec::with_capacity(steps.len());
                for chunk in steps.chunks(CHUNK) {
                    stamped.extend(self.timestamps(chunk, at)?);
                }
                stamped
            }
        };
        let overhead = seconds.pop().unwrap_or_default();
        Ok((seconds, overhead))
    }

    /// The time of each step in a submission of its own; `None` is one that does nothing.
    fn wall_clock(
        &self,
        steps: &[Option<&Timed>],
        (table, offset): (&LiveTable, u64),
    ) -> Result<Vec<f64>, GpuError> {
        const DURING: &str = "timing a step";
        let gpu = &self.gpu;
        let time = |step: &Option<&Timed>| {
            let start = Instant::now();
            gpu.scoped(DURING, || {
                let mut encoder = gpu.shared.device.create_command_encoder(&Default::default());
                let mut pass = encoder.begin_compute_pass(&Default::default());
                if let Some(step) = step {
                    step.bound.dispatch(&mut pass, table, offset);
                }
                drop(pass);
                gpu.submit(encoder);
            })?;
            gpu.wait(DURING)?;
            Ok(start.elapsed().as_secs_f64())
        };
        steps.iter().map(time).collect()
    }

    /// As [`Session::wall_clock`], by the device's clock and in one submission.
    fn timestamps(
        &self,
        steps: &[Option<&Timed>],
        (table, offset): (&LiveTable, u64),
    ) -> Result<Vec<f64>, GpuError> {
        const DURING: &str = "timing steps";
        let gpu = &self.gpu;
        let device = &gpu.shared.device;
        let count = 2 * steps.len() as u32;
        let bytes = u64::from(count) * 8;
        let staging = gpu.scoped(DURING, || {
            let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("step times"),
                ty: wgpu::QueryType::Timestamp,
                count,
            });
            let buffer = |usage| {
                let label = Some("step times");
                let descriptor =
                    wgpu::BufferDescriptor { label, size: bytes, usage, mapped_at_creation: false };
                device.create_buffer(&descriptor)
            };
            let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
            let staging = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
            let mut encoder = device.create_command_encoder(&Default::default());
            for (step, first) in steps.iter().zip((0..).step_by(2)) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: None,
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &queries,
                        beginning_of_pass_write_index: Some(first),
                        end_of_pass_write_index: Some(first + 1),
                    }),
                });
                if let Some(step) = step {
                    step.bound.dispatch(&mut pass, table, offset);
                }
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, bytes);
            gpu.submit(encoder);
            staging.map_async(wgpu::MapMode::Read, .., |_| ());
            staging
        })?;
        gpu.wait(DURING)?;
        let view = staging.get_mapped_range(..).map_err(|e| GpuError::Lost(e.to_string()))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
        let period = f64::from(gpu.shared.queue.get_timestamp_period()) * 1e-9;
        Ok(ticks.chunks_exact(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * period).collect())
    }
}
