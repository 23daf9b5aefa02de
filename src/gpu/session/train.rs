//! Runs that change the constants of their plan: training.

use super::stream::Stream;
use super::{Constant, Session};
use crate::gpu::GpuError;
use crate::gpu::transfer::{Mapping, Readback};
use crate::kernels::TEXEL_ROW;

/// The copy of a constant that changes from where updates leave its numbers.
#[derive(Debug)]
pub struct Copy {
    source: wgpu::Buffer,
    offset: u64,
    floats: usize,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Buffer(wgpu::Buffer),
    Texture(wgpu::Texture),
}

/// Bytes of one row of texels.
pub(super) const ROW_BYTES: u32 = TEXEL_ROW * 16;

impl Copy {
    /// Of so many floats, from so many bytes on.
    pub(super) fn new(source: &wgpu::Buffer, (offset, floats): (u64, usize), constant: &Constant) -> Self {
        let target = match constant {
            Constant::Buffer(buffer) => Target::Buffer(buffer.clone()),
            Constant::Texels(view) => Target::Texture(view.texture().clone()),
        };
        Self { source: source.clone(), offset, floats, target }
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        match &self.target {
            Target::Buffer(buffer) => {
                let bytes = 4 * self.floats as u64;
                encoder.copy_buffer_to_buffer(&self.source, self.offset, buffer, 0, bytes);
            }
            Target::Texture(texture) => {
                let texels = (self.floats / 4) as u32;
                let (rows, rest) = (texels / TEXEL_ROW, texels % TEXEL_ROW);
                for (row, width, height) in [(0, TEXEL_ROW, rows), (rows, rest, 1)] {
                    if width > 0 && height > 0 {
                        self.encode_rows(encoder, texture, [row, width, height]);
                    }
                }
            }
        }
    }

    fn encode_rows(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        texture: &wgpu::Texture,
        [row, width, height]: [u32; 3],
    ) {
        let layout = wgpu::TexelCopyBufferLayout {
            offset: self.offset + u64::from(row * ROW_BYTES),
            bytes_per_row: Some(ROW_BYTES),
            rows_per_image: None,
        };
        let origin = wgpu::Origin3d { x: 0, y: row, z: 0 };
        encoder.copy_buffer_to_texture(
            wgpu::TexelCopyBufferInfo { buffer: &self.source, layout },
            wgpu::TexelCopyTextureInfo { origin, ..texture.as_image_copy() },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
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
        let losses = if judged { &program.losses[..] } else { &[] };
        for part in [&program.pack, &program.steps, losses, &program.unpack, &program.updates] {
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

    /// Runs the plan's updates from number `first` on alone, and what follows them: packs constants again from external
    /// buffers that were written.
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
