//! From one stored form to another: tables of what every image, channel, row and column of the output adds to the
//! place of the element that is read. All that only moves elements is such a sum.

use super::dispatch::MAX_QUOTIENT;
use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::{Node, ValueId};
use crate::kernels::gather::{GATHER, GatherParams, Grain, spec};
use crate::kernels::live::StoredSegment;
use crate::plan::Operand;
use std::collections::BTreeSet;

/// The steps along input axes that one index along an output axis adds; `None` where it reads nothing.
pub(super) type Reading = Option<Vec<(usize, usize)>>;

/// A move of elements, of logical axes.
pub(super) struct Moved {
    /// For every axis of the output, what each index along it adds.
    pub(super) axes: Vec<Vec<Reading>>,
    /// What every element adds.
    pub(super) base: Vec<(usize, usize)>,
    /// What is written where nothing is read.
    pub(super) fill: f32,
}

/// A shape with one of its stored forms.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) shape: &'a [usize],
    pub(super) stored: &'a Stored,
}

/// Image, channel, pixel, and how many parts read nothing.
pub(super) type Entry = [u32; 4];

/// A move between two stored forms.
pub(super) struct Gather<'a> {
    x: &'a Stored,
    y: &'a Stored,
    fill: f32,
    grain: Grain,
    images: Vec<Entry>,
    channels: Vec<Entry>,
    rows: Vec<Entry>,
    columns: Vec<Entry>,
}

/// A stored form to bring a value into: as if it had `rank` dimensions, ones before its own, with its channels in
/// dimension `axis`, cut as `segments`.
pub(super) struct Form<'a> {
    pub(super) rank: usize,
    pub(super) axis: usize,
    pub(super) segments: &'a [StoredSegment],
}

/// The computed `value` in another stored form: in a buffer of its own, or in the same one where the bytes agree.
///
/// # Errors
/// [`PlanError::Unsupported`] where the form would hold channels that a unit prunes and it does not.
pub(super) fn relayout(
    cx: &mut Lowering,
    node: &Node,
    value: ValueId,
    form: &Form,
) -> Result<(Operand, Stored), PlanError> {
    let own = cx.shapes[value.0].as_slice();
    let name = cx.graph.value(value).name.clone();
    let ones = form.rank.saturating_sub(own.len());
    let shape = [vec![1; ones], own.to_vec()].concat();
    let channels: u32 = form.segments.iter().map(|segment| segment.channels).sum();
    if shape.get(form.axis).copied().unwrap_or(1) != channels as usize {
        let reason = format!(
            "{name} of shape {own:?} must have {channels} channels in dimension {} of {}",
            form.axis, form.rank
        );
        return Err(unsupported(node, reason));
    }
    let y = cx.stored_as(&shape, form.axis, form.segments.to_vec());
    let x = cx.stored(value);
    let moved = Moved::stretched(own, &shape);
    let (from, to) = (Placed { shape: own, stored: &x }, Placed { shape: &shape, stored: &y });
    let gather = Gather::new(node, &moved, from, to)?;
    let source = cx.slot(value);
    if gather.is_identity() {
        return Ok((source, y));
    }
    let slot = Operand::Slot(cx.extra_slot(value, &y));
    gather.add(cx, node, source, slot);
    Ok((slot, y))
}

impl Moved {
    /// Every output axis reads the input axis beside it in `sources`, or repeats what there is.
    pub(super) fn axes(sources: &[Option<usize>], y: &[usize]) -> Self {
        let axis = |(&source, &size): (&Option<usize>, &usize)| match source {
            Some(axis) => along(axis, size),
            None => vec![Some(Vec::new()); size],
        };
        Self { axes: sources.iter().zip(y).map(axis).collect(), base: Vec::new(), fill: 0.0 }
    }

    /// Numpy broadcasting from `x` to `y`: axes are aligned at the end, and repeat where `x` has one element.
    pub(super) fn stretched(x: &[usize], y: &[usize]) -> Self {
        let grown = y.len() - x.len();
        let source = |axis: usize| axis.checked_sub(grown).filter(|&from| x[from] == y[axis]);
        let sources: Vec<Option<usize>> = (0..y.len()).map(source).collect();
        Self::axes(&sources, y)
    }
}

/// An output axis that is an input axis.
pub(super) fn along(axis: usize, size: usize) -> Vec<Reading> {
    (0..size).map(|index| Some(vec![(axis, index)])).collect()
}

impl<'a> Gather<'a> {
    /// The move from `x` to `y`.
    ///
    /// # Errors
    /// [`PlanError::Unsupported`] where a channel of `y` may live without one of `x` that it reads, or where `y` has
    /// more rows than shaders count.
    pub(super) fn new(node: &Node, moved: &Moved, x: Placed<'a>, y: Placed<'a>) -> Result<Self, PlanError> {
        let rows = y.stored.images.saturating_mul(y.stored.height);
        if rows.max(y.stored.groups) >= MAX_QUOTIENT {
            let reason =
                format!("expected fewer than {MAX_QUOTIENT} rows and channel groups, found {rows} rows");
            return Err(unsupported(node, reason));
        }
        let table = Table { moved, places: places(x), shape: y.shape };
        let axis = y.stored.axis;
        let rest: Vec<usize> = (1..y.shape.len()).filter(|&at| at != axis).collect();
        let (column, row) = rest.split_last().map_or((None, &[][..]), |(last, rest)| (Some(*last), rest));
        let first = (axis > 0 && !y.shape.is_empty()).then_some(0);
        let mut images = table.of(first.as_slice());
        let base = table.entry(&moved.base);
        images.iter_mut().for_each(|entry| *entry = sum(*entry, base));
        let logical = table.of((axis < y.shape.len()).then_some(axis).as_slice());
        let mut gather = Self {
            x: x.stored,
            y: y.stored,
            fill: moved.fill,
            grain: Grain::Logical,
            images,
            channels: Vec::new(),
            rows: table.of(row),
            columns: table.of(column.as_slice()),
        };
        gather.check(node, &logical)?;
        gather.place_channels(&logical);
        Ok(gather)
    }

    /// Whether the output's bytes are the input's.
    pub(super) fn is_identity(&self) -> bool {
        let (x, y) = (self.x, self.y);
        let cut = |s: &Stored| -> Vec<_> {
            s.segments.iter().map(|s| (s.first_group, s.channels, s.unit)).collect()
        };
        let same = x.images == y.images && x.groups == y.groups && cut(x) == cut(y);
        same && self.first_group() == Some(0)
    }

    /// The channel group of the input from which on the output's follow one another, where that is all.
    pub(super) fn first_group(&self) -> Option<u32> {
        let (x, y) = (self.x, self.y);
        let first = self.channels.first()?[1];
        let along = |entries: &[Entry], part: usize, from: u32, size: u32| {
            (0..).zip(entries).all(|(at, entry)| {
                let mut expected = [0; 4];
                expected[part] = from + at * size;
                *entry == expected
            })
        };
        let moves = self.grain == Grain::Groups
            && x.pixels() == y.pixels()
            && along(&self.images, 0, 0, 1)
            && along(&self.channels, 1, first, 1)
            && along(&self.rows, 2, 0, y.width)
            && along(&self.columns, 2, 0, 1);
        moves.then_some(first)
    }

    /// Adds the step.
    pub(super) fn add(&self, cx: &mut Lowering, node: &Node, source: Operand, out: Operand) {
        let (x, y) = (self.x, self.y);
        let mut table: Vec<Entry> = Vec::new();
        let mut append = |entries: &[Entry]| {
            table.extend(entries);
            (table.len() - entries.len()) as u32
        };
        append(&self.images);
        let channels = append(&self.channels);
        let rows = append(&self.rows);
        let columns = append(&self.columns);
        let lanes = if self.grain == Grain::Logical { x.places() } else { Vec::new() };
        let lanes: Vec<Entry> = lanes.into_iter().map(|lane| [0, lane, 0, 0]).collect();
        let map = append(&lanes);
        let params = GatherParams {
            record: y.record.0,
            images: y.images,
            pixels: y.pixels(),
            width: y.width,
            groups: y.groups,
            in_pixels: x.pixels(),
            in_groups: x.groups,
            channels,
            rows,
            columns,
            map,
            fill: self.fill,
        };
        let table = cx.pack(table.into_iter().flatten().map(f32::from_bits).collect());
        cx.dispatch(
            node,
            Dispatch {
                kernel: &GATHER,
                spec: spec(self.grain),
                params: params.words(),
                operands: vec![source, table, out],
                grid: y.elements(),
            },
        );
    }

    /// That everything that may be read is there, and lives where it is read.
    fn check(&self, node: &Node, logical: &[Entry]) -> Result<(), PlanError> {
        let x = self.x;
        let parts = [&self.images[..], &self.rows, &self.columns];
        let most = |part: usize| -> u64 {
            let most = |entries: &[Entry]| {
                entries.iter().filter(|e| e[3] == 0).map(|e| u64::from(e[part])).max().unwrap_or(0)
            };
            parts.into_iter().chain([logical]).map(most).sum()
        };
        let within = [(0, x.images), (1, x.channels), (2, x.pixels())];
        if let Some((part, size)) = within.into_iter().find(|&(part, size)| most(part) >= u64::from(size)) {
            let what = ["images", "channels", "pixels"][part];
            return Err(unsupported(
                node,
                format!("expected at most {size} {what}, found {}", most(part) + 1),
            ));
        }
        let mut shifts = BTreeSet::from([0]);
        for entries in parts {
            let steps: BTreeSet<u32> = entries.iter().filter(|e| e[3] == 0).map(|e| e[1]).collect();
            shifts = shifts.iter().flat_map(|shift| steps.iter().map(move |step| shift + step)).collect();
        }
        let (there, here) = (x.coordinates(), self.y.coordinates());
        for (channel, entry) in logical.iter().enumerate().filter(|(_, entry)| entry[3] == 0) {
            for source in shifts.iter().map(|shift| (shift + entry[1]) as usize) {
                if there[source].is_some() && there[source] != here[channel] {
                    let reason = format!(
                        "channel {channel} of the output lives without channel {source} of the input, which it reads"
                    );
                    return Err(unsupported(node, reason));
                }
            }
        }
        Ok(())
    }

    /// The entries of stored channels: whole groups where they move as such, else lanes, or logical channels where
    /// other entries shift them.
    fn place_channels(&mut self, logical: &[Entry]) {
        let shifted = [&self.images, &self.rows, &self.columns].into_iter().flatten().any(|e| e[1] > 0);
        let lanes = self.x.places();
        self.channels = vec![[0; 4]; self.y.groups as usize * 4];
        for (lane, channel) in self.y.segments.iter().flat_map(StoredSegment::lanes) {
            let mut entry = logical[channel as usize];
            if !shifted && entry[3] == 0 {
                entry[1] = lanes[entry[1] as usize];
            }
            self.channels[lane as usize] = entry;
        }
        if shifted {
            return;
        }
        self.grain = Grain::Lanes;
        if let Some(groups) = self.whole_groups() {
            self.channels = groups;
            self.grain = Grain::Groups;
        }
    }

    /// The entries of groups whose channels come from one group, in the same lanes.
    fn whole_groups(&self) -> Option<Vec<Entry>> {
        let mut groups = vec![[0; 4]; self.y.groups as usize];
        for segment in &self.y.segments {
            let first = 4 * segment.first_group as usize;
            let lanes = &self.channels[first..first + segment.channels as usize];
            for (group, lanes) in (segment.first_group as usize..).zip(lanes.chunks(4)) {
                let [image, lane, pixel, none] = lanes[0];
                let beside = |(at, entry): (u32, &Entry)| match none {
                    0 => *entry == [image, lane + at, pixel, 0],
                    _ => entry[3] > 0,
                };
                if lane % 4 > 0 || !(0..).zip(lanes).all(beside) {
                    return None;
                }
                groups[group] = [image, lane / 4, pixel, none];
            }
        }
        Some(groups)
    }
}

/// What a step along each axis of a stored value adds.
pub(super) fn places(x: Placed) -> Vec<Entry> {
    let axis = x.stored.axis;
    let mut pixels = 1;
    let mut places = vec![[0; 4]; x.shape.len()];
    for (at, place) in places.iter_mut().enumerate().rev() {
        match at {
            _ if at == axis => place[1] = 1,
            0 => place[0] = 1,
            _ => {
                place[2] = pixels;
                pixels *= x.shape[at] as u32;
            }
        }
    }
    places
}

struct Table<'a> {
    moved: &'a Moved,
    places: Vec<Entry>,
    shape: &'a [usize],
}

impl Table<'_> {
    fn entry(&self, steps: &[(usize, usize)]) -> Entry {
        let step = |&(axis, steps): &(usize, usize)| self.places[axis].map(|part| part * steps as u32);
        steps.iter().map(step).fold([0; 4], sum)
    }

    /// The entries of all indices along some axes of the output, the last one running fastest.
    fn of(&self, axes: &[usize]) -> Vec<Entry> {
        let mut entries = vec![[0; 4]];
        for &axis in axes {
            let readings = &self.moved.axes[axis];
            debug_assert_eq!(readings.len(), self.shape[axis]);
            let here: Vec<Entry> = readings
                .iter()
                .map(|reading| reading.as_ref().map_or([0, 0, 0, 1], |steps| self.entry(steps)))
                .collect();
            entries =
                entries.iter().flat_map(|before| here.iter().map(|entry| sum(*before, *entry))).collect();
        }
        entries
    }
}

pub(super) fn sum(a: Entry, b: Entry) -> Entry {
    std::array::from_fn(|part| a[part] + b[part])
}
