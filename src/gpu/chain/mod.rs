//! Runs of small steps as one dispatch each, on devices that are the CPU: see [`crate::kernels::chain`].

mod member;
mod tensors;

use super::bind::{Resource, part};
use super::pipeline::{Pipeline, compute};
use super::transfer::{buffer_for, filled};
use super::{Gpu, GpuError};
use crate::kernels::chain::{COUNTER, Phase, counters, wgsl};
use crate::kernels::live::LiveTable;
use crate::plan::{DeviceClass, Operand, Step};
use member::{Member, cut, waits};
use std::ops::Range;
use std::thread::available_parallelism;
use tensors::Tensors;

/// Steps in one dispatch.
#[derive(Debug)]
pub struct Chain {
    pipeline: Pipeline,
    group: wgpu::BindGroup,
    workgroups: u32,
    /// Where its counters are, in words.
    counters: Range<usize>,
}

/// What a run is made of.
#[derive(Debug)]
pub enum Link {
    /// A step, by its number.
    Step(usize),
    /// A chain, and the steps that it replaces.
    Chain(Range<usize>, Chain),
}

/// A run cut into links, and the counters of its chains.
#[derive(Debug)]
pub struct Links {
    /// In order.
    pub links: Vec<Link>,
    /// All of them are 0 before a run.
    pub counters: wgpu::Buffer,
}

/// What one workgroup of a chain may be given. Mesa's CPU driver ends every loop of a thread that has run 65,535 rounds of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLimits {
    /// Rounds of loops that all of a chain's work may need.
    pub rounds: u64,
    /// Rounds that a workgroup waits, in all: then it leaves the rest to the others.
    pub patience: u32,
    /// How often a chain and its steps are timed in turns, before it is kept only where it was faster. With 0 all are kept.
    pub trials: u32,
}

impl Default for ChainLimits {
    /// A millisecond or two of waiting, and a few of trials.
    fn default() -> Self {
        Self { rounds: 48_000, patience: 16_000, trials: 12 }
    }
}

/// Of the pieces of a phase, one in so many is shared in small tickets, after equal ones for each thread.
const SHARED: u32 = 2;

/// Small tickets of a phase for each thread of the device.
const TICKETS: u32 = 3;

impl Gpu {
    /// Whether [`crate::gpu::Session::chain`] does anything here: on Mesa's CPU driver alone.
    pub fn chains(&self) -> bool {
        self.chain_workgroup().is_some()
    }

    /// The threads of a workgroup of chains: one subgroup. None where chains do not pay or are not sure to be right: WGSL's
    /// atomics order nothing but themselves. Mesa's CPU driver makes each a sequentially consistent exchange, which orders what
    /// is around it. On SwiftShader chains take as long as dispatches.
    pub(super) fn chain_workgroup(&self) -> Option<u32> {
        match self.class() {
            DeviceClass::Broadcast { subgroup } if self.shares_memory() => {
                self.info().name.starts_with("llvmpipe").then_some(subgroup)
            }
            _ => None,
        }
    }
}

/// What chains are made for.
pub struct Run<'a, F> {
    /// Where.
    pub gpu: &'a Gpu,
    /// The threads of a workgroup.
    pub workgroup: u32,
    /// What one may be given.
    pub limits: ChainLimits,
    /// The live tables, of which the first is bound.
    pub tables: &'a wgpu::Buffer,
    /// The first of them.
    pub full: &'a LiveTable,
    /// Finds what is bound as an operand.
    pub lookup: F,
}

impl<'a, F: Fn(Operand) -> Resource<'a>> Run<'a, F> {
    /// Cuts the unpruned run of `steps` into links.
    pub fn links(&self, steps: &[&Step]) -> Result<Links, GpuError> {
        let members: Vec<Option<Member>> =
            steps.iter().map(|step| Member::of(self, step)).collect::<Result<_, _>>()?;
        let ranges = cut(&members, self.gpu.limits(), self.limits.rounds);
        let busy = |range: &Range<usize>| -> Vec<&Member> {
            members[range.clone()].iter().flatten().filter(|member| member.pieces() > 0).collect()
        };
        let words: usize = ranges.iter().map(|range| counters(busy(range).len())).sum();
        let all = self.gpu.scoped("allocating counters", || {
            buffer_for(self.gpu, "counters", 4 * words as u64, wgpu::BufferUsages::MAP_READ)
        })?;
        let mut links = Vec::new();
        let mut start = 0;
        for range in ranges {
            let run = busy(&range);
            if run.len() < 2 {
                links.extend(range.map(Link::Step));
                continue;
            }
            let place = start..start + counters(run.len());
            start = place.end;
            links.push(Link::Chain(range, self.chain(&run, (&all, place))?));
        }
        Ok(Links { links, counters: all })
    }

    fn chain(
        &self,
        members: &[&Member],
        (all, place): (&wgpu::Buffer, Range<usize>),
    ) -> Result<Chain, GpuError> {
        let gpu = self.gpu;
        let tensors = Tensors::of(members);
        let phases = members.iter().zip(&tensors.of).zip(waits(members));
        let phases: Vec<Phase> = phases
            .map(|((member, tensors), after)| Phase {
                entry: &member.entry,
                workgroup: member.step.spec.workgroup(),
                tensors: tensors.clone(),
                after,
            })
            .collect();
        let source = wgsl(&phases, &tensors.declared(), self.workgroup).map_err(GpuError::Unsupported)?;
        let threads = available_parallelism().map_or(1, |count| count.get() as u32);
        let words = self.uniform(members, threads);
        let [first, last] = [members[0], members[members.len() - 1]].map(|member| &member.step.node);
        gpu.scoped(&format!("the steps from {first} to {last}"), || {
            let pipeline = compute(gpu, "chain", source, &tensors.layout());
            let uniform =
                filled(gpu, "parameters", bytemuck::cast_slice(&words), wgpu::BufferUsages::UNIFORM);
            let [offset, size] = [place.start, place.len()].map(|words| 4 * words as u64);
            let fixed =
                [self.tables.as_entire_binding(), uniform.as_entire_binding(), part(all, offset, size)];
            let bound = tensors.operands().map(|operand| match (self.lookup)(operand) {
                Resource::Buffer(buffer) => buffer.as_entire_binding(),
                Resource::Part(buffer, offset, bytes) => part(buffer, offset, bytes),
                Resource::View(view) => wgpu::BindingResource::TextureView(view),
            });
            let entries: Vec<_> = fixed
                .into_iter()
                .chain(bound)
                .enumerate()
                .map(|(binding, resource)| wgpu::BindGroupEntry { binding: binding as u32, resource })
                .collect();
            let group = gpu.shared.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("chain"),
                layout: &pipeline.layout,
                entries: &entries,
            });
            Chain { pipeline, group, workgroups: threads, counters: place }
        })
    }

    /// The words of a chain's uniform: its head, then of every phase what is to be done and its parameters.
    fn uniform(&self, members: &[&Member], threads: u32) -> Vec<u32> {
        let mut words = vec![self.limits.patience, 2, threads, 0];
        for member in members {
            let pieces = member.pieces() * (member.step.spec.workgroup() / self.workgroup);
            let first = ((pieces - pieces / SHARED) / threads).max(1);
            let rest = pieces.saturating_sub(first * threads);
            let ticket = rest.div_ceil(threads * TICKETS).max(1);
            let tickets = threads.min(pieces) + rest.div_ceil(ticket);
            let [x, y, z] = member.grid;
            words.extend([x, y, z, pieces, first, ticket, tickets, 0]);
            words.extend(&member.step.params);
            words.resize(words.len().next_multiple_of(4), 0);
        }
        words
    }
}

impl Chain {
    /// Encodes it. Its counters have to be 0 before.
    pub fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(self.workgroups, 1, 1);
    }

    /// Whether its counters say after a run that all was done: a workgroup came to the end, and no loop was cut.
    pub fn is_done(&self, counters: &[u32]) -> bool {
        let own = &counters[self.counters.clone()];
        own[0] == 0 && own[COUNTER] > 0
    }
}
