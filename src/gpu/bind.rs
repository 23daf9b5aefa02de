//! Steps made ready to dispatch: pipeline, bind group, grid.

use super::pipeline::{Pipeline, pipelines};
use super::transfer::filled;
use super::{Gpu, GpuError};
use crate::kernels::Access;
use crate::kernels::live::LiveTable;
use crate::plan::{Grid, MAX_GROUPS, Operand, Step};
use std::sync::Arc;

/// A step with everything it binds.
#[derive(Debug)]
pub struct Bound {
    pipeline: Arc<Pipeline>,
    group: wgpu::BindGroup,
    grid: Grid,
}

/// What an operand is on the device.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// A whole buffer.
    Buffer(&'a wgpu::Buffer),
    /// A part of a buffer: where it begins, and its bytes.
    Part(&'a wgpu::Buffer, u64, u64),
    /// A texture.
    View(&'a wgpu::TextureView),
}

/// The buffer of live tables: one table for each candidate, each at a multiple of [`LiveTables::stride`].
#[derive(Debug)]
pub struct LiveTables {
    /// The tables.
    pub buffer: wgpu::Buffer,
    /// Bytes of one.
    bytes: u64,
    /// Bytes from one to the next.
    pub stride: u64,
}

impl LiveTables {
    /// Room for `count` tables, the first of which is `first`.
    pub fn new(gpu: &Gpu, first: &LiveTable, count: usize) -> Self {
        let bytes = first.0.len() as u64 * 4;
        let stride = bytes.next_multiple_of(u64::from(gpu.limits().min_storage_buffer_offset_alignment));
        let mut contents: Vec<u8> = bytemuck::cast_slice(&first.0).to_vec();
        contents.resize(stride as usize * count, 0);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        Self { buffer: filled(gpu, "live tables", &contents, usage), bytes, stride }
    }

    /// The bytes of `tables` as the buffer holds them.
    pub fn contents(&self, tables: &[LiveTable]) -> Vec<u8> {
        let mut contents = vec![0; self.stride as usize * tables.len()];
        for (slot, table) in contents.chunks_mut(self.stride as usize).zip(tables) {
            slot[..table.0.len() * 4].copy_from_slice(bytemuck::cast_slice(&table.0));
        }
        contents
    }
}

/// Compiles and binds `steps`; `lookup` finds what is bound as an operand.
pub fn bind<'a>(
    gpu: &Gpu,
    steps: &[&Step],
    live: &LiveTables,
    lookup: impl Fn(Operand) -> Resource<'a>,
) -> Result<Vec<Bound>, GpuError> {
    let pipelines = pipelines(gpu, steps)?;
    let stride = u64::from(gpu.limits().min_uniform_buffer_offset_alignment);
    let mut offsets = Vec::with_capacity(steps.len());
    let mut words: Vec<u8> = Vec::new();
    for step in steps {
        offsets.push(words.len() as u64);
        words.extend_from_slice(bytemuck::cast_slice(&step.params));
        words.resize((words.len() as u64 + 1).next_multiple_of(stride) as usize, 0);
    }
    gpu.scoped("binding a plan", || {
        let params = filled(gpu, "parameters", &words, wgpu::BufferUsages::UNIFORM);
        let mut bound = Vec::with_capacity(steps.len());
        for (i, (step, pipeline)) in steps.iter().zip(pipelines).enumerate() {
            let size = (step.params.len() as u64 * 4).next_multiple_of(16).max(16);
            let fixed = [part(&live.buffer, 0, live.bytes), part(&params, offsets[i], size)];
            let tensors = step.operands.iter().map(|&operand| match lookup(operand) {
                Resource::Buffer(buffer) => buffer.as_entire_binding(),
                Resource::Part(buffer, offset, bytes) => part(buffer, offset, bytes),
                Resource::View(view) => wgpu::BindingResource::TextureView(view),
            });
            let entries: Vec<_> = fixed
                .into_iter()
                .chain(tensors)
                .enumerate()
                .map(|(binding, resource)| wgpu::BindGroupEntry { binding: binding as u32, resource })
                .collect();
            let group = gpu.shared.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&step.node),
                layout: &pipeline.layout,
                entries: &entries,
            });
            bound.push(Bound { pipeline, group, grid: step.grid });
        }
        bound
    })
}

/// A part of a buffer as it is bound.
pub fn part(buffer: &wgpu::Buffer, offset: u64, size: u64) -> wgpu::BindingResource<'_> {
    wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: wgpu::BufferSize::new(size) })
}

impl Bound {
    /// Encodes the step for the candidate whose table is `table`, stored at byte `offset` of the tables.
    pub fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, table: &LiveTable, offset: u64) {
        let [x, y, z] = self.grid.resolve(table);
        if x == 0 || y == 0 || z == 0 {
            return;
        }
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.group, &[offset as u32]);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// Checks what wgpu cannot say well: operand counts, parameter counts and grids against the kernel's contract.
pub fn check(step: &Step, table: &LiveTable) -> Result<(), GpuError> {
    let kernel = step.kernel;
    let fault = |what: String| {
        Err(GpuError::Unsupported(format!("node {} ({}): kernel {} {what}", step.node, step.op, kernel.name)))
    };
    if step.operands.len() != kernel.bindings.len() {
        return fault(format!("binds {} tensors, found {}", kernel.bindings.len(), step.operands.len()));
    }
    if step.params.len() != kernel.params.len() {
        return fault(format!("takes {} parameters, found {}", kernel.params.len(), step.params.len()));
    }
    let grid = step.grid.resolve(table);
    if grid.iter().any(|&groups| groups > MAX_GROUPS) {
        return fault(format!("would need {grid:?} workgroups, at most {MAX_GROUPS} fit along each axis"));
    }
    Ok(())
}

/// Whether `operand` is stored in 16 bits for any of `steps`.
pub fn is_half(steps: &[&Step], operand: Operand) -> bool {
    steps.iter().any(|step| step.is_half(operand))
}

/// Whether `operand` is bound as texels by any of `steps`.
pub fn is_texels(steps: &[&Step], operand: Operand) -> bool {
    steps.iter().any(|step| {
        let pairs = step.operands.iter().zip(step.kernel.bindings);
        pairs.into_iter().any(|(&bound, &access)| bound == operand && access == Access::Texels)
    })
}
