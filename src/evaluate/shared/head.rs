//! The part of a network that no candidate changes, on one set of pictures.

use super::cache::{BOUND, Cache};
use super::cut::{Touch, Whole, crossing, needed, part};
use super::keys::Key;
use super::piece::Piece;
use crate::evaluate::network::joined;
use crate::evaluate::{EvaluateError, Options};
use crate::gpu::Gpu;
use crate::graph::{Graph, ValueId};
use crate::tasks::{Loss, Samples, Source, Task};
use crate::tensor::count;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// A set of pictures with what is known of them.
#[derive(Debug)]
pub(in crate::evaluate) struct Set {
    pub(in crate::evaluate) samples: Samples,
    pub(super) cache: Cache,
    /// Losses over the whole set by what they follow from.
    pub(super) losses: HashMap<Key, Loss>,
}

/// Where an input of a part comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// That graph input of every picture.
    Picture(usize),
    /// The cache.
    Value(Key),
}

/// What is computed once.
pub(in crate::evaluate) struct Head {
    pub(in crate::evaluate) piece: Piece,
    inputs: Vec<Origin>,
    outputs: Vec<Key>,
}

impl Set {
    /// Pictures of which nothing is known.
    pub(in crate::evaluate) fn new(samples: Samples) -> Self {
        Self { samples, cache: Cache::new(BOUND), losses: HashMap::new() }
    }

    /// The number of pictures.
    pub(in crate::evaluate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// A network's values are about to be asked for.
    pub(in crate::evaluate) fn next_turn(&mut self) {
        self.cache.next_turn();
    }

    /// One input of a batch of pictures, one after another; `None` where the cache lacks one of them.
    pub(super) fn joined(
        &self,
        (origin, name): (Origin, &str),
        images: &Range<usize>,
        (each, batch): (usize, usize),
    ) -> Result<Option<Vec<f32>>, EvaluateError> {
        match origin {
            Origin::Picture(input) => {
                joined(name, &self.samples.inputs[input][images.clone()], each, batch, 0.0).map(Some)
            }
            Origin::Value(key) => {
                let mut all = Vec::with_capacity(each * batch);
                for picture in images.clone() {
                    let Some(value) = self.cache.get(key, picture) else { return Ok(None) };
                    all.extend_from_slice(value);
                }
                all.resize(each * batch, 0.0);
                Ok(Some(all))
            }
        }
    }
}

/// Where each of `values` comes from.
pub(super) fn origins(graph: &Graph, keys: &[Key], values: &[ValueId]) -> Vec<Origin> {
    let origin = |value: &ValueId| match graph.inputs.iter().position(|input| input == value) {
        Some(input) => Origin::Picture(input),
        None => Origin::Value(keys[value.0]),
    };
    values.iter().map(origin).collect()
}

/// Values worth keeping for later visits: where what the order of some unit's channels decides begins.
fn worthwhile(whole: &Whole<'_>) -> BTreeSet<ValueId> {
    let border = |unit| crossing(whole.graph, &whole.touched(unit, Touch::Order, &[]));
    let values = (0..whole.units.units.len()).flat_map(border);
    values.filter(|value| !whole.graph.inputs.contains(value) && whole.is_portable(*value)).collect()
}

impl Head {
    /// What computes `wanted` from the pictures and from what is known of them, with the losses of `tasks`; `None`
    /// where all of it is known. On its way it also computes, for the cache, what later visits may ask for.
    pub(in crate::evaluate) fn new(
        gpu: &Gpu,
        (whole, keys): (&Whole<'_>, &[Key]),
        set: &mut Set,
        wanted: &[ValueId],
        (tasks, losses, options): (&[Task], Vec<usize>, &Options),
    ) -> Result<Option<Self>, EvaluateError> {
        let graph = whole.graph;
        let (inside, mut outputs) = Self::extent(whole, keys, set, (wanted, &[]));
        if !inside.contains(&true) {
            return Ok(None);
        }
        let inputs = crossing(graph, &inside);
        let named = |output: &&ValueId| {
            let name = &graph.value(**output).name;
            losses.iter().any(|&task| tasks[task].outputs.contains(name))
        };
        let judged: Vec<ValueId> = graph.outputs.iter().filter(named).copied().collect();
        outputs.retain(|output| !judged.contains(output));
        let stored = outputs.iter().map(|output| keys[output.0]).collect();
        outputs.extend(judged);
        let origins = origins(graph, keys, &inputs);
        let graph = part(graph, &inside, inputs, outputs);
        let piece = Piece::new(gpu, (whole, graph), (tasks, losses), options.mean_of_batches)?;
        Ok(Some(Self { piece, inputs: origins, outputs: stored }))
    }

    /// What sums the channel products of `values`, each of which some node computes, from the pictures and from what
    /// is known of them.
    pub(in crate::evaluate) fn summing(
        gpu: &Gpu,
        (whole, keys): (&Whole<'_>, &[Key]),
        set: &mut Set,
        values: &[ValueId],
    ) -> Result<Self, EvaluateError> {
        let graph = whole.graph;
        let (inside, mut outputs) = Self::extent(whole, keys, set, (&[], values));
        if outputs.is_empty() {
            outputs.push(values[0]);
        }
        let inputs = crossing(graph, &inside);
        let origins = origins(graph, keys, &inputs);
        let stored = outputs.iter().map(|output| keys[output.0]).collect();
        let graph = part(graph, &inside, inputs, outputs);
        Ok(Self { piece: Piece::summing(gpu, (whole, graph), values)?, inputs: origins, outputs: stored })
    }

    /// The nodes to run for values that may be known, and for values that have to be computed; and what is kept of
    /// what they compute.
    fn extent(
        whole: &Whole<'_>,
        keys: &[Key],
        set: &mut Set,
        (wanted, computed): (&[ValueId], &[ValueId]),
    ) -> (Vec<bool>, Vec<ValueId>) {
        let (graph, pictures) = (whole.graph, set.len());
        let mut kept = worthwhile(whole);
        kept.extend(wanted);
        let mut found: BTreeSet<ValueId> =
            kept.iter().copied().filter(|value| set.cache.has_all(keys[value.0], pictures)).collect();
        found.retain(|value| !computed.contains(value));
        let known = |value: ValueId| {
            found.contains(&value) || graph.inputs.contains(&value) || graph.constant(value).is_some()
        };
        let all: Vec<ValueId> = wanted.iter().chain(computed).copied().collect();
        let inside = needed(graph, &all, known);
        let nodes = graph.nodes.iter().zip(&inside).filter(|(_, inside)| **inside);
        let outputs: BTreeSet<ValueId> = nodes.flat_map(|(node, _)| &node.outputs).copied().collect();
        (inside, outputs.intersection(&kept).copied().collect())
    }

    /// Runs it on a batch of pictures and keeps what it computes: also gives it, value by value, for pictures that the
    /// cache has no room for.
    pub(in crate::evaluate) fn run(
        &mut self,
        set: &mut Set,
        images: Range<usize>,
    ) -> Result<HashMap<Key, Vec<f32>>, EvaluateError> {
        let pictures = set.len();
        let plan = self.piece.session.plan();
        let mut inputs = Vec::new();
        for (port, origin) in plan.inputs.iter().zip(&self.inputs) {
            let size = (count(&port.shape) / plan.batch, plan.batch);
            let known = set.joined((*origin, &port.name), &images, size)?;
            inputs.push(known.ok_or(EvaluateError::Unprepared)?);
        }
        let batch = plan.batch;
        self.piece.label(&set.samples, images.clone())?;
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let outputs = self.piece.session.run_judged(&inputs)?;
        let mut values = HashMap::new();
        for (key, output) in self.outputs.iter().zip(outputs) {
            let each = output.len() / batch;
            for picture in images.clone() {
                let value = &output[(picture - images.start) * each..][..each];
                set.cache.put(*key, (picture, pictures), value);
            }
            values.insert(*key, output);
        }
        Ok(values)
    }
}
