//! The live channel table: which channels of every value exist for one candidate.
//!
//! A value's channel axis is stored as *segments*, each starting on a channel group (4 channels) of its own. The
//! table is one array of `u32` that shaders read at binding 0: word 0 is the candidate's index, then one *record* for
//! each distinct channel layout: `[segments, live groups in all, then (first group, live channels) per segment]`.
//! A segment with no live channel has no live group. Steps name records by the index of their first word.

/// One segment of a stored channel axis in a plan: where it starts and how many channels it can hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredSegment {
    /// The channel group (of 4) at which it starts.
    pub first_group: u32,
    /// Channels when nothing is pruned.
    pub channels: u32,
    /// The logical channels of the value, in stored order; as many as `channels`.
    pub logical: Vec<u32>,
    /// The unit whose `keep` decides how many are live, and how many channels each of its coordinates has;
    /// `None` where all always live.
    pub unit: Option<(usize, u32)>,
}

/// Where a record starts in the table, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record(pub u32);

/// The distinct channel layouts of a plan, in table order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveLayout {
    axes: Vec<(Record, Vec<StoredSegment>)>,
}

/// The words of one candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTable(pub Vec<u32>);

impl LiveLayout {
    /// The record of `segments`, added if it is new.
    pub fn record(&mut self, segments: Vec<StoredSegment>) -> Record {
        if let Some((record, _)) = self.axes.iter().find(|(_, known)| *known == segments) {
            return *record;
        }
        let record = Record(self.words() as u32);
        self.axes.push((record, segments));
        record
    }

    /// The length of a table in words.
    pub fn words(&self) -> usize {
        self.axes.last().map_or(1, |(record, segments)| record.0 as usize + 2 + 2 * segments.len())
    }

    /// The segments behind a record.
    ///
    /// # Panics
    /// If the record is of another layout.
    pub fn segments(&self, record: Record) -> &[StoredSegment] {
        let found = self.axes.iter().find(|(known, _)| *known == record);
        &found.expect("a record comes from its own layout").1
    }

    /// The table of candidate number `candidate`, in which `keep[u]` coordinates of unit `u` live; units beyond the
    /// end of `keep` are whole.
    pub fn table(&self, candidate: u32, keep: &[usize]) -> LiveTable {
        let mut words = vec![candidate];
        for (_, segments) in &self.axes {
            let live: Vec<u32> = segments.iter().map(|s| s.live(keep)).collect();
            words.push(segments.len() as u32);
            words.push(live.iter().map(|channels| channels.div_ceil(4)).sum());
            for (segment, channels) in segments.iter().zip(live) {
                words.extend([segment.first_group, channels]);
            }
        }
        LiveTable(words)
    }
}

impl StoredSegment {
    /// The segment of the logical channels `start .. start + channels`.
    pub fn run(first_group: u32, start: u32, channels: u32, unit: Option<(usize, u32)>) -> Self {
        Self { first_group, channels, logical: (start..start + channels).collect(), unit }
    }

    /// The stored lanes (`4 group + lane`) with their logical channels.
    pub fn lanes(&self) -> impl Iterator<Item = (u32, u32)> {
        (4 * self.first_group..).zip(self.logical.iter().copied())
    }

    fn live(&self, keep: &[usize]) -> u32 {
        match self.unit {
            Some((unit, block)) => {
                keep.get(unit).map_or(self.channels, |&k| (k as u32).saturating_mul(block).min(self.channels))
            }
            None => self.channels,
        }
    }
}

impl LiveTable {
    /// The number of live channel groups of a record.
    pub fn groups(&self, record: Record) -> u32 {
        self.0[record.0 as usize + 1]
    }

    /// The number of live channels of a record.
    pub fn channels(&self, record: Record) -> u32 {
        let segments = self.0[record.0 as usize] as usize;
        let first = record.0 as usize + 2;
        self.0[first..first + 2 * segments].chunks_exact(2).map(|segment| segment[1]).sum()
    }
}
