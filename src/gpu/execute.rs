//! Runs loose steps on buffers of the host: how single kernels are tested.

use super::bind::{LiveTables, Resource, bind, check, is_texels};
use super::transfer::{Readback, filled, texels};
use super::{Gpu, GpuError};
use crate::kernels::live::LiveTable;
use crate::plan::{Operand, Step};

/// What an external buffer of [`execute`] becomes.
enum Placed {
    Buffer(wgpu::Buffer),
    Texels(wgpu::TextureView),
}

/// Runs `steps` in order, all of whose operands are [`Operand::External`] indices into `buffers`, and writes the
/// buffers' new contents back. An operand that a kernel binds as texels is read-only and keeps its contents.
///
/// # Errors
/// [`GpuError`]; a step that breaks its kernel's contract is named.
pub fn execute(
    gpu: &Gpu,
    steps: &[Step],
    live: &LiveTable,
    buffers: &mut [Vec<f32>],
) -> Result<(), GpuError> {
    if gpu.is_lent() {
        return Err(GpuError::Unsupported("a lent device is never submitted to".to_owned()));
    }
    let steps: Vec<&Step> = steps.iter().collect();
    for step in &steps {
        check(step, live)?;
        let known = |operand: &Operand| matches!(operand, Operand::External(i) if *i < buffers.len());
        if !step.operands.iter().all(known) {
            let found = &step.operands;
            return Err(GpuError::Unsupported(format!(
                "node {}: operands must be external buffers below {}, found {found:?}",
                step.node,
                buffers.len()
            )));
        }
    }
    let placed = gpu.scoped("uploading buffers", || place(gpu, &steps, buffers))?;
    let tables = LiveTables::new(gpu, live, 1);
    let bound = bind(gpu, &steps, &tables, |operand| match operand {
        Operand::External(i) => match &placed[i] {
            Placed::Buffer(buffer) => Resource::Buffer(buffer),
            Placed::Texels(view) => Resource::View(view),
        },
        Operand::Slot(_) | Operand::Part { .. } | Operand::Constant(_) => {
            unreachable!("all operands were checked to be external")
        }
    })?;
    let back: Vec<(usize, &wgpu::Buffer)> = placed
        .iter()
        .enumerate()
        .filter_map(|(i, placed)| match placed {
            Placed::Buffer(buffer) => Some((i, buffer)),
            Placed::Texels(_) => None,
        })
        .collect();
    let readback = Readback::new(gpu, back.iter().map(|(i, _)| buffers[*i].len()).collect());
    gpu.scoped("running steps", || {
        let mut encoder = gpu.shared.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for step in &bound {
            step.dispatch(&mut pass, live, 0);
        }
        drop(pass);
        let sources: Vec<&wgpu::Buffer> = back.iter().map(|(_, buffer)| *buffer).collect();
        readback.encode(&mut encoder, &sources);
        gpu.submit(encoder);
    })?;
    for ((i, _), contents) in back.iter().zip(readback.take(gpu)?) {
        buffers[*i] = contents;
    }
    Ok(())
}

fn place(gpu: &Gpu, steps: &[&Step], buffers: &[Vec<f32>]) -> Vec<Placed> {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let place = |(i, floats): (usize, &Vec<f32>)| {
        if is_texels(steps, Operand::External(i)) {
            Placed::Texels(texels(gpu, "texels", floats, false))
        } else {
            Placed::Buffer(filled(gpu, "external", bytemuck::cast_slice(floats), usage))
        }
    };
    buffers.iter().enumerate().map(place).collect()
}
