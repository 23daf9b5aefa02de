//! How much of a device's memory a session takes, known before it is made.

use super::Session;
use super::train::ROW_BYTES;
use crate::gpu::Gpu;
use crate::gpu::bind::{is_half, is_texels};
use crate::gpu::transfer::{MIN_BYTES, texels_of};
use crate::plan::{Operand, Plan, Step};
use std::sync::PoisonError;

impl Session {
    /// Bytes that a session of `plan` for `candidates` candidates takes, buffers and textures, and of buffers that come and
    /// go what carries a run's inputs there and its outputs back, unless they are mapped. Compiled kernels and what a driver
    /// keeps for itself are not known.
    pub fn bytes_for(gpu: &Gpu, plan: &Plan, candidates: usize) -> u64 {
        let steps: Vec<&Step> = plan.all_steps().collect();
        let made = |bytes: &u64| (*bytes).max(MIN_BYTES).next_multiple_of(4);
        let buffers: u64 = plan.slots.iter().chain(&plan.externals).map(made).sum();
        let limits = gpu.limits();
        let stride = u64::from(limits.min_uniform_buffer_offset_alignment);
        let parameters = steps.iter().map(|step| (4 * step.params.len() as u64 + 1).next_multiple_of(stride));
        let table = 4 * plan.live.table(0, &[]).0.len() as u64;
        let table = table.next_multiple_of(u64::from(limits.min_storage_buffer_offset_alignment));
        let moved = |port: &crate::plan::Port| 4 * port.shape.iter().product::<usize>() as u64;
        // While a training step runs, the inputs of the next are on their way.
        let ahead = match (plan.updates.is_empty(), gpu.shares_memory()) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        };
        let inputs: u64 = ahead * plan.inputs.iter().map(moved).sum::<u64>();
        let outputs: u64 = plan.outputs.iter().map(moved).sum();
        let ends: u64 = inputs + if gpu.shares_memory() { 0 } else { outputs };
        let constant = |constant| constant_bytes(plan, &steps, (constant, gpu));
        let constants: u64 = (0..plan.constants.len()).map(constant).sum();
        buffers + constants + parameters.sum::<u64>() + table * (candidates as u64 + 1) + ends.max(MIN_BYTES)
    }

    /// What [`Session::bytes_for`] says of this session.
    pub fn device_bytes(&self) -> u64 {
        Self::bytes_for(&self.gpu, &self.plan, self.candidates)
    }
}

/// What `gpu` takes for a texture of so many rows, in 16 bits where it is `half`: drivers align them as they like, and say so
/// only by making one. It is asked once, since the same size may be aligned by more or less wherever it comes to lie.
fn texture_bytes(gpu: &Gpu, rows: u32, half: bool) -> u64 {
    let mut known = gpu.shared.texture_bytes.lock().unwrap_or_else(PoisonError::into_inner);
    let least = u64::from(ROW_BYTES) * u64::from(rows) / if half { 2 } else { 1 };
    *known.entry((rows, half)).or_insert_with(|| {
        // Others may allocate meanwhile, so they are told by their names; the first may follow what is aligned less.
        let labels = [0, 1].map(|at| format!("asked for its size: {rows} rows, {half}, {at}"));
        let textures =
            labels.each_ref().map(|label| gpu.shared.device.create_texture(&texels_of(rows, half, label)));
        let taken = labels.iter().filter_map(|label| gpu.allocated_to(label)).min();
        textures.iter().for_each(wgpu::Texture::destroy);
        taken.unwrap_or(0).max(least)
    })
}

/// A constant that is read as texels is in whole rows of them.
fn constant_bytes(plan: &Plan, steps: &[&Step], (constant, gpu): (usize, &Gpu)) -> u64 {
    let operand = Operand::Constant(constant);
    let bytes = plan.constant_bytes(constant);
    if !is_texels(steps, operand) {
        return bytes.max(MIN_BYTES);
    }
    let rows = (4 * plan.constants[constant].len() as u64).div_ceil(u64::from(ROW_BYTES)).max(1);
    texture_bytes(gpu, rows as u32, is_half(steps, operand))
}
