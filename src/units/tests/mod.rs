//! Units of small graphs, written as text: `conv_0[4] conv_0_out cat_out@8 flat_out*6` is a unit of four coordinates
//! whose members start at channel 0 with blocks of 1 unless `@start` and `*block` say otherwise.

mod costs;
mod maps;
mod moves;
mod products;
mod reduce;
mod sharing;
mod structures;

use super::{Member, Segment, Unit, Units, analyse};
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
        let name = &graph.values[value].name;
        for segment in segments {
            if let Some((unit, block)) = segment.unit {
                let Unit { channels, members, .. } = &units.units[unit];
                assert_eq!(segment.channels.len(), channels * block);
                let same = |m: &Member| {
                    (0..*channels).flat_map(|k| m.channels(k)).eq(segment.channels.iter().copied())
                };
                assert!(members.iter().any(|m| m.value.0 == value && m.block == block && same(m)), "{name}");
            }
        }
        let mut covered: Vec<usize> = segments.iter().flat_map(|s| &s.channels).copied().collect();
        covered.sort_unstable();
        assert!(covered.iter().copied().eq(0..covered.len()), "{name}: {covered:?}");
        if graph.values[value].constant.is_none() {
            let channels = shapes[value].get(units.axis(ValueId(value))).copied().unwrap_or(0);
            assert_eq!(covered.len(), channels, "{name}");
        }
    }
}

impl Analysed {
    pub fn units(&self) -> Vec<String> {
        let member = |m: &Member| {
            let mut text = self.graph.value(m.value).name.clone();
            if m.starts[0] > 0 {
                text += &format!("@{}", m.starts[0]);
            }
            if m.starts.windows(2).any(|pair| pair[1] != pair[0] + m.block) {
                text += &format!("{:?}", m.starts);
            }
            if m.block > 1 {
                text += &format!("*{}", m.block);
            }
            text
        };
        let unit = |u: &Unit| {
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
        let segment = |s: &Segment| match s.unit {
            None => format!("-:{}", s.channels.len()),
            Some((unit, 1)) => format!("u{unit}:{}", s.channels.len()),
            Some((unit, block)) => format!("u{unit}*{block}:{}", s.channels.len()),
        };
        self.units.segments(value).iter().map(segment).collect::<Vec<_>>().join(" ")
    }
}
