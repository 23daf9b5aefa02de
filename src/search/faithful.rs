//! The search as PAGCP's reference code does it, for comparison, with these of its oddities: a unit whose candidates
//! all pass is not pruned while later units are judged, yet ships at the second last ratio; top-k drops units after
//! the search, and the rest is ranked again on other weights; bases only ever rise; the ratios 0.05 k are floats, so
//! that half of 64 is 31; ties with the threshold of a single convolution all go; batch norms are ignored; groups of
//! convolutions are always ranked by L1. (Losses as means of batches are the evaluator's part of it.)

use super::bracket::History;
use super::driver::{Driver, Pass, SearchError, Turn};
use super::journal::Visit;
use super::saliency::{self, Criterion, Norm, Weights};
use super::scan::{Scan, scored_at};
use super::schedule::Schedule;
use super::state::Problem;
use super::{Evaluator, Loss, visiting_order};
use crate::graph::Graph;
use crate::units::{Unit, cost_kept};

/// Ratios of `numpy.linspace(0.05, 0.95, 19)`, whose rounding decides counts.
fn ratio(index: usize) -> f64 {
    if index == 18 { 0.95 } else { index as f64 * ((0.95 - 0.05) / 18.0) + 0.05 }
}

/// The keeps of a unit whose scores, from the most salient down, are `ranked`: `(ratio index, keep)` for the ratios
/// that remove something. A single convolution loses every filter up to the threshold, a group an exact count.
fn keeps(ranked: &[f64], group: bool) -> Vec<(usize, usize)> {
    let channels = ranked.len();
    let tries = (0..19).filter_map(|index| {
        let removed = (channels as f64 * ratio(index)) as usize;
        if removed == 0 {
            return None;
        }
        let threshold = ranked[channels - removed];
        let tied = if group { removed } else { ranked.iter().filter(|&&score| score <= threshold).count() };
        Some((index, (channels - tied).max(1)))
    });
    tries.filter(|&(_, keep)| keep < channels).collect()
}

fn scores(graph: &Graph, unit: &Unit, criterion: Criterion, seed: u64) -> Vec<f64> {
    let group = unit.producers.len() > 1;
    match criterion {
        Criterion::L2 if !group => saliency::norms(graph, unit, Norm::L2, Weights::Raw),
        Criterion::L1 | Criterion::L2 => saliency::norms(graph, unit, Norm::L1, Weights::Raw),
        Criterion::Bn | Criterion::Energy | Criterion::Random => {
            saliency::scores(graph, unit, criterion, seed)
        }
    }
}

/// What the replay needs of a visit.
struct Judged {
    unit: usize,
    /// The ratio that ships, if any candidate was judged after the first.
    ratio: Option<usize>,
    cost: f64,
}

/// Bases that only rise, the total apart from its parts.
struct Bases {
    tasks: Vec<f64>,
    total: f64,
}

pub(super) fn run<E: Evaluator>(
    driver: &mut Driver<'_, E>,
    before: &[Loss],
) -> Result<Pass, SearchError<E::Error>> {
    let Problem { graph, shapes, units } = driver.problem;
    let mut order = visiting_order(graph, shapes, units, driver.options);
    if order.is_empty() {
        return Err(SearchError::Nothing(units.pinned.len()));
    }
    let schedules = driver.schedules(order.len(), Schedule::solve_unbounded)?;
    if schedules.iter().any(|schedule| schedule.decay > 1.0) {
        order.reverse();
    }
    let tasks: Vec<f64> = before.iter().map(|loss| loss.mean()).collect();
    let mut bases = Bases { total: tasks.iter().sum(), tasks };
    let mut network = driver.problem.all();
    let mut judged = Vec::new();
    let mut visits: Vec<Visit> = Vec::new();
    for (done, &unit) in order.iter().enumerate() {
        let accepted = visits.iter().filter(|visit| visit.accepted.is_some()).count();
        let limits = schedules.iter().map(|schedule| schedule.limit(accepted)).collect();
        let turn = Turn { pass: 0, unit, done, total: order.len(), history: History::of(&[]) };
        let visit = visit(driver, &turn, &network, (limits, &bases.tasks))?;
        judged.push(judge(&driver.problem, &network, unit, (&visit, bases.total)));
        if let Some(keep) = visit.accepted {
            network[unit] = visit.order[..keep].to_vec();
            raise(&mut bases, &scored_at(&visit, keep).losses);
        }
        visits.push(visit);
    }
    let shipped = replay(driver, judged)?;
    Ok((shipped, visits))
}

fn visit<E: Evaluator>(
    driver: &mut Driver<'_, E>,
    turn: &Turn,
    network: &[Vec<usize>],
    (limits, base): (Vec<f64>, &[f64]),
) -> Result<Visit, SearchError<E::Error>> {
    if let Some(visit) = driver.journalled(turn, &network[turn.unit])? {
        return Ok(visit);
    }
    let (criterion, seed) = (driver.options.criterion, driver.options.seed);
    let group = is_group(&driver.problem, turn.unit);
    let rank = |graph: &Graph, unit: &Unit| scores(graph, unit, criterion, seed);
    let tries = |ranked: &[f64], _| keeps(ranked, group).into_iter().map(|(_, keep)| keep).collect();
    driver.visit(turn, network, Scan { limits, base, rank: &rank, tries: &tries, commit_unbroken: false })
}

fn is_group(problem: &Problem, unit: usize) -> bool {
    problem.units.units[unit].producers.len() > 1
}

/// The ratio before the one that was judged last, by its place on the grid, and what it costs.
fn judge(problem: &Problem, network: &[Vec<usize>], unit: usize, (visit, base): (&Visit, f64)) -> Judged {
    let scored = visit.candidates.len();
    let channels = visit.order.len();
    let empty = (0..19).filter(|&index| (channels as f64 * ratio(index)) as usize == 0).count();
    let entries = empty + scored;
    let shipped = (entries > 1).then(|| entries - 2);
    let last = scored.checked_sub(2).map(|index| &visit.candidates[index]);
    let total = last.map_or(base, |scored| scored.losses.iter().map(|loss| loss.mean()).sum());
    let mut keep: Vec<usize> = network.iter().map(Vec::len).collect();
    let Problem { graph, shapes, units } = *problem;
    let macs = cost_kept(graph, shapes, units, &keep).macs;
    keep[unit] = last.map_or(keep[unit], |scored| scored.keep);
    let freed = macs - cost_kept(graph, shapes, units, &keep).macs;
    Judged { unit, ratio: shipped, cost: (total - base) / (2e-9 * freed as f64 + 1e-20) }
}

fn raise(bases: &mut Bases, losses: &[Loss]) {
    let means: Vec<f64> = losses.iter().map(|loss| loss.mean()).collect();
    bases.total = bases.total.max(means.iter().sum());
    for (base, mean) in bases.tasks.iter_mut().zip(means) {
        *base = base.max(mean);
    }
}

/// Prunes the intact network again, without the units that top-k drops.
fn replay<E: Evaluator>(
    driver: &Driver<'_, E>,
    judged: Vec<Judged>,
) -> Result<Vec<Vec<usize>>, SearchError<E::Error>> {
    let stay = (judged.len() as f64 * driver.options.topk) as usize;
    let mut costs: Vec<(f64, usize)> =
        judged.iter().filter(|j| j.ratio.is_some()).map(|j| (j.cost, j.unit)).collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let stay: Vec<usize> = costs.into_iter().take(stay).map(|(_, unit)| unit).collect();
    let mut network = driver.problem.all();
    let (criterion, seed) = (driver.options.criterion, driver.options.seed);
    for Judged { unit, ratio, .. } in judged {
        let Some(ratio) = ratio.filter(|_| stay.contains(&unit)) else { continue };
        let now = driver.problem.network(&network)?;
        let scores = scores(&now.graph, &now.units.units[unit], criterion, seed);
        let order = saliency::order(&scores);
        let ranked: Vec<f64> = order.iter().map(|&k| scores[k]).collect();
        let tries = keeps(&ranked, is_group(&driver.problem, unit));
        if let Some(&(_, keep)) = tries.iter().find(|(index, _)| *index == ratio) {
            network[unit] = order[..keep].iter().map(|&k| network[unit][k]).collect();
        }
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_have_the_rounding_of_numpy() {
        assert_eq!(ratio(7), 0.39999999999999997);
        assert_eq!(ratio(9), 0.49999999999999994);
        assert_eq!(ratio(18), 0.95);
        let ranked: Vec<f64> = (0..64).rev().map(f64::from).collect();
        let half = keeps(&ranked, true).into_iter().find(|(index, _)| *index == 9);
        assert_eq!(half, Some((9, 33)));
    }

    #[test]
    fn ties_of_a_single_convolution_all_go_and_one_filter_stays() {
        let ranked = [3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert!(keeps(&ranked, false).iter().all(|&(_, keep)| keep == 1));
        assert_eq!(keeps(&ranked, true).first(), Some(&(1, 9)));
        assert!(keeps(&[1.0; 4], false).iter().all(|&(_, keep)| keep == 1));
    }
}
