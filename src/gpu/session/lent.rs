//! Encoding into the host application's own command encoder: nothing here submits, polls or sets callbacks.

use super::{Session, Timed, cost};
use crate::gpu::GpuError;
use crate::gpu::bind::{Resource, bind};
use crate::kernels::Spec;
use crate::kernels::pack_picture::{PACK_PICTURE, PackPictureParams};
use crate::plan::{Grid, Operand, Step};
use crate::tensor::Dtype;

/// How a texture becomes a network input: `(texel scale - mean) / std`, channel by channel. Texels of `unorm` formats
/// are 0 to 1; `srgb` formats are read as linear light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalise {
    /// Factor of every texel.
    pub scale: f32,
    /// Subtracted, in the order of the network's channels.
    pub mean: [f32; 4],
    /// Divides, in the order of the network's channels.
    pub std: [f32; 4],
    /// Whether the network's channels are blue, green, red.
    pub bgr: bool,
    /// Whether a texture of another size is interpolated; else the nearest texel is taken.
    pub linear: bool,
}

impl Default for Normalise {
    /// Texels as they are, interpolated.
    fn default() -> Self {
        Self { scale: 1.0, mean: [0.0; 4], std: [1.0; 4], bgr: false, linear: true }
    }
}

impl Session {
    /// Encodes one unpruned run: from the input buffers or textures to the output buffers, which stay on the device.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let full = self.plan.live.table(0, &[]);
        let descriptor = wgpu::ComputePassDescriptor { label: Some("wgpu-pagcp"), timestamp_writes: None };
        let mut pass = encoder.begin_compute_pass(&descriptor);
        let program = &self.program;
        for step in program.pack.iter().chain(&program.steps).chain(&program.unpack) {
            step.bound.dispatch(&mut pass, &full, 0);
        }
    }

    /// The buffer that a run reads graph input `input` from: row-major `f32` in the shape of its port. It may be
    /// written by copies and by passes that bind it as storage.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn input_buffer(&self, input: usize) -> &wgpu::Buffer {
        &self.externals[self.plan.inputs[input].external]
    }

    /// The buffer that a run writes graph output `output` to: row-major `f32` in the shape of its port, from its beginning. It
    /// may be read by copies and by passes that bind it as storage.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn output_buffer(&self, output: usize) -> &wgpu::Buffer {
        &self.externals[self.plan.outputs[output].external]
    }

    /// Makes runs read graph input `input` from a float texture instead of its buffer, whatever the texture's size.
    ///
    /// # Errors
    /// [`GpuError::Unsupported`] where the input is not one image of at most 4 channels, or where the network adds
    /// it to a concatenation, so that its channels are stored in pieces.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn bind_input_texture(
        &mut self,
        input: usize,
        view: &wgpu::TextureView,
        normalise: &Normalise,
    ) -> Result<(), GpuError> {
        let port = &self.plan.inputs[input];
        let &[1, 1..=4, height, width] = &port.shape[..] else {
            return Err(GpuError::Unsupported(format!(
                "input {} must be one image of at most 4 channels to be read from a texture, its shape is {:?}",
                port.name, port.shape
            )));
        };
        let segments = self.plan.live.segments(port.record).len();
        if segments != 1 {
            return Err(GpuError::Unsupported(format!(
                "input {} must be stored in one piece to be read from a texture, it is in {segments}",
                port.name
            )));
        }
        let params = PackPictureParams {
            record: port.record.0,
            image: 0,
            height: height as u32,
            width: width as u32,
            groups: 1,
            bgr: u32::from(normalise.bgr),
            scale: normalise.scale,
            mean_x: normalise.mean[0],
            mean_y: normalise.mean[1],
            mean_z: normalise.mean[2],
            mean_w: normalise.mean[3],
            std_x: normalise.std[0],
            std_y: normalise.std[1],
            std_z: normalise.std[2],
            std_w: normalise.std[3],
        };
        let halves = if self.plan.dtype == Dtype::F16 { 0b10 } else { 0 };
        let step = Step {
            node: port.name.clone(),
            op: "Pack",
            kernel: &PACK_PICTURE,
            spec: Spec(vec![("linear", u32::from(normalise.linear))]).halved(halves),
            params: params.words(),
            operands: vec![Operand::External(port.external), port.operand],
            grid: Grid::Elements {
                record: port.record,
                per_group: (height * width) as u32,
                workgroup: Spec::default().workgroup(),
            },
            macs: 0,
        };
        let bound = bind(&self.gpu, &[&step], &self.tables, |operand| match operand {
            Operand::Slot(slot) => Resource::Buffer(&self.slots[slot]),
            Operand::Part { slot, offset, bytes } => Resource::Part(&self.slots[slot], offset, bytes),
            Operand::External(_) => Resource::View(view),
            Operand::Constant(_) => unreachable!("the step binds a picture and what it becomes"),
        })?;
        let cost = cost(&step, &self.plan.live.table(0, &[]));
        for bound in bound {
            self.program.pack[input] = Timed { bound, cost };
        }
        Ok(())
    }
}
