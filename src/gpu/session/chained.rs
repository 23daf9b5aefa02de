//! Unpruned runs in few dispatches.

use super::stream::Stream;
use super::{Session, find};
use crate::gpu::GpuError;
use crate::gpu::chain::{Chain, ChainLimits, Link, Links, Run};
use crate::gpu::transfer::Readback;
use crate::plan::Port;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A run cut into links.
#[derive(Debug)]
pub(super) struct Chained {
    links: Links,
    /// The outputs, then the counters.
    results: Readback,
}

impl Session {
    /// Puts small steps of [`Session::run`] together where the device is slow to begin one, see [`crate::gpu::Gpu::chains`]. The
    /// first time that takes many seconds to compile, later ones find the driver's cache: for sessions that run often. Results
    /// stay the same, to the bit. A run in which the driver ended a loop early is repeated, and all that follow, without chains.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn chain(&mut self, limits: ChainLimits) -> Result<(), GpuError> {
        let Some(workgroup) = self.gpu.chain_workgroup() else { return Ok(()) };
        let plan = &self.plan;
        let steps: Vec<_> = plan.pack.iter().chain(&plan.steps).chain(&plan.unpack).collect();
        let run = Run {
            gpu: &self.gpu,
            workgroup,
            tables: &self.tables.buffer,
            limits,
            full: &plan.live.table(0, &[]),
            lookup: |operand| find(operand, &self.slots, &self.externals, &self.constants),
        };
        let links = run.links(&steps)?;
        let links = self.faster(links, limits.trials)?;
        let plan = &self.plan;
        let floats = |port: &Port| port.shape.iter().product();
        let outputs = plan.outputs.iter().map(|port| (self.externals[port.external].clone(), floats(port)));
        let counters = (links.counters.clone(), links.counters.size() as usize / 4);
        let results = Readback::of(outputs.chain([counters]).collect());
        self.chained = Some(Chained { links, results });
        Ok(())
    }

    /// The links with the steps of those chains that take as long as these, which `trials` in turns tell.
    fn faster(&mut self, Links { links, counters }: Links, trials: u32) -> Result<Links, GpuError> {
        let mut kept = Vec::new();
        for link in links {
            match link {
                Link::Chain(range, chain) => {
                    let [steps, whole] = self.times(&range, (&chain, &counters), trials)?;
                    tracing::debug!(?range, ?steps, ?whole, "timed a chain");
                    if trials > 0 && whole >= steps {
                        kept.extend(range.map(Link::Step));
                    } else {
                        kept.push(Link::Chain(range, chain));
                    }
                }
                step => kept.push(step),
            }
        }
        Ok(Links { links: kept, counters })
    }

    /// The shortest times of some steps and of the chain that replaces them.
    fn times(
        &mut self,
        range: &Range<usize>,
        (chain, counters): (&Chain, &wgpu::Buffer),
        trials: u32,
    ) -> Result<[Duration; 2], GpuError> {
        let program = &self.program;
        let steps = program.pack.iter().chain(&program.steps).chain(&program.unpack);
        let steps: Vec<_> = steps.skip(range.start).take(range.len()).collect();
        let full = self.plan.live.table(0, &[]);
        let mut shortest = [Duration::MAX; 2];
        for _ in 0..trials {
            for (way, shortest) in shortest.iter_mut().enumerate() {
                let mut stream = Stream::new(&self.gpu, &mut self.pace);
                stream.clear(counters);
                let start = Instant::now();
                match way {
                    0 => stream.push(steps.iter().copied(), &full, 0)?,
                    _ => stream.push_chain(chain, steps.iter().map(|step| step.cost).sum())?,
                }
                stream.finish(|_| ())?;
                *shortest = start.elapsed().min(*shortest);
            }
        }
        Ok(shortest)
    }

    /// The dispatches of an unpruned run.
    pub fn dispatches(&self) -> usize {
        let full = self.plan.live.table(0, &[]);
        let plan = &self.plan;
        let steps: Vec<_> = plan.pack.iter().chain(&plan.steps).chain(&plan.unpack).collect();
        let works = |at: usize| !steps[at].grid.resolve(&full).contains(&0);
        match &self.chained {
            None => (0..steps.len()).filter(|&at| works(at)).count(),
            Some(chained) => {
                let links = chained.links.links.iter();
                links.filter(|link| if let Link::Step(at) = link { works(*at) } else { true }).count()
            }
        }
    }

    /// The outputs of a chained run; none where a chain was not done.
    pub(super) fn forward_chained(&mut self) -> Result<Option<Vec<Vec<f32>>>, GpuError> {
        let Some(Chained { links: Links { links, counters }, results }) = &self.chained else {
            return Ok(None);
        };
        let program = &self.program;
        let steps: Vec<_> = program.pack.iter().chain(&program.steps).chain(&program.unpack).collect();
        let (table, offset) = &self.last;
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        stream.clear(counters);
        for link in links {
            match link {
                Link::Step(at) => stream.push([steps[*at]], table, *offset)?,
                Link::Chain(range, chain) => {
                    let cost = steps[range.clone()].iter().map(|step| step.cost).sum();
                    stream.push_chain(chain, cost)?;
                }
            }
        }
        stream.finish(|_| ())?;
        let mut outputs = results.take(&self.gpu)?;
        let counters: Vec<u32> = outputs.pop().unwrap_or_default().into_iter().map(f32::to_bits).collect();
        let done = links.iter().all(|link| match link {
            Link::Step(_) => true,
            Link::Chain(_, chain) => chain.is_done(&counters),
        });
        Ok(done.then_some(outputs))
    }
}
