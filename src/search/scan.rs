//! How the candidates of one unit are judged, one after another.

use super::driver::{Driver, SearchError, Turn};
use super::journal::{Scored, Visit};
use super::recovering::Start;
use super::state::Network;
use super::{Evaluator, Loss, TaskLimit};
use crate::graph::Graph;
use crate::units::Unit;

/// What was found out about one unit.
#[derive(Default)]
pub(super) struct Scanned {
    /// What was judged, ever fewer kept.
    pub candidates: Vec<Scored>,
    /// The smallest keep before the first that breaks a limit.
    pub accepted: Option<usize>,
    /// The task whose limit the first refused candidate breaks by most, if any is refused.
    pub broken: Option<usize>,
}

/// How one unit is judged.
pub(super) struct Scan<'a> {
    /// The relative increase allowed to each task.
    pub limits: Vec<f64>,
    /// What it is relative to.
    pub base: &'a [f64],
    /// Scores coordinates.
    pub rank: &'a dyn Fn(&Graph, &Unit) -> Vec<f64>,
    /// The kept counts to try, ever smaller, given the scores from the most salient down and their number.
    pub tries: &'a dyn Fn(&[f64], usize) -> Vec<usize>,
    /// Whether the last candidate is accepted where none broke a limit.
    pub commit_unbroken: bool,
}

/// The candidates of one unit.
pub(super) struct Candidates<'a> {
    /// The network that they prune, the unit's channels in the order of which they keep prefixes.
    pub network: &'a Network,
    /// The visit.
    pub turn: &'a Turn,
    /// What they keep, ever less.
    pub tries: &'a [usize],
    /// How they are judged.
    pub scan: &'a Scan<'a>,
}

impl Candidates<'_> {
    /// The coordinates that the unit has.
    pub fn channels(&self) -> usize {
        self.network.units.units[self.turn.unit].channels
    }

    /// The candidate that keeps `keep`, as evaluators take it.
    pub fn keeping(&self, keep: usize) -> Vec<usize> {
        let mut counts: Vec<usize> = self.network.units.units.iter().map(|unit| unit.channels).collect();
        counts[self.turn.unit] = keep;
        counts
    }
}

/// How much a candidate loses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worst {
    /// The largest relative increase over the tasks.
    pub increase: f64,
    /// The largest share of its limit that a task's increase takes, over 1 where a limit is broken.
    pub taken: f64,
    /// The task that exceeds its limit by most, if any does.
    pub broken: Option<usize>,
}

/// The candidate that keeps `keep`, which was scored.
pub(super) fn scored_at(visit: &Visit, keep: usize) -> &Scored {
    let found = visit.candidates.iter().find(|scored| scored.keep == keep);
    found.expect("an accepted keep was scored")
}

/// What a candidate with these losses loses. A loss that is not finite exceeds every limit.
pub(super) fn worst(tasks: &[TaskLimit], losses: &[Loss], scan: &Scan) -> Worst {
    let mut worst = Worst { increase: f64::NEG_INFINITY, taken: f64::NEG_INFINITY, broken: None };
    let mut excess = 0.0;
    for (task, loss) in losses.iter().enumerate() {
        let (mean, base, limit) = (loss.mean(), scan.base[task], scan.limits[task]);
        let least = tasks[task].floor;
        let increase = if mean.is_finite() { (mean - base) / base.max(least) } else { f64::INFINITY };
        worst.increase = worst.increase.max(increase);
        worst.taken = worst.taken.max(increase / limit);
        if increase > limit && (worst.broken.is_none() || increase - limit > excess) {
            excess = increase - limit;
            worst.broken = Some(task);
        }
    }
    worst
}

impl<E: Evaluator> Driver<'_, E> {
    /// Scores ever smaller keeps until a task's limit is broken; the task that broke it by most, if any. What was
    /// scored past the first violation is not reported.
    pub(super) fn scan(
        &mut self,
        candidates: &Candidates,
        start: Start,
    ) -> Result<Scanned, SearchError<E::Error>> {
        let Candidates { tries, scan, .. } = *candidates;
        let mut known = start.first;
        let mut scored: Vec<Scored> = Vec::new();
        let (first, rest) = tries.split_at(usize::from(known.is_some()).min(tries.len()));
        for chunk in first.chunks(1).chain(rest.chunks(self.options.width.max(1))) {
            let losses = match known.take() {
                Some(losses) => vec![losses],
                None => {
                    let list: Vec<Vec<usize>> = chunk.iter().map(|&keep| candidates.keeping(keep)).collect();
                    self.evaluator.score(&list).map_err(SearchError::Evaluate)?
                }
            };
            for (&keep, losses) in chunk.iter().zip(losses) {
                let worst = worst(self.evaluator.tasks(), &losses, scan);
                self.observer.scored(keep, candidates.channels(), worst.increase);
                let accepted = scored.last().map(|scored| scored.keep);
                let dropped = self.dropped().map(|dropped| dropped[keep]);
                scored.push(Scored { keep, losses, part: None, dropped });
                if worst.broken.is_some() {
                    return Ok(Scanned { candidates: scored, accepted, broken: worst.broken });
                }
            }
        }
        let accepted = scored.last().map(|scored| scored.keep);
        Ok(Scanned { candidates: scored, accepted, broken: None })
    }

    /// The losses of one candidate of the prepared network.
    pub(super) fn losses(
        &mut self,
        candidates: &Candidates,
        keep: usize,
    ) -> Result<Vec<Loss>, SearchError<E::Error>> {
        let mut losses = self.evaluator.score(&[candidates.keeping(keep)]).map_err(SearchError::Evaluate)?;
        Ok(losses.swap_remove(0))
    }
}
