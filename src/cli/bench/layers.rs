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
    layers_as(model, &model.merged)
}

/// The nodes of a model in order, those that `merged` names with the one that it names for them: a layer, named after that one
/// and the number of the others.
pub fn layers_as(model: &ModelTimes, merged: &[[String; 2]]) -> Vec<Layer> {
    let name = |step: &LayerMs| {
        let first = first(&step.name, merged);
        let mut others: Vec<&str> = merged.iter().map(|[other, _]| other.as_str()).collect();
        others.sort_unstable();
        others.dedup();
        match others.into_iter().filter(|other| self::first(other, merged) == first).count() {
            0 => first.to_owned(),
            count => format!("{first} + {count}"),
        }
    };
    let mut layers: Vec<Layer> = Vec::new();
    for step in &model.layers {
        let name = name(step);
        match layers.iter_mut().find(|layer| layer.name == name) {
            Some(layer) => add(layer, step),
            None => layers.push(Layer {
                name,
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

/// The node that `node` is merged into, directly or over others.
fn first<'a>(node: &'a str, merged: &'a [[String; 2]]) -> &'a str {
    let into = |node: &str| merged.iter().find(|[other, _]| other == node).map(|[_, into]| into.as_str());
    // A file may come from anywhere and go round in circles.
    std::iter::successors(Some(node), |node| into(node)).take(merged.len() + 1).last().unwrap_or(node)
}

fn add(layer: &mut Layer, step: &LayerMs) {
    layer.ms += step.ms;
    layer.macs += step.macs;
    layer.bytes += step.bytes;
    if !layer.kernels.split(", ").any(|kernel| kernel == step.kernel) {
        layer.kernels = format!("{}, {}", layer.kernels, step.kernel);
    }
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn a_node_belongs_to_the_first_one_that_it_is_merged_into() {
        let pair = |other: &str, into: &str| [other.to_owned(), into.to_owned()];
        let merged = [pair("c", "b"), pair("b", "a"), pair("c", "a")];
        assert_eq!(["a", "b", "c", "d"].map(|node| first(node, &merged)), ["a", "a", "a", "d"]);
        let circle = [pair("a", "b"), pair("b", "a")];
        assert!(["a", "b"].contains(&first("a", &circle)));
    }
}
