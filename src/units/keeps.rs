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
        let channels = |s: &Segment| s.unit.map_or(s.channels, |(unit, block)| keeps.0[unit].len() * block);
        let shorten = |segments: &Vec<Segment>| {
            let mut start = 0;
            let place = |segment: &Segment| {
                let placed = Segment { unit: segment.unit, start, channels: channels(segment) };
                start += placed.channels;
                placed
            };
            segments.iter().map(place).collect()
        };
        let segments: Vec<Vec<Segment>> = self.segments.iter().map(shorten).collect();
        let move_member = |member: &Member| {
            let before = &self.segments[member.value.0];
            let at = before.iter().position(|s| s.start == member.start);
            let at = at.expect("every member is a segment of its value");
            Member { start: segments[member.value.0][at].start, ..*member }
        };
        let shrink = |(unit, kept): (&Unit, &Vec<usize>)| Unit {
            id: unit.id.clone(),
            channels: kept.len(),
            members: unit.members.iter().map(move_member).collect(),
        };
        let units = self.units.iter().zip(&keeps.0).map(shrink).collect();
        Self { units, pinned: self.pinned.clone(), segments }
    }

    /// How many channels of `value` live when `keep[u]` coordinates of every unit `u` do; `None` where it has no
    /// channel axis.
    pub fn live_channels(&self, keep: &[usize], value: ValueId) -> Option<usize> {
        let segments = self.segments.get(value.0).filter(|segments| !segments.is_empty())?;
        let live = |s: &Segment| match s.unit {
            Some((unit, block)) => {
                keep.get(unit).map_or(s.channels, |&k| k.saturating_mul(block).min(s.channels))
            }
            None => s.channels,
        };
        Some(segments.iter().map(live).sum())
    }
}
