//! A small network with the heads of the bundled one, for tests that prune often.

use std::path::Path;
use wgpu_pagcp::graph::{
    Activation, Builder, Conv2d, Coordinates, Gemm, Graph, Interpolation, Padding, Resize, Target, ValueId,
};
use wgpu_pagcp::onnx;
use wgpu_pagcp::tensor::{Tensor, count};

/// A network in the making, and the state of its random weights.
pub struct Net {
    pub b: Builder,
    pub state: u64,
}

impl Net {
    /// Weights whose outputs matter unequally.
    fn weights(&mut self, shape: &[usize]) -> Tensor {
        let fan_in = count(&shape[1..]);
        let mut next = || {
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut values = Vec::new();
        for _ in 0..shape[0] {
            let scale = next() * 3.0 / (fan_in as f32).sqrt();
            values.extend((0..fan_in).map(|_| scale * next()));
        }
        Tensor::from_f32(shape.to_vec(), values).unwrap()
    }

    pub fn conv(&mut self, x: ValueId, [inputs, outputs, kernel, stride]: [usize; 4]) -> ValueId {
        let pads = Padding::Explicit([kernel / 2; 4]);
        let conv = Conv2d { strides: [stride; 2], pads, ..Conv2d::new([kernel; 2]) };
        let weight = self.weights(&[outputs, inputs, kernel, kernel]);
        self.b.conv(x, conv, weight, None)
    }

    pub fn layer(&mut self, x: ValueId, sizes: [usize; 4]) -> ValueId {
        let y = self.conv(x, sizes);
        self.b.activation(y, Activation::Relu)
    }

    fn head(&mut self, x: ValueId, channels: [usize; 2], name: &str) {
        let y = self.conv(x, [channels[0], channels[1], 1, 1]);
        let target = Target::Scales([4.0, 4.0]);
        let (coordinates, interpolation) = (Coordinates::HalfPixel, Interpolation::Linear);
        let y = self.b.resize(y, Resize { target, coordinates, interpolation });
        self.b.output(y, name);
    }

    fn gemm(&mut self, x: ValueId, [inputs, outputs]: [usize; 2]) -> ValueId {
        let weight = self.weights(&[outputs, inputs]);
        self.b.gemm(x, Gemm { trans_b: true, ..Gemm::default() }, weight, None)
    }
}

/// The network: pictures of 96 rows and 128 columns, five units.
pub fn graph() -> Graph {
    let mut net = Net { b: Builder::new("small"), state: 5 };
    let x = net.b.image("image", [3, 96, 128]);
    let x = net.layer(x, [3, 10, 3, 2]);
    let x = net.layer(x, [10, 16, 3, 2]);
    let y = net.layer(x, [16, 12, 3, 1]);
    let y = net.conv(y, [12, 16, 3, 1]);
    let y = net.b.add(y, x);
    let features = net.b.activation(y, Activation::Relu);
    let y = net.layer(features, [16, 14, 3, 1]);
    net.head(y, [14, 13], "seg");
    net.head(features, [16, 1], "depth");
    net.head(features, [16, 3], "normals");
    net.head(features, [16, 1], "edges");
    let y = net.b.global_average_pool(features);
    let y = net.b.flatten(y, 1);
    let y = net.gemm(y, [16, 20]);
    let y = net.b.activation(y, Activation::Relu);
    let y = net.gemm(y, [20, 6]);
    net.b.output(y, "room");
    net.b.finish().unwrap()
}

/// Writes the network as an ONNX file.
pub fn write(path: &Path) {
    onnx::save(&graph(), path).unwrap();
}
