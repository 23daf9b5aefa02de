//! Values that lie within others: what a concatenation joins is written where it belongs, and a run of channels is read where
//! it is.

use super::{Lowering, Stored};
use crate::kernels::Access;
use crate::kernels::live::StoredSegment;
use crate::plan::{Operand, Step};

/// What every device can bind from: multiples of 256 bytes, of which 16-bit floats need half as many.
const ALIGNMENT: u64 = 512;

/// Where a slot lies within another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Within {
    slot: usize,
    offset: u64,
}

/// Bytes before the channel group `group` of a value, where it has one image: those of others do not lie together.
fn offset(whole: &Stored, group: u32) -> Option<u64> {
    (whole.images == 1).then(|| u64::from(group) * u64::from(whole.pixels()) * 16)
}

/// Whether channel group `group` of a value can be bound on its own.
pub(super) fn is_aligned(whole: &Stored, group: u32) -> bool {
    offset(whole, group).is_some_and(|offset| offset.is_multiple_of(ALIGNMENT))
}

impl Lowering<'_> {
    /// The slot that lies in no other and holds `slot`, and where in it.
    fn place(&self, slot: usize) -> Within {
        let mut place = Within { slot, offset: 0 };
        while let Some(within) = self.parts.get(&place.slot) {
            place = Within { slot: within.slot, offset: place.offset + within.offset };
        }
        place
    }

    /// What to bind for `operand`.
    pub(in crate::plan) fn resolve(&self, operand: Operand) -> Operand {
        let Operand::Slot(slot) = operand else { return operand };
        let Within { slot: whole, offset } = self.place(slot);
        if whole == slot { operand } else { Operand::Part { slot: whole, offset, bytes: self.slots[slot] } }
    }

    /// Whether a slot lies in no other, and no other in it.
    pub(super) fn is_alone(&self, slot: usize) -> bool {
        !self.parts.contains_key(&slot) && self.parts.values().all(|within| within.slot != slot)
    }

    /// Lets the slot of `part` lie in that of `whole`, which has one image, from channel group `group` on, where something
    /// in it can be bound there. What is read of `part` must have been written before.
    pub(super) fn view(&mut self, part: usize, (slot, whole): (usize, &Stored), group: u32) -> bool {
        let Some(offset) = offset(whole, group) else { return false };
        let aligned = (self.place(slot).offset + offset).is_multiple_of(ALIGNMENT) && self.slots[part] > 0;
        if aligned {
            self.parts.insert(part, Within { slot, offset });
        }
        aligned
    }

    /// Lets operands of a concatenation lie in its output, which is stored as `whole` in a slot that no step touches yet,
    /// each from its channel group on. Tells which do; the others must be copied.
    pub(super) fn join(&mut self, (slot, whole): (usize, &Stored), operands: &[(Operand, u32)]) -> Vec<bool> {
        let places: Vec<Option<(usize, u64)>> = operands
            .iter()
            .map(|&(operand, group)| match operand {
                Operand::Slot(slot) => Some((slot, offset(whole, group)?)),
                Operand::Part { .. } | Operand::Constant(_) | Operand::External(_) => None,
            })
            .collect();
        let before = self.parts.clone();
        for &(part, offset) in places.iter().flatten() {
            let Within { slot: all, offset: within } = self.place(part);
            let Some(offset) = offset.checked_sub(within).filter(|_| all != slot) else { continue };
            let whole_of_it = |&&(other, at): &&(usize, u64)| {
                let place = self.place(other);
                place.slot == all && at.checked_sub(place.offset) == Some(offset)
            };
            let covered: u64 = places.iter().flatten().filter(whole_of_it).map(|(s, _)| self.slots[*s]).sum();
            if covered == self.slots[all] && self.may_lie(all, (slot, offset)) {
                self.parts.insert(all, Within { slot, offset });
            }
        }
        let lies = |&(part, offset): &(usize, u64)| self.place(part) == Within { slot, offset };
        let joined: Vec<bool> = places.iter().map(|place| place.as_ref().is_some_and(lies)).collect();
        // A step may not copy from one place of a buffer to another.
        let copied = places.iter().zip(&joined).filter(|(_, joined)| !**joined);
        if copied.flat_map(|(place, _)| place).any(|&(part, _)| self.place(part).slot == slot) {
            self.parts = before;
            return vec![false; operands.len()];
        }
        joined
    }

    /// Whether the slot `part` may lie within `slot`: what the caller writes may not, nor may a step read one buffer and
    /// write it too.
    fn may_lie(&self, part: usize, (slot, offset): (usize, u64)) -> bool {
        let is_input = self.graph.inputs.iter().any(|input| self.slot_of[input.0] == Some(part));
        let aligned = offset.is_multiple_of(ALIGNMENT) && self.slots[part] > 0;
        let touched = |step: &Step, written: bool| {
            let operands = step.operands.iter().zip(step.kernel.bindings);
            let own = operands.filter(|(_, access)| (**access == Access::Write) == written);
            own.filter_map(|(operand, _)| match operand {
                Operand::Slot(other) => Some(self.place(*other).slot),
                Operand::Part { .. } | Operand::Constant(_) | Operand::External(_) => None,
            })
            .filter(|other| *other == slot || *other == part)
            .count()
        };
        let bound_twice = |step: &Step| match touched(step, true) {
            0 => false,
            1 => touched(step, false) > 0,
            _ => true,
        };
        aligned && !is_input && !self.steps.iter().any(bound_twice)
    }
}

/// Whether a value cut as `part` can be read as the channel groups from `group` on of one cut as `whole`: the same lanes live,
/// and those that do not exist are zero.
pub(super) fn covers(whole: &[StoredSegment], part: &[StoredSegment], group: u32) -> bool {
    part.iter().all(|part| {
        let first = part.first_group + group;
        whole.iter().any(|whole| {
            let Some(groups) = first.checked_sub(whole.first_group) else { return false };
            let (start, end) = (4 * groups, 4 * groups + part.channels);
            match (whole.unit, part.unit) {
                (None, None) => {
                    end == whole.channels || end < whole.channels && part.channels.is_multiple_of(4)
                }
                (mine, its) => mine == its && start == 0 && end == whole.channels,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first_group: u32, channels: u32, unit: Option<usize>) -> StoredSegment {
        StoredSegment::run(first_group, 0, channels, unit.map(|unit| (unit, 1)))
    }

    #[test]
    fn a_part_is_read_where_its_channels_live_and_nothing_else_does() {
        let whole = [run(0, 14, None), run(4, 6, Some(3))];
        let pinned = |channels| [run(0, channels, None)];
        assert!(covers(&whole, &pinned(8), 0) && covers(&whole, &pinned(8), 1));
        assert!(covers(&whole, &pinned(14), 0) && covers(&whole, &pinned(6), 2));
        assert!(!covers(&whole, &pinned(6), 0), "other channels are in its last group");
        assert!(!covers(&whole, &pinned(8), 2), "it would end in the padding");
        assert!(!covers(&whole, &pinned(4), 4), "it would live where the unit does not");
        assert!(covers(&whole, &[run(0, 6, Some(3))], 4));
        assert!(covers(&whole, &[run(0, 2, None), run(1, 6, Some(3))], 3));
        assert!(!covers(&whole, &[run(0, 6, Some(2))], 4));
        assert!(!covers(&whole, &[run(0, 2, Some(3))], 4), "a prefix lives by another count");
    }
}
