//! Data of the host into and out of a session's buffers.

use super::Session;
use crate::gpu::GpuError;
use crate::gpu::transfer::Readback;

impl Session {
    /// Writes the graph inputs, each row-major in the shape of its port, before whatever is submitted next. Runs may be on
    /// their way.
    pub(super) fn write_inputs(&self, inputs: &[&[f32]]) -> Result<(), GpuError> {
        self.check_inputs(inputs)?;
        self.gpu.scoped("writing inputs", || {
            for (port, input) in self.plan.inputs.iter().zip(inputs) {
                let bytes = bytemuck::cast_slice(input);
                self.gpu.shared.queue.write_buffer(&self.externals[port.external], 0, bytes);
            }
        })
    }

    /// As [`Session::write_inputs`], once no run is on its way: without a copy in between, where the host shares the device's
    /// memory.
    pub(super) fn place_inputs(&self, inputs: &[&[f32]]) -> Result<(), GpuError> {
        const DURING: &str = "writing inputs";
        if !self.gpu.shares_memory() {
            return self.write_inputs(inputs);
        }
        self.check_inputs(inputs)?;
        let buffers = self.plan.inputs.iter().map(|port| &self.externals[port.external]);
        self.gpu.scoped(DURING, || {
            // Whether it worked, the range that is asked for next tells.
            buffers.clone().for_each(|buffer| buffer.map_async(wgpu::MapMode::Write, .., |_| ()));
        })?;
        self.gpu.wait(DURING)?;
        for (buffer, input) in buffers.zip(inputs) {
            let bytes: &[u8] = bytemuck::cast_slice(input);
            let view = buffer.get_mapped_range_mut(..bytes.len() as u64);
            view.map_err(|e| GpuError::Lost(e.to_string()))?.slice(..).copy_from_slice(bytes);
            buffer.unmap();
        }
        Ok(())
    }

    fn check_inputs(&self, inputs: &[&[f32]]) -> Result<(), GpuError> {
        let ports = &self.plan.inputs;
        if inputs.len() != ports.len() {
            let (expected, found) = (ports.len(), inputs.len());
            return Err(GpuError::Unsupported(format!("the network takes {expected} inputs, found {found}")));
        }
        for (port, input) in ports.iter().zip(inputs) {
            let expected = port.shape.iter().product();
            if input.len() != expected {
                let name = format!("input {} of shape {:?}", port.name, port.shape);
                return Err(GpuError::Length { name, expected, found: input.len() });
            }
        }
        Ok(())
    }

    /// Writes the beginning of an external buffer. On a lent device the host's next submission carries it.
    ///
    /// # Errors
    /// [`GpuError::Length`] where `bytes` is longer than the buffer; it must be whole words.
    pub fn write_external(&self, index: usize, bytes: &[u8]) -> Result<(), GpuError> {
        let room = self.plan.externals[index] as usize;
        if bytes.len() > room || !bytes.len().is_multiple_of(4) {
            let name = format!("external buffer {index}");
            return Err(GpuError::Length { name, expected: room / 4, found: bytes.len().div_ceil(4) });
        }
        self.gpu.scoped("writing a buffer", || {
            self.gpu.shared.queue.write_buffer(&self.externals[index], 0, bytes);
        })
    }

    /// Reads an external buffer back, as floats.
    ///
    /// # Errors
    /// [`GpuError`]; a lent device is never waited for.
    pub fn read_external(&self, index: usize) -> Result<Vec<f32>, GpuError> {
        self.read(&self.externals[index], self.plan.externals[index] as usize / 4)
    }

    /// Reads the first `floats` of a buffer.
    pub(super) fn read(&self, buffer: &wgpu::Buffer, floats: usize) -> Result<Vec<f32>, GpuError> {
        self.own()?;
        let gpu = &self.gpu;
        let readback = gpu.scoped("reading a buffer", || {
            let readback = Readback::new(gpu, vec![floats]);
            let mut encoder = gpu.shared.device.create_command_encoder(&Default::default());
            readback.encode(&mut encoder, &[buffer]);
            gpu.submit(encoder);
            readback
        })?;
        Ok(readback.take(gpu)?.swap_remove(0))
    }

    /// Fills every activation and every output with NaN, so that whatever reads what no step of a run has written
    /// shows. Inputs have to be uploaded again afterwards.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn poison(&self) -> Result<(), GpuError> {
        /// Not a number in 32 bits, and twice in 16.
        const NAN: u32 = 0x7fff_7fff;
        let outputs = self.plan.outputs.iter().map(|port| &self.externals[port.external]);
        self.gpu.scoped("poisoning buffers", || {
            for buffer in self.slots.iter().chain(outputs) {
                let poison = vec![NAN; buffer.size() as usize / 4];
                self.gpu.shared.queue.write_buffer(buffer, 0, bytemuck::cast_slice(&poison));
            }
        })
    }

    /// Refuses what would submit to a lent device or wait for it.
    pub(super) fn own(&self) -> Result<(), GpuError> {
        if self.gpu.is_lent() {
            let reason =
                "a lent device is never submitted to or waited for, its host encodes with Session::encode";
            return Err(GpuError::Unsupported(reason.to_owned()));
        }
        Ok(())
    }
}
