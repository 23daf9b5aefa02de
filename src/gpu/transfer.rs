//! Moving numbers between the host and the device.

use super::{Gpu, GpuError};
use crate::kernels::TEXEL_ROW;
use wgpu::util::DeviceExt;

/// Buffers are at least this long, since a binding may not be empty and a uniform is read in blocks of it.
pub const MIN_BYTES: u64 = 16;

/// An empty buffer for an activation or for data of the caller.
pub fn buffer(gpu: &Gpu, label: &str, bytes: u64) -> wgpu::Buffer {
    gpu.shared.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes.max(MIN_BYTES).next_multiple_of(4),
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
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

/// A staging buffer that brings several buffers back at once.
#[derive(Debug)]
pub struct Readback {
    staging: wgpu::Buffer,
    floats: Vec<usize>,
}

impl Readback {
    /// For buffers of these lengths.
    pub fn new(gpu: &Gpu, floats: Vec<usize>) -> Self {
        let staging = gpu.shared.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: (floats.iter().sum::<usize>() as u64 * 4).max(MIN_BYTES),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { staging, floats }
    }

    /// Adds the copies of `sources`, from their beginnings.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, sources: &[&wgpu::Buffer]) {
        let mut at = 0;
        for (source, floats) in sources.iter().zip(&self.floats) {
            let bytes = *floats as u64 * 4;
            encoder.copy_buffer_to_buffer(source, 0, &self.staging, at, bytes);
            at += bytes;
        }
    }

    /// Waits for the copies and takes them.
    pub fn take(&self, gpu: &Gpu) -> Result<Vec<Vec<f32>>, GpuError> {
        self.map(None).take(gpu)
    }

    /// Asks for the copies once `after`, or all that is submitted, is done.
    pub fn map(&self, after: Option<wgpu::SubmissionIndex>) -> Mapping {
        let (send, mapped) = std::sync::mpsc::channel();
        self.staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // Nobody listens where the mapping was dropped; a lost device is reported where it is waited for.
            let _ = send.send(result);
        });
        Mapping { staging: self.staging.clone(), floats: self.floats.clone(), after, mapped }
    }
}

/// Copies that are on their way to the host.
#[derive(Debug)]
pub struct Mapping {
    staging: wgpu::Buffer,
    floats: Vec<usize>,
    after: Option<wgpu::SubmissionIndex>,
    mapped: std::sync::mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Mapping {
    /// Waits for the copies and takes them.
    pub fn take(self, gpu: &Gpu) -> Result<Vec<Vec<f32>>, GpuError> {
        const DURING: &str = "reading results back";
        // Another thread that waits for the same device may be the one that runs the callback, after this one's wait.
        const CALLBACK: std::time::Duration = std::time::Duration::from_secs(10);
        match self.after {
            Some(index) => gpu.wait_for(index, DURING)?,
            None => gpu.wait(DURING)?,
        }
        let mapped = self.mapped.recv_timeout(CALLBACK).map_err(|e| e.to_string());
        let mapped = mapped.and_then(|result| result.map_err(|e| e.to_string()));
        mapped.map_err(GpuError::Lost)?;
        let view = self.staging.get_mapped_range(..).map_err(|e| GpuError::Lost(e.to_string()))?;
        let mut parts = Vec::with_capacity(self.floats.len());
        let mut rest: &[u8] = &view;
        for &floats in &self.floats {
            let (part, after) = rest.split_at(floats * 4);
            parts.push(bytemuck::pod_collect_to_vec(part));
            rest = after;
        }
        drop(view);
        self.staging.unmap();
        Ok(parts)
    }
}
