//! From classes to units: classes that appear in the same places are the coordinates of one unit.

use super::axes::Parameters;
use super::classes::{Class, Classes};
use super::coupling::Couplings;
use super::{Member, Pinned, Producer, Segment, Unit, Units};
use crate::graph::{Graph, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// Adjacent channels of a value that are all of one class, with no cut between them.
#[derive(Clone, Copy, Debug)]
struct Appearance {
    value: ValueId,
    start: usize,
    channels: usize,
}

/// The unit and coordinate of every free class that has one.
struct Labels(Vec<Option<(usize, usize)>>);

struct Runs<'a> {
    parameters: &'a Parameters<'a>,
    graph: &'a Graph,
    couplings: &'a Couplings,
    classes: &'a Classes<'a>,
    cuts: &'a [BTreeSet<usize>],
    appearances: Vec<Vec<Appearance>>,
    /// What computes a value from weights of its own.
    producer: Vec<Option<usize>>,
}

/// The units of a graph whose channels are `classes`, cut at `cuts`.
pub(super) fn units(
    parameters: &Parameters,
    couplings: &Couplings,
    classes: &Classes<'_>,
    cuts: &[BTreeSet<usize>],
) -> Units {
    let mut runs = Runs {
        parameters,
        graph: parameters.graph,
        couplings,
        classes,
        cuts,
        appearances: vec![Vec::new(); classes.count],
        producer: producers(parameters),
    };
    runs.appear();
    let chains = runs.chains();
    let mut labels = Labels(vec![None; classes.count]);
    for (unit, chain) in chains.iter().enumerate() {
        for (coordinate, &class) in chain.iter().enumerate() {
            labels.0[class] = Some((unit, coordinate));
        }
    }
    let units = runs.name(&chains);
    let pinned = runs.pinned(&labels);
    let segments =
        (0..couplings.channels.len()).map(|v| runs.segments(ValueId(v), &units, &labels)).collect();
    Units { units, pinned, segments, axes: Vec::new() }
}

fn producers(parameters: &Parameters) -> Vec<Option<usize>> {
    let graph = parameters.graph;
    let mut producer = vec![None; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        if parameters.filters(node).is_some() {
            producer[node.outputs[0].0] = Some(index);
        }
    }
    producer
}

impl Runs<'_> {
    fn appear(&mut self) {
        for (value, &channels) in self.couplings.channels.iter().enumerate() {
            let value = ValueId(value);
            let mut before = None;
            for channel in 0..channels {
                let class = self.classes.of(value, channel);
                let goes_on = before == Some(class) && !self.cuts[value.0].contains(&channel);
                before = Some(class);
                let Class::Free(class) = class else { continue };
                match self.appearances[class].last_mut() {
                    Some(last) if goes_on => last.channels += 1,
                    _ => self.appearances[class].push(Appearance { value, start: channel, channels: 1 }),
                }
            }
        }
    }

    /// Where a class appears: in which values, between which cuts, with how many adjacent channels each time.
    fn signature(&self, class: usize) -> Vec<(ValueId, usize, usize)> {
        let place = |a: &Appearance| (a.value, self.cuts[a.value.0].range(..=a.start).count(), a.channels);
        self.appearances[class].iter().map(place).collect()
    }

    /// The units as lists of classes, in execution order of their first producers: classes that appear in the same
    /// places are coordinates of one unit. A single class is no unit: its one coordinate would have to stay.
    fn chains(&self) -> Vec<Vec<usize>> {
        let mut alike: BTreeMap<Vec<(ValueId, usize, usize)>, Vec<usize>> = BTreeMap::new();
        for class in 0..self.classes.count {
            alike.entry(self.signature(class)).or_default().push(class);
        }
        let mut chains: Vec<Vec<usize>> = alike
            .into_values()
            .filter(|chain| chain.len() > 1 && self.first_producer(chain[0]).is_some())
            .collect();
        for chain in &mut chains {
            chain.sort_by_key(|&class| self.first_producer(class));
        }
        chains.sort_by_key(|chain| self.first_producer(chain[0]));
        chains
    }

    /// The first node that computes channels of a class, and the first such channel.
    fn first_producer(&self, class: usize) -> Option<(usize, usize)> {
        let place = |a: &Appearance| Some((self.producer[a.value.0]?, a.start));
        self.appearances[class].iter().filter_map(place).min()
    }

    fn name(&self, chains: &[Vec<usize>]) -> Vec<Unit> {
        let mut named = vec![0; self.graph.nodes.len()];
        let unit = |chain: &Vec<usize>| {
            let (node, _) = self.first_producer(chain[0])?;
            named[node] += 1;
            let name = &self.graph.nodes[node].name;
            let id = if named[node] == 1 { name.clone() } else { format!("{name}#{}", named[node]) };
            let member = |(at, a): (usize, &Appearance)| Member {
                value: a.value,
                starts: chain.iter().map(|&class| self.appearances[class][at].start).collect(),
                block: a.channels,
            };
            let members: Vec<Member> = self.appearances[chain[0]].iter().enumerate().map(member).collect();
            let producers = self.unit_producers(&members);
            Some(Unit { id, channels: chain.len(), members, producers })
        };
        chains.iter().filter_map(unit).collect()
    }

    fn unit_producers(&self, members: &[Member]) -> Vec<Producer> {
        let producer = |(member, appearance): (usize, &Member)| {
            let node = self.producer[appearance.value.0]?;
            let (weight, axis) = self.parameters.filters(&self.graph.nodes[node])?;
            Some(Producer { node, member, weight, axis })
        };
        members.iter().enumerate().filter_map(producer).collect()
    }

    /// A value's segments, ordered by their first channels: one for every appearance of a unit, and one for every run
    /// of pinned channels between cuts.
    fn segments(&self, value: ValueId, units: &[Unit], labels: &Labels) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            for member in unit.members.iter().filter(|member| member.value == value) {
                let channels = (0..unit.channels).flat_map(|k| member.channels(k)).collect();
                segments.push(Segment { unit: Some((index, member.block)), channels });
            }
        }
        let mut goes_on = false;
        for channel in 0..self.couplings.channels[value.0] {
            if labels.of(self.classes.of(value, channel)).is_some() {
                goes_on = false;
                continue;
            }
            match segments.last_mut() {
                Some(run) if goes_on && !self.cuts[value.0].contains(&channel) => run.channels.push(channel),
                _ => segments.push(Segment { unit: None, channels: vec![channel] }),
            }
            goes_on = true;
        }
        // The first coordinate of a unit always stays, so that a pruned network is stored in the same order.
        segments.sort_by_key(|segment| segment.channels.first().copied());
        segments
    }

    fn pinned(&self, labels: &Labels) -> Vec<Pinned> {
        let mut pinned: Vec<Pinned> = Vec::new();
        for node in self.graph.nodes.iter().filter(|node| self.parameters.filters(node).is_some()) {
            let value = node.outputs[0];
            let first = pinned.len();
            for channel in 0..self.couplings.channels[value.0] {
                let class = self.classes.of(value, channel);
                if labels.of(class).is_some() {
                    continue;
                }
                let reason = match class {
                    Class::Pinned(pin) => self.classes.reason(self.graph, pin, value, channel),
                    Class::Free(_) if self.couplings.channels[value.0] == 1 => "one channel".to_owned(),
                    Class::Free(_) => "couplings set it apart from its neighbours".to_owned(),
                };
                match pinned[first..].iter_mut().find(|entry| entry.reason == reason) {
                    Some(entry) => entry.channels += 1,
                    None => pinned.push(Pinned { node: node.name.clone(), channels: 1, reason }),
                }
            }
        }
        pinned
    }
}

impl Labels {
    fn of(&self, class: Class) -> Option<(usize, usize)> {
        match class {
            Class::Pinned(_) => None,
            Class::Free(class) => self.0[class],
        }
    }
}
