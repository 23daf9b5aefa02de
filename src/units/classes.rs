//! Classes of coupled channels: the connected components of the couplings, those that hold a pinned channel first.

use super::coupling::Couplings;
use crate::graph::{Graph, ValueId};
use std::collections::VecDeque;

/// What a channel belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Channels that stay, because of a pin (by index).
    Pinned(usize),
    /// A closed set of coupled channels.
    Free(usize),
}

/// The class of every channel of every value.
pub(super) struct Classes<'a> {
    couplings: &'a Couplings,
    /// The first entry of every value in the lists below, one entry for each channel.
    first: Vec<usize>,
    class: Vec<Option<Class>>,
    /// The channel from which a channel was reached, and the node that couples them.
    reached: Vec<Option<(ValueId, usize, usize)>>,
    /// How many free classes there are.
    pub count: usize,
}

impl<'a> Classes<'a> {
    /// Finds all classes.
    pub fn find(couplings: &'a Couplings) -> Self {
        let starts = |next: &mut usize, &channels: &usize| {
            let first = *next;
            *next += channels;
            Some(first)
        };
        let total = couplings.channels.iter().sum();
        let first = couplings.channels.iter().scan(0, starts).collect();
        let mut classes =
            Self { couplings, first, class: vec![None; total], reached: vec![None; total], count: 0 };
        let mut flood = Flood::new(couplings);
        for (index, pin) in couplings.pins.iter().enumerate() {
            for channel in 0..couplings.channels[pin.value.0] {
                classes.seed(&mut flood, pin.value, channel, Class::Pinned(index));
            }
        }
        classes.run(&mut flood);
        for (value, &channels) in couplings.channels.iter().enumerate() {
            for channel in 0..channels {
                let class = Class::Free(classes.count);
                if classes.seed(&mut flood, ValueId(value), channel, class) {
                    classes.count += 1;
                    classes.run(&mut flood);
                }
            }
        }
        classes
    }

    /// The class of a channel.
    pub fn of(&self, value: ValueId, channel: usize) -> Class {
        self.class[self.first[value.0] + channel].expect("every channel is given a class")
    }

    /// Why a pinned channel stays: the reason of the pin, and the nodes that couple it with the pinned value.
    pub fn reason(&self, graph: &Graph, pin: usize, value: ValueId, channel: usize) -> String {
        let mut path: Vec<&str> = Vec::new();
        let mut at = self.reached[self.first[value.0] + channel];
        while let Some((value, channel, node)) = at {
            let name = graph.nodes[node].name.as_str();
            if path.last() != Some(&name) {
                path.push(name);
            }
            at = self.reached[self.first[value.0] + channel];
        }
        let reason = &self.couplings.pins[pin].reason;
        match path[..] {
            [] => reason.clone(),
            [first, second, .., last] if path.len() > LONGEST_PATH => {
                format!("{reason}, through {first}, {second}, {} more and {last}", path.len() - 3)
            }
            _ => format!("{reason}, through {}", path.join(", ")),
        }
    }

    fn seed(&mut self, flood: &mut Flood, value: ValueId, channel: usize, class: Class) -> bool {
        let slot = &mut self.class[self.first[value.0] + channel];
        let new = slot.is_none();
        if new {
            *slot = Some(class);
            flood.queue.push_back((value, channel));
        }
        new
    }

    fn run(&mut self, flood: &mut Flood) {
        while let Some((value, channel)) = flood.queue.pop_front() {
            let class = self.of(value, channel);
            for index in 0..flood.touching[value.0].len() {
                let (link, here, there) = flood.touching[value.0][index];
                let Some(block) = here.block_of(channel, self.couplings.links[link].count) else { continue };
                if std::mem::replace(&mut flood.used[link][block], true) {
                    continue;
                }
                for side in [here, there] {
                    for other in side.channels(block) {
                        if self.seed(flood, side.value, other, class) {
                            let node = self.couplings.links[link].node;
                            self.reached[self.first[side.value.0] + other] = Some((value, channel, node));
                        }
                    }
                }
            }
        }
    }
}

/// The nodes of a path that a reason names before it abbreviates.
const LONGEST_PATH: usize = 6;

struct Flood {
    touching: Vec<Vec<(usize, super::coupling::Blocks, super::coupling::Blocks)>>,
    /// Which blocks of which links have been followed.
    used: Vec<Vec<bool>>,
    queue: VecDeque<(ValueId, usize)>,
}

impl Flood {
    fn new(couplings: &Couplings) -> Self {
        Self {
            touching: couplings.touching(),
            used: couplings.links.iter().map(|link| vec![false; link.count]).collect(),
            queue: VecDeque::new(),
        }
    }
}
