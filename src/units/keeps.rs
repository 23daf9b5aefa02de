//! Kept coordinates: making, composing and applying them.

use super::{Keeps, Member, Segment, Unit, Units};
use crate::graph::ValueId;

impl Keeps {
    /// Everything stays.
    pub fn all(units: &Units) -> Self {
        Self(units.units.iter().map(|unit| (0..unit.channels).collect()).collect())
    }

    /// The first `counts[u]` coordinates of every unit `u`; units beyond the end of `counts` are whole.
    pub fn prefix(units: &Units, counts: &[usize]) -> Self {
        let count =
            |(u, unit): (usize, &Unit)| counts.get(u).map_or(unit.channels, |&c| c.min(unit.channels));
        Self(units.units.iter().enumerate().map(|at| (0..count(at)).collect()).collect())
    }

    /// What two prunings in a row keep: `next` counts in coordinates of the network that `self` leaves, the result
    /// in those of the network that `self` prunes. Starting from [`Keeps::all`], this tracks original coordinates
    /// over any number of commits.
    ///
    /// # Panics
    /// If `next` is of other units.
    pub fn then(&self, next: &Self) -> Self {
        assert_eq!(self.0.len(), next.0.len(), "prunings in a row keep the same units");
        let compose = |(kept, next): (&Vec<usize>, &Vec<usize>)| next.iter().map(|&k| kept[k]).collect();
        Self(self.0.iter().zip(&next.0).map(compose).collect())
    }

    /// The same coordinates in ascending order: compacting the original network by them restores its channel order.
    pub fn sorted(mut self) -> Self {
        for kept in &mut self.0 {
            kept.sort_unstable();
        }
        self
    }

    /// The number of kept coordinates of every unit.
    pub fn counts(&self) -> Vec<usize> {
        self.0.iter().map(Vec::len).collect()
    }
}

impl Units {
    /// The units of the network that [`crate::compact::compact`] makes by `keeps`: the same units under the same ids,
    /// even where one coordinate is left, with fewer coordinates.
    ///
    /// # Panics
    /// If `keeps` is of other units.
    pub fn pruned(&self, keeps: &Keeps) -> Self {
        let segments = self.segments.iter().map(|segments| self.shortened(segments, keeps)).collect();
        let move_member = |unit: usize, member: &Member| {
            let rank = self.ranks(member.value, keeps);
            let starts = member.starts[..keeps.0[unit].len()].iter().map(|&start| rank[start]).collect();
            Member { value: member.value, starts, block: member.block }
        };
        let shrink = |(index, unit): (usize, &Unit)| Unit {
            producers: unit.producers.clone(),
            id: unit.id.clone(),
            channels: keeps.0[index].len(),
            members: unit.members.iter().map(|member| move_member(index, member)).collect(),
        };
        let units = self.units.iter().enumerate().map(shrink).collect();
        Self { units, pinned: self.pinned.clone(), segments, axes: self.axes.clone() }
    }

    /// The number of kept slots before every channel of a value: where a kept slot ends up. The slot of coordinate
    /// `j` stays while `j` is below the number of kept coordinates, and is filled by the `j`-th kept one.
    fn ranks(&self, value: ValueId, keeps: &Keeps) -> Vec<usize> {
        ranks(&self.segments[value.0], keeps)
    }

    fn shortened(&self, segments: &[Segment], keeps: &Keeps) -> Vec<Segment> {
        let rank = ranks(segments, keeps);
        let shorten = |segment: &Segment| {
            let slots = segment.slots(keeps);
            Segment { unit: segment.unit, channels: slots.iter().map(|&slot| rank[slot]).collect() }
        };
        segments.iter().map(shorten).collect()
    }

    /// The channels of `value` that stay, in the order in which the compacted graph has them; none where the value
    /// has no channel axis.
    ///
    /// # Panics
    /// If `keeps` is of other units.
    pub fn kept_channels(&self, keeps: &Keeps, value: ValueId) -> Vec<usize> {
        let segments = self.segments.get(value.0).map_or(&[][..], Vec::as_slice);
        let filled = |segment: &Segment| -> Vec<(usize, usize)> {
            let slots = segment.slots(keeps).iter().copied();
            match segment.unit {
                None => slots.map(|slot| (slot, slot)).collect(),
                Some((unit, block)) => {
                    let kept =
                        keeps.0[unit].iter().flat_map(|&k| &segment.channels[k * block..(k + 1) * block]);
                    slots.zip(kept.copied()).collect()
                }
            }
        };
        let mut filled: Vec<(usize, usize)> = segments.iter().flat_map(filled).collect();
        filled.sort_unstable();
        filled.into_iter().map(|(_, channel)| channel).collect()
    }

    /// How many channels of `value` live when `keep[u]` coordinates of every unit `u` do; `None` where it has no
    /// channel axis.
    pub fn live_channels(&self, keep: &[usize], value: ValueId) -> Option<usize> {
        let segments = self.segments.get(value.0).filter(|segments| !segments.is_empty())?;
        let live = |s: &Segment| match s.unit {
            Some((unit, block)) => {
                keep.get(unit).map_or(s.channels.len(), |&k| k.saturating_mul(block).min(s.channels.len()))
            }
            None => s.channels.len(),
        };
        Some(segments.iter().map(live).sum())
    }
}

impl Segment {
    /// The channels whose places stay.
    fn slots(&self, keeps: &Keeps) -> &[usize] {
        match self.unit {
            None => &self.channels,
            Some((unit, block)) => &self.channels[..keeps.0[unit].len() * block],
        }
    }
}

fn ranks(segments: &[Segment], keeps: &Keeps) -> Vec<usize> {
    let mut kept = vec![false; segments.iter().map(|s| s.channels.len()).sum()];
    for &slot in segments.iter().flat_map(|s| s.slots(keeps)) {
        kept[slot] = true;
    }
    let count = |before: &mut usize, &kept: &bool| {
        let rank = *before;
        *before += usize::from(kept);
        Some(rank)
    };
    kept.iter().scan(0, count).collect()
}
