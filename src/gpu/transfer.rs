//! Moving numbers between the host and the device.

use super::{Gpu, GpuError};
use crate::kernels::TEXEL_ROW;
use wgpu::util::DeviceExt;

/// Buffers are at least this long, since a binding may not be empty and a uniform is read in blocks of it.
pub const MIN_BYTES: u64 = 16;

/// An empty buffer for an activation or for data of the caller.
pub fn buffer(gpu: &Gpu, label: &str, bytes: u64) -> wgpu::Buffer {
    buffer_for(gpu, label, bytes, wgpu::BufferUsages::empty())
}

/// An empty buffer that may be used in one more way.
pub fn buffer_for(gpu: &Gpu, label: &str, bytes: u64, more: wgpu::BufferUsages) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    gpu.shared.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes.max(MIN_BYTES).next_multiple_of(4),
        usage: usage | more,
        mapped_at_creation: false,
    })
}

/// A buffer with contents.
pub fn filled(gpu: &Gpu, label: &str, contents: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let buffer = gpu.shared.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: (contents.len() as u64).max(MIN_BYTES).next_multiple_of(4),
        usage,
        mapped_at_creation: true,
    });
    // A buffer that could not be made has no range; the error is in the scope around this call.
    if let Ok(mut view) = buffer.get_mapped_range_mut(..) {
        view.slice(..contents.len()).copy_from_slice(contents);
    }
    buffer.unmap();
    buffer
}

/// The format of texels.
pub fn texel_format(half: bool) -> wgpu::TextureFormat {
    if half { wgpu::TextureFormat::Rgba16Float } else { wgpu::TextureFormat::Rgba32Float }
}

/// `floats` rounded to 16 bits.
pub fn halves(floats: &[f32]) -> Vec<half::f16> {
    floats.iter().map(|&float| half::f16::from_f32(float)).collect()
}

/// A texture for so many rows of texels.
pub fn texels_of(rows: u32, half: bool, label: &str) -> wgpu::TextureDescriptor<'_> {
    wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width: TEXEL_ROW, height: rows, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: texel_format(half),
        usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    }
}

/// A constant in the form of [`crate::kernels::Access::Texels`], in 16 bits where it is to be `half`.
pub fn texels(gpu: &Gpu, label: &str, floats: &[f32], half: bool) -> wgpu::TextureView {
    let row = TEXEL_ROW as usize * 4;
    let rows = floats.len().div_ceil(row).max(1);
    let mut padded = floats.to_vec();
    padded.resize(rows * row, 0.0);
    let descriptor = texels_of(rows as u32, half, label);
    let order = wgpu::util::TextureDataOrder::default();
    let device = &gpu.shared.device;
    let make = |bytes: &[u8]| device.create_texture_with_data(&gpu.shared.queue, &descriptor, order, bytes);
    let texture =
        if half { make(bytemuck::cast_slice(&halves(&padded))) } else { make(bytemuck::cast_slice(&padded)) };
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// What brings several buffers back at once: a staging buffer, or where the host shares the device's memory themselves.
#[derive(Debug)]
pub struct Readback {
    /// What is mapped.
    buffers: Vec<wgpu::Buffer>,
    /// For each that comes back which of `buffers` it is in, where it begins there in bytes, and how many floats it has.
    parts: Vec<(usize, u64, usize)>,
    staged: bool,
}

impl Readback {
    /// By a staging buffer, for buffers of these lengths.
    pub fn new(gpu: &Gpu, floats: Vec<usize>) -> Self {
        let mut bytes = 0_u64;
        let mut parts = Vec::with_capacity(floats.len());
        for floats in floats {
            let start = bytes.next_multiple_of(wgpu::MAP_ALIGNMENT);
            parts.push((0, start, floats));
            bytes = start + 4 * floats as u64;
        }
        let staging = gpu.shared.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: bytes.max(MIN_BYTES),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { buffers: vec![staging], parts, staged: true }
    }

    /// Of buffers that can be mapped, the first so many floats of each.
    pub fn of(buffers: Vec<(wgpu::Buffer, usize)>) -> Self {
        let parts = buffers.iter().enumerate().map(|(at, &(_, floats))| (at, 0, floats)).collect();
        Self { buffers: buffers.into_iter().map(|(buffer, _)| buffer).collect(), parts, staged: false }
    }

    /// Adds the copies of `sources`, from their beginnings, where there are any.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, sources: &[&wgpu::Buffer]) {
        for (source, &(buffer, start, floats)) in sources.iter().zip(&self.parts).filter(|_| self.staged) {
            encoder.copy_buffer_to_buffer(source, 0, &self.buffers[buffer], start, floats as u64 * 4);
        }
    }

    /// Waits for the buffers and takes them.
    pub fn take(&self, gpu: &Gpu) -> Result<Vec<Vec<f32>>, GpuError> {
        self.map(None).take(gpu)
    }

    /// Asks for the buffers once `after`, or all that is submitted, is done.
    pub fn map(&self, after: Option<wgpu::SubmissionIndex>) -> Mapping {
        let (send, mapped) = std::sync::mpsc::channel();
        for buffer in &self.buffers {
            let send = send.clone();
            buffer.map_async(wgpu::MapMode::Read, .., move |result| {
                // Nobody listens where the mapping was dropped; a lost device is reported where it is waited for.
                let _ = send.send(result);
            });
        }
        Mapping { buffers: self.buffers.clone(), parts: self.parts.clone(), after, mapped }
    }
}

/// Buffers that are on their way to the host.
#[derive(Debug)]
pub struct Mapping {
    buffers: Vec<wgpu::Buffer>,
    parts: Vec<(usize, u64, usize)>,
    after: Option<wgpu::SubmissionIndex>,
    mapped: std::sync::mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Mapping {
    /// Waits for the buffers and takes them.
    pub fn take(self, gpu: &Gpu) -> Result<Vec<Vec<f32>>, GpuError> {
        const DURING: &str = "reading results back";
        // Another thread that waits for the same device may be the one that runs the callback, after this one's wait.
        const CALLBACK: std::time::Duration = std::time::Duration::from_secs(10);
        match self.after {
            Some(index) => gpu.wait_for(index, DURING)?,
            None => gpu.wait(DURING)?,
        }
        for _ in &self.buffers {
            let mapped = self.mapped.recv_timeout(CALLBACK).map_err(|e| e.to_string());
            let mapped = mapped.and_then(|result| result.map_err(|e| e.to_string()));
            mapped.map_err(GpuError::Lost)?;
        }
        let mut parts = Vec::with_capacity(self.parts.len());
        for &(buffer, start, floats) in &self.parts {
            let range = start..start + 4 * floats as u64;
            let view = self.buffers[buffer].get_mapped_range(range);
            let view = view.map_err(|e| GpuError::Lost(e.to_string()))?;
            parts.push(bytemuck::pod_collect_to_vec(&view[..]));
        }
        self.buffers.iter().for_each(wgpu::Buffer::unmap);
        Ok(parts)
    }
}
