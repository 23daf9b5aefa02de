//! Runs of the whole network, unpruned, masked, or once per candidate.

use super::Session;
use super::stream::Stream;
use crate::gpu::GpuError;
use crate::kernels::live::LiveTable;
use std::time::Duration;

/// A computed value, read after a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The value's name.
    pub name: String,
    /// Its dimensions, of live channels only.
    pub shape: Vec<usize>,
    /// Its elements, row-major.
    pub values: Vec<f32>,
}

impl Session {
    /// Runs the network: row-major inputs in graph order to row-major outputs in graph order.
    ///
    /// # Errors
    /// [`GpuError`]; inputs of the wrong number or length are named.
    pub fn run(&mut self, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, GpuError> {
        self.own()?;
        self.place_inputs(inputs)?;
        self.last = (self.plan.live.table(0, &[]), 0);
        self.forward()
    }

    /// Runs the network with only the first `keep[u]` coordinates of every unit `u`; units beyond the end of `keep`
    /// are whole. Outputs equal those of the compacted network, bit for bit.
    ///
    /// # Errors
    /// As [`Session::run`]; also where the session was made for no candidate.
    pub fn run_masked(&mut self, inputs: &[&[f32]], keep: &[usize]) -> Result<Vec<Vec<f32>>, GpuError> {
        self.own()?;
        self.place_inputs(inputs)?;
        let tables = self.write_tables(&[keep.to_vec()])?;
        self.last = (tables.into_iter().next().expect("one candidate has one table"), self.tables.stride);
        self.forward()
    }

    /// As [`Session::run`], with the plan's losses, which write where they do for the first candidate.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_judged(&mut self, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, GpuError> {
        self.own()?;
        self.place_inputs(inputs)?;
        let full = self.plan.live.table(0, &[]);
        self.last = (full.clone(), 0);
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        let program = &self.program;
        for part in [&program.pack, &program.steps, &program.losses] {
            stream.push(part, &full, 0)?;
        }
        stream.push(&program.unpack, &full, 0)?;
        let sources: Vec<_> = self.plan.outputs.iter().map(|port| &self.externals[port.external]).collect();
        stream.finish(|encoder| self.outputs.encode(encoder, &sources))?;
        self.outputs.take(&self.gpu)
    }

    /// Uploads and packs a batch for [`Session::score`]: inputs of live channels only, where `keep` has fewer of a unit
    /// than there are, as long as the whole inputs all the same.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn upload(&mut self, inputs: &[&[f32]], keep: &[usize]) -> Result<(), GpuError> {
        self.own()?;
        self.place_inputs(inputs)?;
        let (table, offset) = if keep.is_empty() {
            (self.plan.live.table(0, &[]), 0)
        } else {
            let tables = self.write_tables(&[keep.to_vec()])?;
            (tables.into_iter().next().expect("one candidate has one table"), self.tables.stride)
        };
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        stream.push(&self.program.pack, &table, offset)?;
        stream.finish(|_| ())
    }

    /// Runs the network and the plan's losses on the uploaded batch, once for each candidate: the kept coordinates
    /// of every unit. The losses write where the candidate's index says.
    ///
    /// # Errors
    /// [`GpuError`]; also where there are more candidates than the session was made for.
    pub fn score(&mut self, candidates: &[Vec<usize>]) -> Result<(), GpuError> {
        self.own()?;
        let tables = self.write_tables(candidates)?;
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        for (table, number) in tables.iter().zip(1..) {
            let offset = number * self.tables.stride;
            stream.push(&self.program.steps, table, offset)?;
            stream.push(&self.program.losses, table, offset)?;
        }
        stream.finish(|_| ())
    }

    /// Every computed value as the last run left it, on a plan made with `keep_all`.
    ///
    /// # Errors
    /// [`GpuError`]; also where the plan has no probes.
    pub fn values(&mut self) -> Result<Vec<Probe>, GpuError> {
        self.own()?;
        if self.plan.probes.is_empty() {
            return Err(GpuError::Unsupported("the plan keeps no values, make it with keep_all".to_owned()));
        }
        let (table, offset) = self.last.clone();
        let mut probes = Vec::with_capacity(self.plan.probes.len());
        for (port, step) in self.plan.probes.iter().zip(&self.program.probe) {
            let mut shape = port.shape.clone();
            let channels = shape.len().min(2).wrapping_sub(1);
            if let Some(extent) = shape.get_mut(channels) {
                *extent = table.channels(port.record) as usize;
            }
            let mut stream = Stream::new(&self.gpu, &mut self.pace);
            stream.push(std::slice::from_ref(step), &table, offset)?;
            stream.finish(|_| ())?;
            let values = self.read(&self.externals[port.external], shape.iter().product())?;
            probes.push(Probe { name: port.name.clone(), shape, values });
        }
        Ok(probes)
    }

    /// The longest that one submission should take; 200 ms unless set.
    pub fn set_budget(&mut self, budget: Duration) {
        self.pace.budget = budget;
    }

    fn forward(&mut self) -> Result<Vec<Vec<f32>>, GpuError> {
        if self.last.1 == 0 && self.chained.is_some() {
            if let Some(outputs) = self.forward_chained()? {
                return Ok(outputs);
            }
            tracing::warn!("a run was cut short by the driver and is repeated step by step");
            self.chained = None;
        }
        let (table, offset) = &self.last;
        let program = &self.program;
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        for part in [&program.pack, &program.steps, &program.unpack] {
            stream.push(part, table, *offset)?;
        }
        let sources: Vec<_> = self.plan.outputs.iter().map(|port| &self.externals[port.external]).collect();
        stream.finish(|encoder| self.outputs.encode(encoder, &sources))?;
        self.outputs.take(&self.gpu)
    }

    /// Writes the tables of `candidates` behind the unpruned one.
    pub(super) fn write_tables(&self, candidates: &[Vec<usize>]) -> Result<Vec<LiveTable>, GpuError> {
        if candidates.len() > self.candidates {
            return Err(GpuError::Unsupported(format!(
                "the session has room for {} candidates at once, found {}",
                self.candidates,
                candidates.len()
            )));
        }
        let table = |(number, keep): (usize, &Vec<usize>)| self.plan.live.table(number as u32, keep);
        let tables: Vec<LiveTable> = candidates.iter().enumerate().map(table).collect();
        let contents = self.tables.contents(&tables);
        self.gpu.scoped("writing live tables", || {
            self.gpu.shared.queue.write_buffer(&self.tables.buffer, self.tables.stride, &contents);
        })?;
        Ok(tables)
    }
}
