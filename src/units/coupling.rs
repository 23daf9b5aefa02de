//! Couplings between channel coordinates, as the index maps of the operators state them.

use crate::graph::ValueId;

/// Adjacent blocks of `block` channels of a value, the first at channel `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    pub value: ValueId,
    pub start: usize,
    pub block: usize,
}

/// Block `k` of `a` lives or dies with block `k` of `b`, for every `k < count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub a: Blocks,
    pub b: Blocks,
    pub count: usize,
    /// The node that couples them.
    pub node: usize,
    /// Whether what is adjacent in one is so in the other, so that a cut in one cuts the other.
    pub cuts: bool,
}

/// All channels of a value stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub value: ValueId,
    pub reason: String,
}

/// What the operators of a graph say about its channels.
#[derive(Debug)]
pub(super) struct Couplings {
    /// The extent of every value's channel axis; 0 where it has none.
    pub channels: Vec<usize>,
    pub links: Vec<Link>,
    pub pins: Vec<Pin>,
    /// Channels at which a segment must start, before the links spread them.
    pub cuts: Vec<(ValueId, usize)>,
}

impl Blocks {
    /// The block that holds a channel, among `count` of them.
    pub fn block_of(&self, channel: usize, count: usize) -> Option<usize> {
        let block = channel.checked_sub(self.start)? / self.block;
        (block < count).then_some(block)
    }

    /// The channels of block `k`.
    pub fn channels(&self, k: usize) -> std::ops::Range<usize> {
        self.start + k * self.block..self.start + (k + 1) * self.block
    }
}

impl Couplings {
    /// For every value, the links that touch it, each with its side there and the other side.
    pub fn touching(&self) -> Vec<Vec<(usize, Blocks, Blocks)>> {
        let mut touching = vec![Vec::new(); self.channels.len()];
        for (index, link) in self.links.iter().enumerate() {
            touching[link.a.value.0].push((index, link.a, link.b));
            touching[link.b.value.0].push((index, link.b, link.a));
        }
        touching
    }
}
