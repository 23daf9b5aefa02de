//! A network cut for candidates that differ in one unit.

use super::cut::{Touch, Whole, crossing, part};
use super::head::{Head, Origin, Set, origins};
use super::keys::{Key, keys};
use super::piece::Piece;
use crate::evaluate::{EvaluateError, Options};
use crate::gpu::Gpu;
use crate::graph::ValueId;
use crate::tasks::{Loss, Task};
use crate::tensor::count;
use crate::units::Segment;
use std::collections::HashMap;
use std::ops::Range;

/// A network ready to be scored.
pub(in crate::evaluate) struct Split {
    head: Option<Head>,
    tail: Option<Tail>,
    /// Tasks that no candidate changes, each with the key of its loss.
    fixed: Vec<(usize, Key)>,
    /// The losses of those that are not known over the first pictures, and how many these are.
    judged: (Vec<Loss>, usize),
    /// Candidates with their losses over the first batch.
    probed: Vec<(Vec<usize>, Vec<Loss>)>,
    batch: usize,
    macs: u64,
}

/// What runs for every candidate.
struct Tail {
    piece: Piece,
    inputs: Vec<Input>,
    loaded: Option<(Range<usize>, Vec<usize>)>,
}

/// What crosses from the head to the tail.
struct Input {
    origin: Origin,
    /// Its channels, where some of them are units'.
    segments: Vec<Segment>,
}

impl Split {
    /// Cuts `whole` for candidates that differ in the unit `varying`, or in any number of them.
    pub(in crate::evaluate) fn new(
        gpu: &Gpu,
        whole: &Whole<'_>,
        varying: Option<usize>,
        (tasks, options): (&[Task], &Options),
        set: &mut Set,
    ) -> Result<Self, EvaluateError> {
        let keys = keys(whole);
        let graph = whole.graph;
        let shape =
            |output: &ValueId| (graph.value(*output).name.as_str(), whole.shapes[output.0].as_slice());
        let mut outputs = Vec::new();
        for task in tasks {
            let found = task.find(graph.outputs.iter().map(shape))?;
            outputs.push(found.into_iter().map(|at| graph.outputs[at]).collect::<Vec<_>>());
        }
        let inside = match varying {
            Some(unit) => whole.touched(unit, Touch::Numbers, &outputs),
            None => vec![true; graph.nodes.len()],
        };
        let varies = |value: &ValueId| {
            let nodes = graph.nodes.iter().zip(&inside).filter(|(_, inside)| **inside);
            nodes.into_iter().any(|(node, _)| node.outputs.contains(value))
        };
        let (moving, fixed): (Vec<usize>, Vec<usize>) =
            (0..tasks.len()).partition(|&task| varying.is_none() || outputs[task].iter().any(varies));
        let fixed: Vec<(usize, Key)> =
            fixed.into_iter().map(|task| (task, loss_key(task, &outputs, &keys))).collect();
        let unknown: Vec<usize> =
            fixed.iter().filter(|(_, key)| !set.losses.contains_key(key)).map(|(task, _)| *task).collect();
        let crossing = if moving.is_empty() { Vec::new() } else { crossing(graph, &inside) };
        let mut wanted: Vec<ValueId> = crossing.clone();
        wanted.extend(unknown.iter().flat_map(|&task| outputs[task].clone()));
        let head = Head::new(gpu, (whole, &keys), set, &wanted, (tasks, unknown, options))?;
        let tail = match moving.is_empty() {
            true => None,
            false => {
                let ends = graph.outputs.iter().copied().filter(varies).collect();
                let segments =
                    |value: &ValueId| whole.units.segments.get(value.0).cloned().unwrap_or_default();
                let inputs = origins(graph, &keys, &crossing).into_iter().zip(&crossing);
                let inputs =
                    inputs.map(|(origin, value)| Input { origin, segments: segments(value) }).collect();
                let graph = part(graph, &inside, crossing, ends);
                let piece = Piece::new(gpu, (whole, graph), (tasks, moving), options.mean_of_batches)?;
                Some(Tail { piece, inputs, loaded: None })
            }
        };
        let judged = (vec![Loss::default(); tasks.len()], 0);
        Ok(Self { head, tail, fixed, judged, probed: Vec::new(), batch: whole.batch, macs: 0 })
    }

    /// The losses of `candidates` over a set, added to `losses`, which are 0. What was probed is not run again.
    pub(in crate::evaluate) fn score(
        &mut self,
        set: &mut Set,
        candidates: &[Vec<usize>],
        losses: &mut [Vec<Loss>],
    ) -> Result<(), EvaluateError> {
        let probed = match candidates {
            [one] => self.probed.iter().position(|(candidate, _)| candidate == one),
            _ => None,
        };
        let mut first = 0;
        if let Some(at) = probed {
            losses[0] = self.probed.swap_remove(at).1;
            first = self.batch;
        }
        let pictures = set.len();
        for first in (first..pictures).step_by(self.batch) {
            self.run(set, first..pictures.min(first + self.batch), candidates, losses)?;
        }
        for &(task, key) in &self.fixed {
            let loss = *set.losses.entry(key).or_insert(self.judged.0[task]);
            losses.iter_mut().for_each(|losses| losses[task] = loss);
        }
        Ok(())
    }

    /// The losses of a candidate over the first batch of a set of more than one, for the tasks that candidates change.
    pub(in crate::evaluate) fn probe(
        &mut self,
        set: &mut Set,
        candidate: &[usize],
    ) -> Result<Option<Vec<Option<Loss>>>, EvaluateError> {
        if self.batch >= set.len() {
            return Ok(None);
        }
        let known = |probed: &&(Vec<usize>, Vec<Loss>)| probed.0 == candidate;
        let losses = match self.probed.iter().find(known) {
            Some((_, losses)) => losses.clone(),
            None => {
                let (candidates, images) = ([candidate.to_vec()], 0..self.batch);
                let mut losses = [vec![Loss::default(); self.judged.0.len()]];
                self.run(set, images, &candidates, &mut losses)?;
                let ([candidate], [losses]) = (candidates, losses);
                self.probed.push((candidate, losses.clone()));
                losses
            }
        };
        let is_fixed = |task| self.fixed.iter().any(|&(fixed, _)| fixed == task);
        let moving = losses.into_iter().enumerate().map(|(task, loss)| (!is_fixed(task)).then_some(loss));
        Ok(Some(moving.collect()))
    }

    /// Adds the losses of `candidates` over a batch of pictures.
    fn run(
        &mut self,
        set: &mut Set,
        images: Range<usize>,
        candidates: &[Vec<usize>],
        losses: &mut [Vec<Loss>],
    ) -> Result<(), EvaluateError> {
        let unknown = self.fixed.iter().any(|(_, key)| !set.losses.contains_key(key));
        let judging = unknown && self.judged.1 == images.start;
        let mut values = HashMap::new();
        if let Some(head) = &mut self.head
            && (judging || !self.tail.as_ref().is_none_or(|tail| tail.is_known(set, &images)))
        {
            values = head.run(set, images.clone())?;
            self.macs += head.piece.macs(&[]);
            if judging {
                head.piece.add_losses(images.len(), std::slice::from_mut(&mut self.judged.0))?;
                self.judged.1 = images.end;
            }
        }
        if let Some(tail) = &mut self.tail {
            tail.score((set, &values), &images, candidates, losses)?;
            self.macs += candidates.iter().map(|keep| tail.piece.macs(keep)).sum::<u64>();
        }
        Ok(())
    }

    /// The multiply-accumulates executed since this was last asked.
    pub(in crate::evaluate) fn take_macs(&mut self) -> u64 {
        std::mem::take(&mut self.macs)
    }
}

/// What a task's loss over a set follows from.
fn loss_key(task: usize, outputs: &[Vec<ValueId>], keys: &[Key]) -> Key {
    let seed = task as Key;
    outputs[task].iter().fold(seed, |key, output| key.rotate_left(1).wrapping_mul(0x13b) ^ keys[output.0])
}

impl Tail {
    fn is_known(&self, set: &Set, images: &Range<usize>) -> bool {
        self.loaded.as_ref().is_some_and(|(loaded, _)| loaded == images)
            || self.inputs.iter().all(|input| match input.origin {
                Origin::Picture(_) => true,
                Origin::Value(key) => images.clone().all(|picture| set.cache.get(key, picture).is_some()),
            })
    }

    fn score(
        &mut self,
        from: (&Set, &HashMap<Key, Vec<f32>>),
        images: &Range<usize>,
        candidates: &[Vec<usize>],
        losses: &mut [Vec<Loss>],
    ) -> Result<(), EvaluateError> {
        let together = self.piece.session.candidates();
        let mut done = 0;
        while done < candidates.len() {
            let whole = self.is_whole(&candidates[done]);
            let alike = candidates[done..].iter().take_while(|keep| whole && self.is_whole(keep)).count();
            let next = done + alike.clamp(1, together);
            let keep = if whole { &[][..] } else { &candidates[done] };
            self.load(from, images, keep)?;
            self.piece.session.score(&candidates[done..next])?;
            self.piece.add_losses(images.len(), &mut losses[done..next])?;
            done = next;
        }
        Ok(())
    }

    /// Whether a candidate reads its inputs as they are stored unpruned: none of them ends within a channel group.
    fn is_whole(&self, keep: &[usize]) -> bool {
        let ends = |segment: &Segment| {
            let live = live(segment, keep);
            live == segment.channels.len() || live.is_multiple_of(4)
        };
        self.inputs.iter().flat_map(|input| &input.segments).all(ends)
    }

    /// Uploads a batch with the channels that `keep` keeps, if it is not there already.
    fn load(
        &mut self,
        (set, values): (&Set, &HashMap<Key, Vec<f32>>),
        images: &Range<usize>,
        keep: &[usize],
    ) -> Result<(), EvaluateError> {
        if self.loaded.as_ref().is_some_and(|(loaded, kept)| loaded == images && kept == keep) {
            return Ok(());
        }
        if self.loaded.as_ref().is_none_or(|(loaded, _)| loaded != images) {
            self.piece.label(&set.samples, images.clone())?;
        }
        self.loaded = None;
        let plan = self.piece.session.plan();
        let mut inputs = Vec::new();
        for (port, input) in plan.inputs.iter().zip(&self.inputs) {
            let size = (count(&port.shape) / plan.batch, plan.batch);
            let value = match input.origin {
                Origin::Value(key) if values.contains_key(&key) => values[&key].clone(),
                origin => {
                    let known = set.joined((origin, &port.name), images, size)?;
                    known.ok_or(EvaluateError::Unprepared)?
                }
            };
            inputs.push(if keep.is_empty() {
                value
            } else {
                kept(value, &port.shape, &input.segments, keep)
            });
        }
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        self.piece.session.upload(&inputs, keep)?;
        self.loaded = Some((images.clone(), keep.to_vec()));
        Ok(())
    }
}

/// How many channels of a segment a candidate keeps.
fn live(segment: &Segment, keep: &[usize]) -> usize {
    let all = segment.channels.len();
    let of_unit = segment.unit.and_then(|(unit, block)| Some(keep.get(unit)? * block));
    of_unit.map_or(all, |live| live.min(all))
}

/// The kept channels of a row-major value of `shape`, at its beginning.
fn kept(value: Vec<f32>, shape: &[usize], segments: &[Segment], keep: &[usize]) -> Vec<f32> {
    if segments.iter().all(|segment| live(segment, keep) == segment.channels.len()) {
        return value;
    }
    let pixels = count(&shape[2..]);
    let channels = segments.iter().flat_map(|segment| &segment.channels[..live(segment, keep)]);
    let channels: Vec<usize> = channels.copied().collect();
    let mut packed = Vec::with_capacity(value.len());
    for picture in value.chunks_exact(shape[1] * pixels) {
        channels.iter().for_each(|&channel| packed.extend_from_slice(&picture[channel * pixels..][..pixels]));
    }
    packed.resize(value.len(), 0.0);
    packed
}
