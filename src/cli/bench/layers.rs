//! The layers of a model as people see them: nodes, however many steps compute them.

use super::format::{Bench, LayerMs, ModelTimes};

/// A node of a model: its steps added up.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The node.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// The kernels that ran.
    pub kernels: String,
    /// Milliseconds.
    pub ms: f64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// The least traffic.
    pub bytes: u64,
}

impl Layer {
    /// GFLOP/s, and operations per byte; nothing for a layer that multiplies nothing.
    pub fn point(&self) -> Option<(f64, f64)> {
        let flops = 2.0 * self.macs as f64;
        (self.macs > 0 && self.bytes > 0).then(|| (flops / self.ms / 1e6, flops / self.bytes as f64))
    }

    /// The share of what the device allows at this intensity, or of its copy's speed where nothing is multiplied.
    pub fn share(&self, bench: &Bench) -> Option<f64> {
        match self.point() {
            Some((gflops, intensity)) => Some(gflops / bench.peaks.roof(intensity)),
            None if self.bytes > 0 => Some(self.bytes as f64 / self.ms / 1e6 / bench.peaks.copy_gb_per_s),
            None => None,
        }
    }
}

/// The nodes of a model in order.
pub fn layers(model: &ModelTimes) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for step in &model.layers {
        match layers.iter_mut().find(|layer| layer.name == step.name) {
            Some(layer) => add(layer, step),
            None => layers.push(Layer {
                name: step.name.clone(),
                op: step.op.clone(),
                kernels: step.kernel.clone(),
                ms: step.ms,
                macs: step.macs,
                bytes: step.bytes,
            }),
        }
    }
    layers
}

fn add(layer: &mut Layer, step: &LayerMs) {
    layer.ms += step.ms;
    layer.macs += step.macs;
    layer.bytes += step.bytes;
    if !layer.kernels.split(", ").any(|kernel| kernel == step.kernel) {
        layer.kernels = format!("{}, {}", layer.kernels, step.kernel);
    }
}
