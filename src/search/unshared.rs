//! What scans that share nothing between candidates would execute: this search's, and that of PAGCP's reference code.

use super::driver::Driver;
use super::journal::Visit;
use super::options::{GRID, counts};
use super::{Evaluator, Options};
use crate::units::cost_kept;

/// Candidates of a search, and multiply-accumulates for one judging picture of scans with the same decisions that run the
/// whole network, masked, for every candidate, after the unpruned one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unshared {
    /// How many candidates were judged.
    pub candidates: usize,
    /// Of an ascending scan of this search's candidates, up to the first that breaks a limit.
    pub scan: u64,
    /// Of the reference code's, which tries every twentieth of a unit, whatever kept counts are rounded to.
    pub reference: u64,
}

impl<E: Evaluator> Driver<'_, E> {
    pub(super) fn unshared(&self) -> Unshared {
        let visits = (0..2).flat_map(|pass| self.journal.visits(pass));
        let candidates = visits.map(|visit| visit.candidates.len()).sum();
        let macs = |keep: &[usize]| {
            cost_kept(self.problem.graph, self.problem.shapes, self.problem.units, keep).macs
        };
        let units = &self.problem.units.units;
        let mut keep: Vec<usize> = units.iter().map(|unit| unit.channels).collect();
        let mut sums = [macs(&keep); 2];
        for visit in self.journal.visits(0) {
            let Some(u) = units.iter().position(|unit| unit.id == visit.unit) else { continue };
            let before = keep[u];
            for (sum, scanned) in
                sums.iter_mut().zip([scanned(visit, self.options), reference(visit, self.options)])
            {
                for count in scanned {
                    keep[u] = count;
                    *sum += macs(&keep);
                }
            }
            keep[u] = visit.accepted.unwrap_or(before);
        }
        Unshared { candidates, scan: sums[0], reference: sums[1] }
    }
}

/// The kept counts that an ascending scan of a visit's unit tries: all up to the first refused one.
fn scanned(visit: &Visit, options: &Options) -> Vec<usize> {
    if options.faithful {
        return visit.candidates.iter().map(|scored| scored.keep).collect();
    }
    ascending(visit, counts(visit.order.len(), options).into_iter().map(|keep| (keep, keep)).collect())
}

/// The kept counts that the reference code's scan tries.
fn reference(visit: &Visit, options: &Options) -> Vec<usize> {
    if options.faithful {
        return scanned(visit, options);
    }
    let channels = visit.order.len();
    let exact = (1..GRID).map(|k| channels - channels * k / GRID).filter(|&keep| keep < channels);
    ascending(visit, exact.map(|keep| (keep, keep.next_multiple_of(options.round_to.max(1)))).collect())
}

/// The first of pairs of kept counts, the second of which pass where they are not less than what was accepted, and of the
/// others one, where one was refused.
fn ascending(visit: &Visit, counts: Vec<(usize, usize)>) -> Vec<usize> {
    let passes =
        |&&(_, rounded): &&(usize, usize)| visit.accepted.is_some_and(|accepted| rounded >= accepted);
    let within = counts.iter().take_while(passes).count();
    let scanned = within + usize::from(visit.limited_by.is_some());
    counts.into_iter().take(scanned).map(|(keep, _)| keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(channels: usize, accepted: Option<usize>, refused: bool) -> Visit {
        Visit {
            pass: 0,
            unit: String::new(),
            network: String::new(),
            order: (0..channels).collect(),
            ranked_by: None,
            limits: vec![],
            candidates: vec![],
            accepted,
            limited_by: refused.then(String::new),
            recovered: false,
        }
    }

    #[test]
    fn the_reference_tries_every_twentieth_up_to_the_first_refused() {
        let options = Options::default();
        assert_eq!(scanned(&visit(24, Some(16), true), &options), [20, 16, 12]);
        assert_eq!(reference(&visit(24, Some(16), true), &options), [23, 22, 21, 20, 18, 17, 16, 15, 14, 12]);
        assert_eq!(reference(&visit(24, None, true), &options), [23]);
        // Of 8 channels, a tenth is none at all.
        assert_eq!(reference(&visit(8, Some(4), false), &options).len(), 17);
        assert_eq!(reference(&visit(8, None, false), &options), Vec::<usize>::new());
        let fine = Options { round_to: 1, ..Options::default() };
        assert_eq!(reference(&visit(40, Some(30), true), &fine), scanned(&visit(40, Some(30), true), &fine));
    }
}
