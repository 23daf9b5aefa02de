//! Dispatches gathered into submissions that stay under a time budget: drivers reset a device whose submission takes
//! about two seconds.

use super::Timed;
use crate::gpu::chain::Chain;
use crate::gpu::{Gpu, GpuError};
use crate::kernels::live::LiveTable;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How fast a device works, as measured so far.
#[derive(Debug)]
pub struct Pace {
    /// Multiply-accumulates per second.
    rate: f64,
    /// The time that a submission may take.
    pub budget: Duration,
    /// Submissions that were not waited for, with their costs.
    flight: VecDeque<(wgpu::SubmissionIndex, f64)>,
    /// When the oldest of them began, as far as is known.
    since: Instant,
}

impl Pace {
    /// A cautious first guess.
    pub fn new(kind: wgpu::DeviceType) -> Self {
        let rate = match kind {
            wgpu::DeviceType::DiscreteGpu => 200e9,
            wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::VirtualGpu => 20e9,
            wgpu::DeviceType::Cpu | wgpu::DeviceType::Other => 2e9,
        };
        let (flight, since) = (VecDeque::new(), Instant::now());
        Self { rate, budget: Duration::from_millis(200), flight, since }
    }

    /// The cost that a submission may have.
    fn limit(&self) -> f64 {
        self.rate * self.budget.as_secs_f64()
    }

    /// Learns from a submission of `cost` that took `seconds`. Short ones are mostly overhead and teach nothing.
    fn observe(&mut self, cost: f64, seconds: f64) {
        let budget = self.budget.as_secs_f64();
        if cost < self.limit() / 20.0 && seconds < budget / 2.0 {
            return;
        }
        let measured = (cost / seconds.max(1e-6)).clamp(self.rate / 4.0, self.rate * 4.0);
        self.rate = (self.rate + measured) / 2.0;
    }
}

/// Submissions that may be left running at the end of a stream.
const MOST_LEFT: usize = 2;

/// A queue of dispatches.
pub struct Stream<'a> {
    gpu: &'a Gpu,
    pace: &'a mut Pace,
    open: Option<(wgpu::ComputePass<'static>, wgpu::CommandEncoder)>,
    cost: f64,
}

/// What submissions are doing, in errors.
const DURING: &str = "running a network";

impl<'a> Stream<'a> {
    pub fn new(gpu: &'a Gpu, pace: &'a mut Pace) -> Self {
        Self { gpu, pace, open: None, cost: 0.0 }
    }

    /// Fills a buffer with zeros before all that is added.
    pub fn clear(&mut self, buffer: &wgpu::Buffer) {
        let mut encoder = self.gpu.shared.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(buffer, 0, None);
        self.open = Some((encoder.begin_compute_pass(&Default::default()).forget_lifetime(), encoder));
    }

    /// Adds `steps` for the candidate whose table is `table`, stored at byte `offset` of the tables.
    pub fn push<'t>(
        &mut self,
        steps: impl IntoIterator<Item = &'t Timed>,
        table: &LiveTable,
        offset: u64,
    ) -> Result<(), GpuError> {
        for step in steps {
            step.bound.dispatch(self.pass_for(step.cost)?, table, offset);
        }
        Ok(())
    }

    /// Adds a chain.
    pub fn push_chain(&mut self, chain: &Chain, cost: f64) -> Result<(), GpuError> {
        chain.dispatch(self.pass_for(cost)?);
        Ok(())
    }

    /// The pass for work of so much.
    fn pass_for(&mut self, cost: f64) -> Result<&mut wgpu::ComputePass<'static>, GpuError> {
        if self.cost > 0.0 && self.cost + cost > self.pace.limit() {
            self.submit()?;
        }
        self.cost += cost;
        let (pass, _) = self.open.get_or_insert_with(|| {
            let mut encoder = self.gpu.shared.device.create_command_encoder(&Default::default());
            (encoder.begin_compute_pass(&Default::default()).forget_lifetime(), encoder)
        });
        Ok(pass)
    }

    /// Submits what is there; one earlier submission may still run meanwhile.
    fn submit(&mut self) -> Result<(), GpuError> {
        let Some((pass, encoder)) = self.open.take() else { return Ok(()) };
        self.send(pass, encoder, |_| ())?;
        if self.pace.flight.len() > 1 {
            self.settle()?;
        }
        Ok(())
    }

    fn send(
        &mut self,
        pass: wgpu::ComputePass<'static>,
        mut encoder: wgpu::CommandEncoder,
        last: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<(), GpuError> {
        if self.pace.flight.is_empty() {
            self.pace.since = Instant::now();
        }
        let index = self.gpu.scoped(DURING, || {
            drop(pass);
            last(&mut encoder);
            self.gpu.submit(encoder)
        })?;
        self.pace.flight.push_back((index, std::mem::take(&mut self.cost)));
        Ok(())
    }

    /// Waits for the oldest submission and learns from it.
    fn settle(&mut self) -> Result<(), GpuError> {
        let Some((index, cost)) = self.pace.flight.pop_front() else { return Ok(()) };
        self.gpu.wait_for(index, DURING)?;
        let now = Instant::now();
        self.pace.observe(cost, (now - self.pace.since).as_secs_f64());
        self.pace.since = now;
        Ok(())
    }

    /// Submits the rest, with `last` after it, and waits for everything.
    pub fn finish(mut self, last: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<(), GpuError> {
        self.submit_rest(last)?;
        while !self.pace.flight.is_empty() {
            self.settle()?;
        }
        Ok(())
    }

    /// Submits the rest, with `last` after it, and leaves it running: the number of that submission.
    pub fn leave(
        mut self,
        last: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<Option<wgpu::SubmissionIndex>, GpuError> {
        self.submit_rest(last)?;
        while self.pace.flight.len() > MOST_LEFT {
            self.settle()?;
        }
        Ok(self.pace.flight.back().map(|(index, _)| index.clone()))
    }

    fn submit_rest(&mut self, last: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<(), GpuError> {
        let (pass, encoder) = self.open.take().unwrap_or_else(|| {
            let mut encoder = self.gpu.shared.device.create_command_encoder(&Default::default());
            (encoder.begin_compute_pass(&Default::default()).forget_lifetime(), encoder)
        });
        self.send(pass, encoder, last)
    }
}
