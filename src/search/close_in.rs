//! The scan that brackets: it jumps to where the limits are likely to end, then closes in. The candidate that it ends with
//! and its neighbour are judged on all data like any other; others may be passed over by the first pictures alone.

use super::bracket::{Bracket, Expected, Verdict};
use super::driver::{Driver, SearchError};
use super::journal::Scored;
use super::scan::{Candidates, Scanned, worst};
use super::{Evaluator, Part};

/// A part of the data decides where by it a candidate takes no more of its tightest limit than the first, or no less than
/// the second.
const DECISIVE: [f64; 2] = [0.7, 2.5];

/// A candidate that was judged: with its losses, where all data was asked.
struct Judged {
    verdict: Verdict,
    broken: Option<usize>,
    scored: Option<Scored>,
}

impl<E: Evaluator> Driver<'_, E> {
    /// As `ascend`, by a bracket. The plain network is asked where no candidate with recovered weights passes.
    pub(super) fn close_in(
        &mut self,
        candidates: &Candidates,
    ) -> Result<(Scanned, bool), SearchError<E::Error>> {
        let unit = Some(candidates.turn.unit);
        let recovered = self.recovered(candidates)?;
        self.prepare(recovered.as_ref().unwrap_or(candidates.network), unit)?;
        let found = self.bracket(candidates, None)?;
        if recovered.is_none() || found.accepted.is_some() {
            return Ok((found, recovered.is_some()));
        }
        self.prepare(candidates.network, unit)?;
        self.fitted = None;
        let plain = self.judge(candidates, 0, false)?;
        if plain.verdict.passes {
            Ok((self.bracket(candidates, Some(plain).filter(|plain| plain.verdict.sure))?, false))
        } else {
            Ok((found, true))
        }
    }

    /// The candidates of the prepared network that all data was asked about, in the order of what is kept; `first` is what
    /// is known of the first one.
    fn bracket(
        &mut self,
        candidates: &Candidates,
        first: Option<Judged>,
    ) -> Result<Scanned, SearchError<E::Error>> {
        let Candidates { tries, turn, scan, .. } = *candidates;
        let expected = match self.dropped() {
            Some(dropped) => Expected::by_energy(tries, dropped, (&scan.limits, turn.history)),
            None => Expected::by_removal(tries, candidates.channels(), turn.history),
        };
        let mut bracket = Bracket::new(expected);
        let (mut scored, mut broken, mut known) = (Vec::new(), None, first);
        while let Some((next, sure)) = bracket.next() {
            let (at, judged) = match known.take() {
                Some(judged) => (0, judged),
                None => (next, self.judge(candidates, next, sure)?),
            };
            bracket.judged(at, judged.verdict);
            if let Some(candidate) = judged.scored {
                scored.push(candidate);
                broken = judged.broken.or(broken);
            }
        }
        scored.sort_by_key(|scored| std::cmp::Reverse(scored.keep));
        Ok(Scanned { candidates: scored, accepted: bracket.accepted().map(|at| tries[at]), broken })
    }

    /// Judges a candidate of the prepared network, by its first pictures alone where they decide and it need not be `sure`.
    fn judge(
        &mut self,
        candidates: &Candidates,
        at: usize,
        sure: bool,
    ) -> Result<Judged, SearchError<E::Error>> {
        let keep = candidates.tries[at];
        let part = self.evaluator.probe(&candidates.keeping(keep)).map_err(SearchError::Evaluate)?;
        if let Some(taken) = self.likely(candidates, &part).filter(|_| !sure) {
            let passes = taken <= DECISIVE[0];
            if passes || taken >= DECISIVE[1] {
                return Ok(Judged {
                    verdict: Verdict { taken, passes, sure: false },
                    broken: None,
                    scored: None,
                });
            }
        }
        let losses = self.losses(candidates, keep)?;
        let worst = worst(self.evaluator.tasks(), &losses, candidates.scan);
        self.observer.scored(keep, candidates.channels(), worst.increase);
        let dropped = self.dropped().map(|dropped| dropped[keep]);
        let verdict = Verdict { taken: worst.taken, passes: worst.broken.is_none(), sure: true };
        Ok(Judged { verdict, broken: worst.broken, scored: Some(Scored { keep, losses, part, dropped }) })
    }

    /// What a candidate takes of its tightest limit by a part of the data; `None` where that tells of no task.
    fn likely(&self, candidates: &Candidates, part: &Part) -> Option<f64> {
        let (part, base) = part.as_ref().zip(self.part.as_ref())?;
        let tasks = part.iter().zip(base).zip(self.evaluator.tasks()).zip(&candidates.scan.limits);
        let taken = tasks.filter_map(|(((loss, base), task), limit)| {
            let (loss, base) = ((*loss)?.mean(), Some(base).filter(|base| base.count > 0.0)?.mean());
            Some(if loss.is_finite() { (loss - base) / base.max(task.floor) / limit } else { f64::INFINITY })
        });
        taken.reduce(f64::max)
    }
}
