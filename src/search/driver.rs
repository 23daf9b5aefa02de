//! The search itself: visits units, scans their candidates, commits what every task allows, measures the result.

use super::bracket::History;
use super::journal::{Journal, JournalError, Record, Visit};
use super::recovering::Fitted;
use super::scan::{Candidates, Scan, Scanned, scored_at};
use super::schedule::{Schedule, ScheduleError};
use super::state::{Network, Problem, fingerprint};
use super::unshared::Unshared;
use super::{Evaluator, Loss, Observer, Options, Part, ScanMode, counts, faithful, saliency, visiting_order};
use crate::compact::CompactError;
use crate::graph::Graph;
use crate::units::{Keeps, cost, cost_kept};
use std::collections::BTreeSet;
use thiserror::Error;

/// Why a search ended without a result.
#[derive(Debug, Error)]
pub enum SearchError<E: std::error::Error + 'static> {
    /// The evaluator failed.
    #[error("scoring failed: {0}")]
    Evaluate(#[source] E),
    /// The journal could not be written or continued.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A pruning was not legal: a defect of the units.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// The limits make no schedule.
    #[error("task {task}: {source}")]
    Schedule {
        /// The task.
        task: String,
        /// What is wrong.
        source: ScheduleError,
    },
    /// The unpruned network has no usable loss.
    #[error("task {task}: the loss of the unpruned network is {loss}, a finite number not below 0 is needed")]
    Base {
        /// The task.
        task: String,
        /// Its loss.
        loss: f64,
    },
    /// The scoring set has no label of a task.
    #[error("task {task}: nothing is labelled in the pictures that the search scores on")]
    Unlabelled {
        /// The task.
        task: String,
    },
    /// The journal has a record that this search cannot have written.
    #[error("the journal is not of this search: {0}")]
    Journalled(String),
    /// There is nothing to visit.
    #[error("no unit of the network can be pruned: {0} are pinned and the rest is ignored")]
    Nothing(usize),
}

/// What the search decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The kept original coordinates of every unit, ascending.
    pub keeps: Keeps,
    /// The unpruned network with recovered weights: compacting it by `keeps` gives what was measured.
    pub graph: Graph,
    /// What was settled about each visited unit, in visiting order.
    pub visits: Vec<Visit>,
    /// The losses of the unpruned network.
    pub before: Vec<Loss>,
    /// The losses of the final network, measured again.
    pub after: Vec<Loss>,
    /// How many candidates were scored.
    pub candidates: usize,
    /// The multiply-accumulates that the evaluator executed in this run, all pictures and everything else included.
    pub macs: u64,
    /// Those of an ascending scan of the same candidates that shares nothing, for one judging picture: the unpruned network,
    /// then for every unit the whole masked network for each candidate, up to the first that breaks a limit.
    pub scan_macs: u64,
    /// Those of the scan of PAGCP's reference code with the same decisions: likewise, but it tries every twentieth of a unit,
    /// whatever kept counts are rounded to.
    pub reference_macs: u64,
}

/// Runs the search, or what is left of it where `journal` already has a part. Equal inputs give equal outcomes,
/// however often it was interrupted.
pub fn search<E: Evaluator>(
    problem: Problem,
    options: &Options,
    evaluator: &mut E,
    journal: &mut Journal,
    observer: &mut dyn Observer,
) -> Result<Outcome, SearchError<E::Error>> {
    let graph = problem.graph.clone();
    let mut driver =
        Driver { problem, graph, options, evaluator, journal, observer, fitted: None, part: None };
    let before = driver.base()?;
    let (keeps, visits) =
        if options.faithful { faithful::run(&mut driver, &before)? } else { driver.run(&before)? };
    let keeps: Vec<Vec<usize>> = keeps.into_iter().map(sorted).collect();
    let after = driver.measure_final(&keeps)?;
    let Unshared { candidates, scan: scan_macs, reference: reference_macs } = driver.unshared();
    let macs = driver.evaluator.macs();
    let (keeps, graph) = (Keeps(keeps), driver.graph);
    Ok(Outcome { keeps, graph, visits, before, after, candidates, macs, scan_macs, reference_macs })
}

/// Losses over the first pictures once a candidate with `part` is accepted.
fn moved(base: Option<Vec<Loss>>, part: &Part) -> Option<Vec<Loss>> {
    let (base, part) = base.zip(part.as_ref())?;
    Some(base.into_iter().zip(part).map(|(base, loss)| loss.unwrap_or(base)).collect())
}

fn sorted(mut list: Vec<usize>) -> Vec<usize> {
    list.sort_unstable();
    list
}

pub(super) struct Driver<'a, E> {
    pub problem: Problem<'a>,
    /// The problem's graph with the weights recovered so far.
    pub graph: Graph,
    pub options: &'a Options,
    pub evaluator: &'a mut E,
    pub journal: &'a mut Journal,
    pub observer: &'a mut dyn Observer,
    /// What the prepared candidates are recovered by.
    pub fitted: Option<Fitted>,
    /// The losses over the first pictures that those of candidates are relative to, where a search asks for them.
    pub part: Option<Vec<Loss>>,
}

/// What one visit is about.
pub(super) struct Turn {
    pub pass: usize,
    pub unit: usize,
    pub done: usize,
    pub total: usize,
    /// What the visits before told.
    pub history: History,
}

/// Kept coordinates per unit, and the visits that led there.
pub(super) type Pass = (Vec<Vec<usize>>, Vec<Visit>);

impl<E: Evaluator> Driver<'_, E> {
    fn base(&mut self) -> Result<Vec<Loss>, SearchError<E::Error>> {
        let losses = match self.journal.base() {
            Some((losses, _)) => self.journalled_losses(losses)?,
            None => {
                let (losses, part) = self.measure(&self.problem.all(), self.brackets())?;
                self.journal.append(Record::Base { losses: losses.clone(), part })?;
                losses
            }
        };
        for (task, loss) in self.evaluator.tasks().iter().zip(&losses) {
            if loss.count == 0.0 {
                return Err(SearchError::Unlabelled { task: task.name.clone() });
            }
            if !(loss.mean().is_finite() && loss.mean() >= 0.0) {
                return Err(SearchError::Base { task: task.name.clone(), loss: loss.mean() });
            }
        }
        Ok(losses)
    }

    fn brackets(&self) -> bool {
        self.options.scan == ScanMode::Bracket && !self.options.faithful
    }

    fn measure_final(&mut self, keeps: &[Vec<usize>]) -> Result<Vec<Loss>, SearchError<E::Error>> {
        if let Some(losses) = self.journal.last() {
            return self.journalled_losses(losses);
        }
        let (losses, _) = self.measure(keeps, false)?;
        self.journal.append(Record::Final { losses: losses.clone() })?;
        Ok(losses)
    }

    fn journalled_losses(&self, losses: &[Loss]) -> Result<Vec<Loss>, SearchError<E::Error>> {
        let (expected, found) = (self.evaluator.tasks().len(), losses.len());
        if found != expected {
            let reason = format!("expected the losses of {expected} tasks, found {found}");
            return Err(SearchError::Journalled(reason));
        }
        Ok(losses.to_vec())
    }

    /// The losses of a network, and those over the first pictures where it is `probed`.
    fn measure(
        &mut self,
        keeps: &[Vec<usize>],
        probed: bool,
    ) -> Result<(Vec<Loss>, Part), SearchError<E::Error>> {
        let network = self.network(keeps)?;
        self.prepare(&network, None)?;
        let whole: Vec<usize> = keeps.iter().map(Vec::len).collect();
        let part = if probed { self.evaluator.probe(&whole).map_err(SearchError::Evaluate)? } else { None };
        let mut losses = self.evaluator.score(&[whole]).map_err(SearchError::Evaluate)?;
        Ok((losses.swap_remove(0), part))
    }

    pub(super) fn network(&self, keeps: &[Vec<usize>]) -> Result<Network, CompactError> {
        Problem { graph: &self.graph, ..self.problem }.network(keeps)
    }

    pub(super) fn prepare(
        &mut self,
        network: &Network,
        varying: Option<usize>,
    ) -> Result<(), SearchError<E::Error>> {
        self.evaluator.prepare(&network.graph, &network.units, varying).map_err(SearchError::Evaluate)
    }

    fn run(&mut self, before: &[Loss]) -> Result<Pass, SearchError<E::Error>> {
        let first = self.pass(0, &BTreeSet::new(), before)?;
        let dropped = dropped_units(&self.problem, self.options, before, &first.1);
        if dropped.is_empty() { Ok(first) } else { self.pass(1, &dropped, before) }
    }

    /// Visits all units but `excluded`, each on the network that the earlier ones left.
    fn pass(
        &mut self,
        pass: usize,
        excluded: &BTreeSet<String>,
        before: &[Loss],
    ) -> Result<Pass, SearchError<E::Error>> {
        let Problem { graph, shapes, units } = self.problem;
        let mut order = visiting_order(graph, shapes, units, self.options);
        order.retain(|&u| !excluded.contains(&units.units[u].id));
        if order.is_empty() {
            return Err(SearchError::Nothing(units.pinned.len()));
        }
        let schedules = self.schedules(order.len(), Schedule::solve)?;
        self.graph = graph.clone();
        let mut keeps = self.problem.all();
        let mut visits: Vec<Visit> = Vec::new();
        let mut base: Vec<f64> = before.iter().map(|loss| loss.mean()).collect();
        self.part = self.journal.base().and_then(|(_, part)| part.as_ref()?.iter().copied().collect());
        for (done, &unit) in order.iter().enumerate() {
            if self.target_reached(&keeps) {
                break;
            }
            let accepted = visits.iter().filter(|visit| visit.accepted.is_some()).count();
            let limits: Vec<f64> = schedules.iter().map(|schedule| schedule.limit(accepted)).collect();
            let history = History::of(&visits);
            let turn = Turn { pass, unit, done, total: order.len(), history };
            let (criterion, seed) = (self.options.criterion, self.options.seed);
            let rank = |graph: &_, unit: &_| saliency::scores(graph, unit, criterion, seed);
            let tries = |_: &[f64], channels| counts(channels, self.options);
            let visit = match self.journalled(&turn, &keeps[unit])? {
                Some(visit) => visit,
                None => {
                    let scan =
                        Scan { limits, base: &base, rank: &rank, tries: &tries, commit_unbroken: true };
                    self.visit(&turn, &keeps, scan)?
                }
            };
            if let Some(keep) = visit.accepted {
                self.ship(&turn, &keeps, &visit)?;
                keeps[unit] = visit.order[..keep].to_vec();
                let scored = scored_at(&visit, keep);
                base = scored.losses.iter().map(|loss| loss.mean()).collect();
                self.part = moved(self.part.take(), &scored.part);
            }
            visits.push(visit);
        }
        Ok((keeps, visits))
    }

    pub(super) fn schedules(
        &self,
        units: usize,
        solve: impl Fn(f64, f64, usize) -> Result<Schedule, ScheduleError>,
    ) -> Result<Vec<Schedule>, SearchError<E::Error>> {
        let tasks = self.evaluator.tasks().iter();
        tasks
            .map(|task| {
                solve(task.limit.unwrap_or(self.options.rate), self.options.total, units)
                    .map_err(|source| SearchError::Schedule { task: task.name.clone(), source })
            })
            .collect()
    }

    fn target_reached(&self, keeps: &[Vec<usize>]) -> bool {
        let Problem { graph, shapes, units } = self.problem;
        let keep: Vec<usize> = keeps.iter().map(Vec::len).collect();
        let (now, whole) = (cost_kept(graph, shapes, units, &keep), cost(graph, shapes));
        let below = |now: u64, whole: u64, target: Option<f64>| {
            target.is_some_and(|t| now as f64 <= t * whole as f64)
        };
        below(now.macs, whole.macs, self.options.target_flops)
            || below(now.params, whole.params, self.options.target_params)
            || self.options.is_fast_enough(&keep)
    }

    /// The visit that the journal already has for this turn, at which the unit still had the coordinates `kept`.
    pub(super) fn journalled(
        &self,
        turn: &Turn,
        kept: &[usize],
    ) -> Result<Option<Visit>, SearchError<E::Error>> {
        let Some(visit) = self.journal.visits(turn.pass).nth(turn.done) else { return Ok(None) };
        let (expected, found) = (&self.problem.units.units[turn.unit].id, &visit.unit);
        if found != expected {
            let reason = format!("expected a visit of unit {expected}, found one of {found}");
            return Err(SearchError::Journalled(reason));
        }
        if !visit.is_of(kept, self.evaluator.tasks().len()) {
            let reason = format!("the visit of unit {found} is not one of {} coordinates", kept.len());
            return Err(SearchError::Journalled(reason));
        }
        Ok(Some(visit.clone()))
    }

    /// Scans the candidates of one unit and writes the result to the journal.
    pub(super) fn visit(
        &mut self,
        turn: &Turn,
        keeps: &[Vec<usize>],
        scan: Scan,
    ) -> Result<Visit, SearchError<E::Error>> {
        let id = self.problem.units.units[turn.unit].id.clone();
        self.observer.visiting(turn.done, turn.total, &id);
        let now = self.network(keeps)?;
        let (scores, ranked_by) = self.scores(&now, turn.unit, &scan)?;
        let ranks = saliency::order(&scores);
        let ranked: Vec<f64> = ranks.iter().map(|&k| scores[k]).collect();
        let order: Vec<usize> = ranks.iter().map(|&k| keeps[turn.unit][k]).collect();
        let mut ordered = keeps.to_vec();
        ordered[turn.unit] = order.clone();
        let network = self.network(&ordered)?;
        let tries = (scan.tries)(&ranked, order.len());
        let candidates = Candidates { network: &network, turn, tries: &tries, scan: &scan };
        let (scanned, recovered) = if tries.is_empty() {
            (Scanned::default(), false)
        } else if self.brackets() {
            self.close_in(&candidates)?
        } else {
            self.ascend(&candidates)?
        };
        let Scanned { candidates, accepted, broken } = scanned;
        let visit = Visit {
            pass: turn.pass,
            unit: id,
            network: fingerprint(&network.graph),
            order,
            ranked_by,
            limits: scan.limits,
            accepted: accepted.filter(|_| broken.is_some() || scan.commit_unbroken),
            candidates,
            limited_by: broken.map(|task| self.evaluator.tasks()[task].name.clone()),
            recovered,
        };
        self.journal.append(Record::Visit(visit.clone()))?;
        self.observer.settled(&visit);
        Ok(visit)
    }
}

/// All visited units but the share `topk` that lose least for the MACs they free; none where no more were pruned.
fn dropped_units(
    problem: &Problem,
    options: &Options,
    before: &[Loss],
    visits: &[Visit],
) -> BTreeSet<String> {
    let stay = ((visits.len() as f64 * options.topk) as usize).max(1);
    let mut costs = unit_costs(problem, before, visits);
    if costs.len() <= stay {
        return BTreeSet::new();
    }
    costs.sort_by(|a, b| a.1.total_cmp(&b.1));
    let stays = |visit: &&Visit| costs[..stay].iter().any(|(unit, _)| *unit == visit.unit);
    visits.iter().filter(|visit| !stays(visit)).map(|visit| visit.unit.clone()).collect()
}

/// The increase of the summed loss for each MAC that a visit freed, of the visits that pruned something.
fn unit_costs(problem: &Problem, before: &[Loss], visits: &[Visit]) -> Vec<(String, f64)> {
    let Problem { graph, shapes, units } = *problem;
    let mut keep: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
    let mut total: f64 = before.iter().map(|loss| loss.mean()).sum();
    let mut costs = Vec::new();
    for visit in visits {
        let Some(accepted) = visit.accepted else { continue };
        let Some(u) = units.units.iter().position(|unit| unit.id == visit.unit) else { continue };
        let macs = cost_kept(graph, shapes, units, &keep).macs;
        keep[u] = accepted;
        let freed = macs - cost_kept(graph, shapes, units, &keep).macs;
        let after: f64 = scored_at(visit, accepted).losses.iter().map(|loss| loss.mean()).sum();
        costs.push((visit.unit.clone(), (after - total) / (freed.max(1) as f64)));
        total = after;
    }
    costs
}
