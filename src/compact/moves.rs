//! Attributes that name channels of what moves: bounds of slices, indices of gathers, targets of reshapes.

use super::CompactError;
use crate::graph::{Extent, Move, Node, Op, SliceAxis, ValueId};
use crate::units::Units;

/// What is left of the channels of a node's input and output.
pub(super) struct Left<'a> {
    pub shapes: &'a [Vec<usize>],
    pub kept: &'a [Option<Vec<usize>>],
    pub units: &'a Units,
}

impl Left<'_> {
    fn changed(&self, value: ValueId) -> bool {
        self.kept[value.0].is_some()
    }

    /// The channels of `value` that stay, in the order in which they are stored.
    fn channels(&self, value: ValueId) -> Vec<usize> {
        let whole = || (0..self.shapes[value.0].get(self.units.axis(value)).copied().unwrap_or(0)).collect();
        self.kept[value.0].clone().unwrap_or_else(whole)
    }

    /// Where the channels are now that output channels `c` read, which were in `source(c)`.
    fn sources(&self, x: ValueId, y: ValueId, source: impl Fn(usize) -> usize) -> Option<Vec<usize>> {
        let kept = self.channels(x);
        let place = |channel: usize| kept.iter().position(|&kept| kept == source(channel));
        self.channels(y).into_iter().map(place).collect()
    }

    /// Adjusts a move.
    pub(super) fn adjust(&self, node: &mut Node) -> Result<(), CompactError> {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        if !self.changed(x) && !self.changed(y) {
            return Ok(());
        }
        let axis = self.units.axis(x);
        let fixed = node.op.fix(self.shapes).into_owned();
        let (Op::Move(op), Op::Move(fixed)) = (&mut node.op, &fixed) else { return Ok(()) };
        let replaced = match op {
            Move::Slice(axes) => self.slice((axes, fixed), [x, y]),
            Move::Gather { axis: gathered, indices, .. } if *gathered == axis => {
                let size = self.shapes[x.0][axis] as i64;
                let source = |at: usize| indices[at].rem_euclid(size) as usize;
                let sources = self.sources(x, y, source);
                sources.map(|sources| match self.unchanged(&sources, [x, y], source) {
                    true => None,
                    false => Some(self.taken(&sources, x)),
                })
            }
            Move::Expand { shape } => {
                let along = (self.units.axis(y) + shape.len()).checked_sub(self.shapes[y.0].len());
                if let Some(size) = along.and_then(|along| shape.get_mut(along))
                    && size.fixed() != Some(1)
                {
                    *size = Extent::Fixed(self.channels(y).len() as i64);
                }
                Some(None)
            }
            Move::Pad { amounts, .. } => amount(fixed, axis).map(|[before, after]| {
                if before > 0 || after > 0 {
                    let (first, end) = (before as usize, before as usize + self.shapes[x.0][axis]);
                    let kept = self.channels(y);
                    let before = kept.iter().filter(|&&channel| channel < first).count();
                    let after = kept.iter().filter(|&&channel| channel >= end).count();
                    amounts[axis] = [before, after].map(|amount| Extent::Fixed(amount as i64));
                }
                None
            }),
            Move::Gather { .. }
            | Move::Transpose { .. }
            | Move::Tile { .. }
            | Move::DepthToSpace { .. }
            | Move::SpaceToDepth { .. } => Some(None),
        };
        match replaced {
            Some(Some(op)) => node.op = op,
            Some(None) => {}
            None => return Err(CompactError::Moved { node: node.name.clone() }),
        }
        Ok(())
    }

    /// Whether every channel is read from where it was.
    fn unchanged(&self, sources: &[usize], [x, y]: [ValueId; 2], source: impl Fn(usize) -> usize) -> bool {
        let all = |value: ValueId| self.channels(value).len() == self.shapes[value.0][self.units.axis(value)];
        all(x) && all(y) && sources.iter().copied().eq((0..sources.len()).map(source))
    }

    /// A slice with other bounds, or what takes its place; `None` where it reads a channel that goes.
    fn slice(&self, (axes, fixed): (&mut [SliceAxis], &Move), [x, y]: [ValueId; 2]) -> Option<Option<Op>> {
        let axis = self.units.axis(x);
        let alone = axes.len() == 1;
        let Some(slice) = axes.iter_mut().find(|slice| slice.axis == axis) else { return Some(None) };
        let Move::Slice(fixed) = fixed else { return None };
        let steps = fixed.iter().find(|slice| slice.axis == axis)?.steps(self.shapes[x.0][axis]).ok()?;
        let sources = self.sources(x, y, |at| steps.at(at))?;
        if self.unchanged(&sources, [x, y], |at| steps.at(at)) {
            return Some(None);
        }
        if alone {
            return Some(Some(self.taken(&sources, x)));
        }
        *slice = run(axis, &sources)?;
        Some(None)
    }

    /// What takes the channels `sources` of `x`. Where that is all of them it stays a slice, which shares its buffer: with a
    /// node less, other nodes might fuse than in the network whose candidates were scored.
    fn taken(&self, sources: &[usize], x: ValueId) -> Op {
        let axis = self.units.axis(x);
        let indices: Vec<i64> = sources.iter().map(|&source| source as i64).collect();
        Op::Move(match run(axis, sources) {
            Some(slice) => Move::Slice(vec![slice]),
            None => Move::Gather { axis, shape: vec![indices.len()], indices },
        })
    }

    /// The target of a reshape: what named a number of channels names the new one, what copied one without being the
    /// channels of the output keeps the old.
    pub(super) fn reshape(&self, (x, y): (ValueId, ValueId), target: &mut [Extent], allow_zero: bool) {
        let (axis, from) = (self.units.axis(y), self.units.axis(x));
        for (at, entry) in target.iter_mut().enumerate() {
            let copies = entry.fixed() == Some(0) && !allow_zero;
            if at == axis && self.changed(y) && entry.fixed() != Some(-1) {
                *entry = Extent::Fixed(self.channels(y).len() as i64);
            } else if at != axis && at == from && copies && self.changed(x) {
                *entry = Extent::Fixed(self.shapes[y.0][at] as i64);
            }
        }
    }
}

/// The slice of adjacent channels.
fn run(axis: usize, sources: &[usize]) -> Option<SliceAxis> {
    let first = *sources.first()?;
    let end = first + sources.len();
    let [start, stop] = [first, end].map(|at| Extent::Fixed(at as i64));
    sources.iter().copied().eq(first..end).then_some(SliceAxis { axis, start, end: stop, step: 1 })
}

/// How a pad grows or crops an axis.
fn amount(fixed: &Move, axis: usize) -> Option<[i64; 2]> {
    let Move::Pad { amounts, .. } = fixed else { return None };
    amounts.get(axis).and_then(Extent::pair)
}
