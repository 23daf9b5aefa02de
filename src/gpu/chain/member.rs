//! Which steps can be part of a chain, and where chains begin and end.

use super::Run;
use super::tensors::{Tensors, overlap};
use crate::gpu::GpuError;
use crate::kernels::chain::{Entry, entry};
use crate::kernels::rounds::rounds;
use crate::kernels::{wgsl, wgsl_in_words};
use crate::plan::Step;
use std::ops::Range;

/// Multiply-accumulates of a step beside which beginning it does not show.
const MACS: u64 = 6_000_000;

/// Steps of a chain: compilers take more than twice as long for twice as many.
const PHASES: usize = 12;

/// A step that may be part of a chain.
pub struct Member<'a> {
    pub step: &'a Step,
    pub entry: Entry,
    /// Workgroups along x, y and z.
    pub grid: [u32; 3],
    /// Of all of its work.
    rounds: u64,
}

impl<'a> Member<'a> {
    /// None where the step cannot.
    pub fn of<F>(run: &Run<F>, step: &'a Step) -> Result<Option<Self>, GpuError> {
        let own = step.spec.workgroup();
        let Some(rounds) = rounds(step.kernel, &step.spec, &step.params, run.full) else { return Ok(None) };
        if !own.is_multiple_of(run.workgroup) || step.spec.halves() != 0 || step.macs > MACS {
            return Ok(None);
        }
        let grid = step.grid.resolve(run.full);
        let parts = u64::from(own / run.workgroup);
        // A round for each piece, and one for each ticket.
        let rounds = grid.iter().map(|&count| u64::from(count)).product::<u64>() * parts * (rounds + 2);
        let words = run.gpu.reads_words();
        let source =
            if words { wgsl_in_words(step.kernel, &step.spec)? } else { wgsl(step.kernel, &step.spec)? };
        let entry = entry(&source, step.kernel.bindings.len()).map_err(GpuError::Unsupported)?;
        let fits = entry.fits(own, run.workgroup);
        Ok(fits.then_some(Self { step, entry, grid, rounds }))
    }

    /// Workgroups in all.
    pub fn pieces(&self) -> u32 {
        self.grid.iter().product()
    }
}

/// Ranges of steps that can be chains, and of one step that cannot.
pub fn cut(members: &[Option<Member>], limits: &wgpu::Limits, rounds: u64) -> Vec<Range<usize>> {
    // Beside tensors, chains bind the live table, the uniform and the counters.
    let buffers = (limits.max_storage_buffers_per_shader_stage - 2)
        .min(limits.max_buffers_and_acceleration_structures_per_shader_stage - 3);
    let fits = |range: Range<usize>| {
        let all = members[range.clone()].iter().all(Option::is_some);
        let run: Vec<&Member> =
            members[range].iter().flatten().filter(|member| member.pieces() > 0).collect();
        let [used, textures] = Tensors::of(&run).counts();
        all && run.len() <= PHASES
            && run.iter().map(|member| member.rounds).sum::<u64>() <= rounds
            && used <= buffers as usize
            && textures <= limits.max_storage_textures_per_shader_stage as usize
    };
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < members.len() {
        let mut end = start + 1;
        while end < members.len() && fits(start..end + 1) {
            end += 1;
        }
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// For each member the earlier ones that it has to wait for and that none before it has waited for: those that write what it
/// reads or writes, or read what it writes.
pub fn waits(members: &[&Member]) -> Vec<Vec<usize>> {
    let concerns = |member: &Member, other: &Member| {
        member
            .bound()
            .any(|(a, writes)| other.bound().any(|(b, also_writes)| (writes || also_writes) && overlap(a, b)))
    };
    let mut waited = vec![false; members.len()];
    let mut all = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let before: Vec<usize> =
            (0..at).filter(|&before| !waited[before] && concerns(member, members[before])).collect();
        before.iter().for_each(|&before| waited[before] = true);
        all.push(before);
    }
    all
}
