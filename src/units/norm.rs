//! Normalisations by statistics of the input: which channels live or die together.

use super::axes::{Axis, Parameters};
use super::coupling::Blocks;
use super::map::Mapper;
use crate::graph::{Node, Norm, Statistics, ValueId};

impl Parameters<'_> {
    /// The axes of a scale or shift that follow channels.
    pub(super) fn norm(&self, norm: &Norm, node: &Node, input: usize) -> Option<Vec<Axis>> {
        if input == 0 {
            return None;
        }
        let value = node.outputs[0];
        let axis = match norm.statistics {
            Statistics::Instance | Statistics::Group { .. } => Some(0),
            Statistics::Layer { axis } => self.axis(value).checked_sub(axis),
        };
        Some(axis.map(|axis| Axis { axis, value }).into_iter().collect())
    }
}

impl Mapper<'_> {
    /// Channel by channel; with several groups a whole group at a time. Statistics over channels are those of the
    /// channels that are kept.
    pub(super) fn norm(&mut self, norm: &Norm, x: ValueId, y: ValueId) {
        self.same(x, y);
        if let Statistics::Group { groups } = norm.statistics
            && groups > 1
        {
            let blocks = |value, channels: usize| Blocks { value, start: 0, block: channels / groups };
            let (from, to) = (self.channels(x), self.channels(y));
            if from == to {
                self.link(blocks(x, from), blocks(y, to), groups);
            }
        }
        for &vector in &self.node.inputs[1..] {
            self.vector(vector, y);
        }
    }
}
