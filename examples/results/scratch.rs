//! The bundled network before any training, in the shape of a pruned one: as `models/scenes/network.py` begins.

use wgpu_pagcp::graph::{Graph, Node, Op, ValueId};
use wgpu_pagcp::tensor::Tensor;

/// The deviation of the weights of predictions of maps.
const PREDICTION: f64 = 0.05;
/// The bias of the prediction of depth, in metres.
const DEPTH: f32 = 3.0;

/// Replaces every weight.
pub fn forget(graph: &mut Graph, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let nodes: Vec<Node> = graph.nodes.clone();
    for node in &nodes {
        if let Op::Conv(conv) = &node.op {
            let predicts = named(graph, node.inputs[1], "predict");
            fill(graph, node.inputs[1], |shape| {
                let area: usize = shape[2..].iter().product();
                let spread = (2.0 / (shape[0] * area / conv.groups) as f64).sqrt();
                random.normal() * if predicts { PREDICTION } else { spread }
            });
            biases(graph, node);
        } else if let Op::Gemm(gemm) = &node.op {
            fill(graph, node.inputs[1], |shape| {
                let inputs = if gemm.trans_b { shape[1] } else { shape[0] };
                (2.0 * random.unit() - 1.0) / (inputs as f64).sqrt()
            });
            biases(graph, node);
        } else if let Op::BatchNorm { .. } = &node.op {
            for (input, value) in [(1, 1.0), (2, 0.0), (3, 0.0), (4, 1.0)] {
                fill(graph, node.inputs[input], |_| value);
            }
        }
    }
}

fn biases(graph: &mut Graph, node: &Node) {
    if let Some(&bias) = node.inputs.get(2) {
        let value = if named(graph, bias, "depth.predict") { f64::from(DEPTH) } else { 0.0 };
        fill(graph, bias, |_| value);
    }
}

fn named(graph: &Graph, id: ValueId, part: &str) -> bool {
    graph.value(id).name.contains(part)
}

/// Numbers of `next`, which is told the shape.
fn fill(graph: &mut Graph, id: ValueId, mut next: impl FnMut(&[usize]) -> f64) {
    let Some(shape) = graph.constant(id).map(|tensor| tensor.shape().to_vec()) else { return };
    let values = (0..shape.iter().product()).map(|_| next(&shape) as f32).collect();
    if let Ok(tensor) = Tensor::from_f32(shape, values) {
        graph.edit().set_constant(id, tensor);
    }
}

/// The xorshift64* generator.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller's.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}
