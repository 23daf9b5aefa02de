//! Runs that change the constants of their plan: training.

use super::stream::Stream;
use super::{Constant, Session};
use crate::gpu::transfer::{Mapping, Readback, buffer};
use crate::gpu::{Gpu, GpuError};
use crate::kernels::TEXEL_ROW;

/// A texture of a constant that changes, and the buffer that holds its texels.
#[derive(Debug)]
pub struct Copy {
    source: wgpu::Buffer,
    texture: wgpu::Texture,
}

/// Bytes of one row of texels.
pub(super) const ROW_BYTES: u32 = TEXEL_ROW * 16;

/// A buffer for the texels of `texture`.
pub(super) fn staging(gpu: &Gpu, texture: &wgpu::Texture) -> wgpu::Buffer {
    buffer(gpu, "texels", u64::from(ROW_BYTES) * u64::from(texture.height()))
}

impl Copy {
    /// The copy that a constant needs when it has changed.
    pub(super) fn of(constant: Constant) -> Option<Self> {
        match constant {
            Constant::Texels(view, Some(source)) => Some(Self { source, texture: view.texture().clone() }),
            Constant::Texels(_, None) | Constant::Buffer(_) => None,
        }
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(ROW_BYTES),
            rows_per_image: Some(self.texture.height()),
        };
        encoder.copy_buffer_to_texture(
            wgpu::TexelCopyBufferInfo { buffer: &self.source, layout },
            self.texture.as_image_copy(),
            self.texture.size(),
        );
    }
}

/// A run that was begun, see [`Session::results`].
#[derive(Debug)]
pub struct Running(Mapping);

impl Session {
    /// Begins a run on row-major inputs in graph order, with the plan's losses where it is `judged`, the unpacking of its
    /// outputs and its updates, which gives external buffers back, of each its first so many floats. The next run, which
    /// may begin before this one ends, has the constants that the updates left.
    ///
    /// # Errors
    /// [`GpuError`]; inputs of the wrong number or length are named.
    pub fn train(
        &mut self,
        inputs: &[&[f32]],
        judged: bool,
        read: &[(usize, usize)],
    ) -> Result<Running, GpuError> {
        self.own()?;
        self.write_inputs(inputs)?;
        let full = self.plan.live.table(0, &[]);
        let readback = Readback::new(&self.gpu, read.iter().map(|&(_, floats)| floats).collect());
        let sources: Vec<_> = read.iter().map(|&(external, _)| &self.externals[external]).collect();
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        let program = &self.program;
        let [store, losses] = if judged { [&program.store[..], &program.losses] } else { [&[][..]; 2] };
        for part in [&program.pack, &program.steps, store, losses, &program.unpack, &program.updates] {
            stream.push(part, &full, 0)?;
        }
        let last = stream.leave(|encoder| {
            self.copies.iter().for_each(|copy| copy.encode(encoder));
            readback.encode(encoder, &sources);
        })?;
        Ok(Running(readback.map(last)))
    }

    /// What a run gave, once it is done.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn results(&self, running: Running) -> Result<Vec<Vec<f32>>, GpuError> {
        running.0.take(&self.gpu)
    }

    /// Runs the plan's updates from number `first` on alone: what packs constants again from external buffers that were
    /// written.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn refresh(&mut self, first: usize) -> Result<(), GpuError> {
        self.own()?;
        let full = self.plan.live.table(0, &[]);
        let mut stream = Stream::new(&self.gpu, &mut self.pace);
        stream.push(&self.program.updates[first..], &full, 0)?;
        stream.finish(|encoder| self.copies.iter().for_each(|copy| copy.encode(encoder)))
    }
}
