//! Index maps of operators that move elements.

use super::coupling::Blocks;
use super::map::Mapper;
use crate::graph::{DepthOrder, Extent, Move, PadMode, SliceAxis, ValueId};
use crate::tensor::count;

impl Mapper<'_> {
    /// A move of elements.
    pub(super) fn moved(&mut self, op: &Move) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        let axis = self.parameters.axis(x);
        match op {
            Move::Transpose { perm } => self.carried(perm.iter().position(|&from| from == axis)),
            Move::Slice(axes) => match axes.iter().find(|slice| slice.axis == axis) {
                Some(slice) => self.sliced(slice, axes.len() > 1),
                None => self.carried(Some(axis)),
            },
            Move::Expand { .. } => {
                let grown = self.shapes[y.0].len() - self.shapes[x.0].len();
                let beside = self.parameters.axis(y) == axis + grown;
                if beside && self.channels(x) == 1 && self.channels(y) > 1 {
                    self.pin(x, "repeats its one channel");
                } else {
                    self.carried(Some(axis + grown));
                }
            }
            Move::Tile { repeats } if repeats.get(axis) != Some(&1) => {
                let channels = self.channels(x);
                for copy in 0..self.channels(y).checked_div(channels).unwrap_or(0) {
                    self.found.cuts.push((y, copy * channels));
                    self.link(run(x, 0), run(y, copy * channels), channels);
                }
            }
            Move::Tile { .. } => self.carried(Some(axis)),
            Move::Gather { axis: gathered, indices, shape } if *gathered == axis => {
                self.gathered(indices, shape.len());
            }
            Move::Gather { axis: gathered, shape, .. } => {
                self.carried((axis + if axis > *gathered { shape.len() } else { 1 }).checked_sub(1));
            }
            Move::Pad { amounts, mode } => self.padded(amounts.get(axis).and_then(Extent::pair), *mode),
            Move::DepthToSpace { block, order } => self.depth_to_space(block * block, *order),
            Move::SpaceToDepth { block } => {
                if self.reads_dimension_1(x) {
                    let channels = self.channels(x);
                    for cell in 0..block * block {
                        self.link(run(x, 0), run(y, cell * channels), channels);
                    }
                }
            }
        }
    }

    /// The removal of `axes` of size 1.
    pub(super) fn squeezed(&mut self, axes: &[usize]) {
        let axis = self.parameters.axis(self.node.inputs[0]);
        let before = axes.iter().filter(|&&dropped| dropped < axis).count();
        self.carried((!axes.contains(&axis)).then(|| axis - before));
    }

    /// The insertion of `axes` of size 1.
    pub(super) fn unsqueezed(&mut self, axes: &[usize]) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        let axis = self.parameters.axis(x);
        self.carried((0..self.shapes[y.0].len()).filter(|at| !axes.contains(at)).nth(axis));
    }

    /// A change of shape that keeps the order of elements: channels split into equal blocks, or join, once or as often
    /// as the pixels before them repeat.
    pub(super) fn regroup(&mut self, x: ValueId, y: ValueId) {
        let before = |value: ValueId| {
            let axis = self.parameters.axis(value).min(self.shapes[value.0].len());
            (axis > 0, count(&self.shapes[value.0][..axis]))
        };
        let (from, to) = (self.channels(x), self.channels(y));
        let ((images, outer), (same_images, outer_y)) = (before(x), before(y));
        let repeats = outer.checked_div(outer_y).filter(|repeats| {
            images == same_images && repeats * outer_y == outer && *repeats > 0 && to.is_multiple_of(*repeats)
        });
        let blocks = repeats.map_or(0, |repeats| common_divisor(from, to / repeats));
        let (Some(repeats), true) = (repeats, from > 0 && to > 0 && (blocks > 1 || from == 1 && to == 1))
        else {
            let [from, to] = [x, y].map(|value| &self.shapes[value.0]);
            let does = format!("regroups channels: {from:?} become {to:?}");
            self.pin(x, &does);
            self.pin(y, &does);
            return;
        };
        let per_repeat = to / repeats;
        for repeat in 0..repeats {
            let a = Blocks { value: x, start: 0, block: from / blocks };
            let b = Blocks { value: y, start: repeat * per_repeat, block: per_repeat / blocks };
            self.link(a, b, blocks);
        }
    }

    /// That `value` has its channels where operators over images look for them; pins it where not.
    pub(super) fn reads_dimension_1(&mut self, value: ValueId) -> bool {
        let there = self.parameters.axis(value) == 1;
        if !there {
            self.pin(value, "reads as channels dimension 1, where it has none");
        }
        there
    }

    /// The channels are those of the input, in dimension `axis`.
    fn carried(&mut self, axis: Option<usize>) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        if axis == Some(self.parameters.axis(y)) && self.channels(x) == self.channels(y) {
            self.link(run(x, 0), run(y, 0), self.channels(x));
        } else {
            self.pin(x, "moves its channels where the output has none");
            self.pin(y, "has channels that are none in its input");
        }
    }

    fn sliced(&mut self, slice: &SliceAxis, others: bool) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        match slice.steps(self.channels(x)) {
            Ok(steps) if steps.step == 1 => {
                self.link(run(x, steps.start), run(y, 0), steps.count);
                self.found.cuts.extend([(x, steps.start), (x, steps.start + steps.count)]);
            }
            Ok(steps) if !others => {
                (0..steps.count).for_each(|k| self.shuffle(run(x, steps.at(k)), run(y, k), 1));
            }
            Ok(_) | Err(_) => {
                self.pin(x, "takes every so many-th channel of part of the pixels");
                self.pin(y, "takes every so many-th channel of part of the pixels");
            }
        }
    }

    fn gathered(&mut self, indices: &[i64], dimensions: usize) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        if dimensions != 1 || self.parameters.axis(x) != self.parameters.axis(y) {
            self.pin(x, "picks single channels");
            self.pin(y, "picks single channels of its input");
            return;
        }
        let channels = self.channels(x) as i64;
        let chosen = |&index: &i64| (if index < 0 { index + channels } else { index }) as usize;
        let indices: Vec<usize> = indices.iter().map(chosen).collect();
        let mut start = 0;
        for end in 1..=indices.len() {
            if end == indices.len() || indices[end] != indices[end - 1] + 1 {
                self.shuffle(run(x, indices[start]), run(y, start), end - start);
                start = end;
            }
        }
    }

    /// A pad along the axis of the channels by these amounts.
    fn padded(&mut self, amounts: Option<[i64; 2]>, mode: PadMode) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        let axis = self.parameters.axis(x);
        let channels = self.channels(x);
        match (amounts, mode) {
            (Some([0, 0]), _) => self.carried(Some(axis)),
            (Some([first, after]), PadMode::Constant(_))
                if first.min(after) >= 0 && self.parameters.axis(y) == axis =>
            {
                let first = first as usize;
                self.link(run(x, 0), run(y, first), channels);
                self.found.cuts.extend([(y, first), (y, first + channels)]);
            }
            (_, PadMode::Constant(_) | PadMode::Reflect | PadMode::Edge) => {
                self.pin(x, "crops or repeats channels");
                self.pin(y, "crops or repeats channels");
            }
        }
    }

    fn depth_to_space(&mut self, square: usize, order: DepthOrder) {
        let (x, y) = (self.node.inputs[0], self.node.outputs[0]);
        if !self.reads_dimension_1(x) {
            self.pin(y, "has channels that are none in its input");
            return;
        }
        let channels = self.channels(y);
        match order {
            DepthOrder::Crd => self.link(Blocks { value: x, start: 0, block: square }, run(y, 0), channels),
            DepthOrder::Dcr => {
                (0..square).for_each(|cell| self.link(run(x, cell * channels), run(y, 0), channels));
            }
        }
    }
}

/// Single channels from `start` on.
fn run(value: ValueId, start: usize) -> Blocks {
    Blocks { value, start, block: 1 }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
