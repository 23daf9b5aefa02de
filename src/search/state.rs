//! The network as pruned so far, always made from the unpruned one: nothing that was decided can drift.

use crate::compact::{CompactError, compact};
use crate::graph::{Graph, Node, Shapes, ValueId};
use crate::tensor::{Data, Tensor};
use crate::units::{Keeps, Parameters, Units};

/// What is pruned: the imported graph, its shapes and its units.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The imported graph.
    pub graph: &'a Graph,
    /// The shapes of its values.
    pub shapes: &'a Shapes,
    /// Its units.
    pub units: &'a Units,
}

/// A network made from the problem's, its units' channels in the order of some keeps.
#[derive(Debug)]
pub(super) struct Network {
    pub graph: Graph,
    pub units: Units,
}

impl Problem<'_> {
    /// Every coordinate of every unit, in its original order.
    pub(super) fn all(&self) -> Vec<Vec<usize>> {
        self.units.units.iter().map(|unit| (0..unit.channels).collect()).collect()
    }

    /// Writes weights of the network that keeps `keeps` into `graph`, which has them unpruned and in original order.
    pub(super) fn scatter(
        &self,
        graph: &mut Graph,
        keeps: &[Vec<usize>],
        (weight, part): (ValueId, &Tensor),
    ) {
        let keeps = Keeps(keeps.to_vec());
        let parameters = Parameters { graph: self.graph, shapes: self.shapes, axes: &self.units.axes };
        let uses = |node: &&Node| node.inputs.get(1) == Some(&weight);
        let Some(axes) = self.graph.nodes.iter().find(uses).and_then(|node| parameters.axes(node, 1)) else {
            return;
        };
        let Some(whole) = graph.constant(weight) else { return };
        let shape = whole.shape().to_vec();
        let places: Vec<Vec<usize>> = (0..shape.len())
            .map(|at| match axes.iter().find(|axis| axis.axis == at) {
                Some(axis) => self.units.kept_channels(&keeps, axis.value),
                None => (0..shape[at]).collect(),
            })
            .collect();
        let (Ok(values), Ok(new)) = (whole.f32s(), part.f32s()) else { return };
        let mut values = values.to_vec();
        for (at, &value) in new.iter().enumerate() {
            let (mut rest, mut target, mut stride) = (at, 0, 1);
            for (places, &extent) in places.iter().zip(&shape).rev() {
                target += places[rest % places.len()] * stride;
                rest /= places.len();
                stride *= extent;
            }
            values[target] = value;
        }
        let tensor = Tensor::from_f32(shape, values).expect("the shape is the same");
        graph.edit().set_constant(weight, tensor);
    }

    /// The network that keeps the original coordinates `keeps` of each unit, stored in that order.
    pub(super) fn network(&self, keeps: &[Vec<usize>]) -> Result<Network, CompactError> {
        let keeps = Keeps(keeps.to_vec());
        let graph = compact(self.graph, self.shapes, self.units, &keeps)?;
        Ok(Network { graph, units: self.units.pruned(&keeps) })
    }
}

/// A 64-bit hash (FNV-1a), for telling data apart, not for security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// Adds bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The hash in hexadecimal.
    pub fn hex(self) -> String {
        format!("{:016x}", self.0)
    }
}

/// A hash of a network's structure and constants, in hexadecimal.
pub fn fingerprint(graph: &Graph) -> String {
    let mut hash = Hash::default();
    hash.feed(format!("{:?}{:?}{:?}", graph.nodes, graph.inputs, graph.outputs).as_bytes());
    for value in &graph.values {
        hash.feed(value.name.as_bytes());
        let Some(tensor) = &value.constant else { continue };
        hash.feed(format!("{:?}", tensor.shape()).as_bytes());
        match tensor.data() {
            Data::F32(values) => values.iter().for_each(|v| hash.feed(&v.to_le_bytes())),
            Data::I64(values) => values.iter().for_each(|v| hash.feed(&v.to_le_bytes())),
        }
    }
    hash.hex()
}
