//! Units of small graphs, written as text: `conv_0[4] conv_0_out cat_out@8 flat_out*6` is a unit of four coordinates
//! whose members start at channel 0 with blocks of 1 unless `@start` and `*block` say otherwise.

mod costs;
mod maps;
mod sharing;
mod structures;

use super::{Units, analyse};
use crate::graph::{Activation, Builder, Conv2d, Gemm, Graph, Padding, Shapes, Sizes, ValueId};
use crate::tensor::{Tensor, count};

/// A graph under construction with one input `x`; constants count up, so that slices can be told apart.
pub(crate) struct Net {
    pub b: Builder,
    pub x: ValueId,
}

/// A finished graph with its units.
pub(crate) struct Analysed {
    pub graph: Graph,
    pub shapes: Shapes,
    pub units: Units,
}

pub(crate) fn numbers(shape: &[usize]) -> Tensor {
    Tensor::from_f32(shape.to_vec(), (1..=count(shape)).map(|i| i as f32).collect()).unwrap()
}

impl Net {
    pub fn new(size: [usize; 3]) -> Self {
        let mut b = Builder::new("net");
        let x = b.image("x", size);
        Self { b, x }
    }

    /// A convolution without bias that keeps the size, from `[inputs, outputs]` channels.
    pub fn conv(&mut self, x: ValueId, [inputs, outputs]: [usize; 2], kernel: usize) -> ValueId {
        self.grouped(x, [inputs, outputs], kernel, 1)
    }

    pub fn grouped(
        &mut self,
        x: ValueId,
        [inputs, outputs]: [usize; 2],
        kernel: usize,
        groups: usize,
    ) -> ValueId {
        let conv = Conv2d { pads: Padding::Explicit([kernel / 2; 4]), groups, ..Conv2d::new([kernel; 2]) };
        self.b.conv(x, conv, numbers(&[outputs, inputs / groups, kernel, kernel]), None)
    }

    pub fn relu(&mut self, x: ValueId) -> ValueId {
        self.b.activation(x, Activation::Relu)
    }

    /// Features `[inputs, outputs]`, with a bias.
    pub fn gemm(&mut self, x: ValueId, [inputs, outputs]: [usize; 2]) -> ValueId {
        self.b.gemm(x, Gemm::default(), numbers(&[inputs, outputs]), Some(numbers(&[outputs])))
    }

    /// A 1x1 convolution to two channels that is graph output `name`.
    pub fn head(&mut self, x: ValueId, inputs: usize, name: &str) {
        let y = self.conv(x, [inputs, 2], 1);
        self.b.output(y, name);
    }

    pub fn analyse(self) -> Analysed {
        let graph = self.b.finish().unwrap();
        let shapes = graph.infer(&Sizes::batch(2)).unwrap();
        let units = analyse(&graph, &shapes);
        check_cover(&graph, &shapes, &units);
        Analysed { graph, shapes, units }
    }
}

/// Segments cover every channel axis in order, and hold each unit as a complete run.
fn check_cover(graph: &Graph, shapes: &Shapes, units: &Units) {
    for (value, segments) in units.segments.iter().enumerate() {
        let mut end = 0;
        for segment in segments {
            assert_eq!(segment.start, end, "{}", graph.values[value].name);
            end += segment.channels;
            if let Some((unit, block)) = segment.unit {
                assert_eq!(segment.channels, units.units[unit].channels * block);
                let members = &units.units[unit].members;
                assert!(
                    members
                        .iter()
                        .any(|m| m.value.0 == value && m.start == segment.start && m.block == block)
                );
            }
        }
        if graph.values[value].constant.is_none() {
            assert_eq!(end, shapes[value].get(1).copied().unwrap_or(0), "{}", graph.values[value].name);
        }
    }
}

impl Analysed {
    pub fn units(&self) -> Vec<String> {
        let member = |m: &super::Member| {
            let mut text = self.graph.value(m.value).name.clone();
            if m.start > 0 {
                text += &format!("@{}", m.start);
            }
            if m.block > 1 {
                text += &format!("*{}", m.block);
            }
            text
        };
        let unit = |u: &super::Unit| {
            let members: Vec<String> = u.members.iter().map(member).collect();
            format!("{}[{}] {}", u.id, u.channels, members.join(" "))
        };
        self.units.units.iter().map(unit).collect()
    }

    pub fn pinned(&self) -> Vec<String> {
        let line = |p: &super::Pinned| format!("{}[{}]: {}", p.node, p.channels, p.reason);
        self.units.pinned.iter().map(line).collect()
    }

    /// The segments of a value: `u0:4 u1*6:12 -:3`.
    pub fn segments(&self, value: ValueId) -> String {
        let segment = |s: &super::Segment| match s.unit {
            None => format!("-:{}", s.channels),
            Some((unit, 1)) => format!("u{unit}:{}", s.channels),
            Some((unit, block)) => format!("u{unit}*{block}:{}", s.channels),
        };
        self.units.segments(value).iter().map(segment).collect::<Vec<_>>().join(" ")
    }
}
