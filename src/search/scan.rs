//! How the candidates of one unit are judged, one after another.

use super::driver::{Driver, SearchError};
use super::journal::{Scored, Visit};
use super::recovering::Start;
use super::{Evaluator, Loss, TaskLimit};
use crate::graph::Graph;
use crate::units::Unit;

/// What was found out about one unit.
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

/// The losses of the candidate that keeps `keep`.
pub(super) fn losses_at(visit: &Visit, keep: usize) -> &[Loss] {
    let found = visit.candidates.iter().find(|scored| scored.keep == keep);
    &found.expect("an accepted keep was scored").losses
}

/// The largest relative increase over the tasks, and the task that exceeds its limit by most, if any does. A loss
/// that is not finite exceeds every limit.
pub(super) fn worst_increase(tasks: &[TaskLimit], losses: &[Loss], scan: &Scan) -> (f64, Option<usize>) {
    let mut worst = f64::NEG_INFINITY;
    let mut excess = 0.0;
    let mut broken = None;
    for (task, loss) in losses.iter().enumerate() {
        let (mean, base, limit) = (loss.mean(), scan.base[task], scan.limits[task]);
        let least = tasks[task].floor;
        let increase = if mean.is_finite() { (mean - base) / base.max(least) } else { f64::INFINITY };
        worst = worst.max(increase);
        if increase > limit && (broken.is_none() || increase - limit > excess) {
            excess = increase - limit;
            broken = Some(task);
        }
    }
    (worst, broken)
}

impl<E: Evaluator> Driver<'_, E> {
    /// Scores ever smaller keeps until a task's limit is broken; the task that broke it by most, if any. What was
    /// scored past the first violation is not reported.
    pub(super) fn scan(
        &mut self,
        (unit, keeps): (usize, &[Vec<usize>]),
        tries: &[usize],
        scan: &Scan,
        start: Start,
    ) -> Result<Scanned, SearchError<E::Error>> {
        let whole: Vec<usize> = keeps.iter().map(Vec::len).collect();
        let mut known = start.first;
        let mut scored: Vec<Scored> = Vec::new();
        let (first, rest) = tries.split_at(usize::from(known.is_some()).min(tries.len()));
        for chunk in first.chunks(1).chain(rest.chunks(self.options.width.max(1))) {
            let candidate = |&keep: &usize| {
                let mut counts = whole.clone();
                counts[unit] = keep;
                counts
            };
            let candidates: Vec<Vec<usize>> = chunk.iter().map(candidate).collect();
            let losses = match known.take() {
                Some(losses) => vec![losses],
                None => self.evaluator.score(&candidates).map_err(SearchError::Evaluate)?,
            };
            for (&keep, losses) in chunk.iter().zip(losses) {
                let (worst, task) = worst_increase(self.evaluator.tasks(), &losses, scan);
                self.observer.scored(keep, whole[unit], worst);
                let accepted = scored.last().map(|scored| scored.keep);
                scored.push(Scored { keep, losses });
                if task.is_some() {
                    return Ok(Scanned { candidates: scored, accepted, broken: task });
                }
            }
        }
        let accepted = scored.last().map(|scored| scored.keep);
        Ok(Scanned { candidates: scored, accepted, broken: None })
    }
}
