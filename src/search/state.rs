//! The network as pruned so far, always made from the unpruned one: nothing that was decided can drift.

use crate::compact::{CompactError, compact};
use crate::graph::{Graph, Shapes};
use crate::tensor::Data;
use crate::units::{Keeps, Units};

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
