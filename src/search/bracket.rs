//! Which candidate of a unit is judged next where the scan brackets, and when it ends. Candidates remove ever more, and
//! whatever removes more is taken to lose more.

use super::journal::Visit;

/// The share of a unit that is likely to go where no unit before it tells.
const SHARE: f64 = 0.3;

/// Losses are taken to rise with this power of what goes, where nothing else is known.
const POWER: f64 = 2.0;

/// The share of the energy of what reads a unit that is likely to be dropped for each relative rise of a loss that is allowed,
/// where no unit before it tells.
const ENERGY: f64 = 1.5;

/// How many units that counts for.
const BEFORE: f64 = 3.0;

/// How many times more than one that passes a candidate may be expected to lose and be judged next.
const STRIDE: f64 = 16.0;

/// Candidates that are found by what losses are; after that, halving ends it.
const FOUND: usize = 4;

/// The least that is expected to be lost: rounding leaves no less.
const LEAST: f64 = 1e-9;

/// What the units before told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct History {
    /// The share of a unit that went, on average.
    share: f64,
    /// The energy that was dropped for what a loss may rise, the geometric mean.
    rate: f64,
}

impl History {
    /// Of visits.
    pub fn of(visits: &[Visit]) -> Self {
        let gone = |visit: &Visit| {
            let all = visit.order.len();
            1.0 - visit.accepted.unwrap_or(all) as f64 / all.max(1) as f64
        };
        let share = (SHARE + visits.iter().map(gone).sum::<f64>()) / (1 + visits.len()) as f64;
        let rates: Vec<f64> = visits.iter().filter_map(|visit| Some(Self::rate(visit)?.ln())).collect();
        let rate = (BEFORE * ENERGY.ln() + rates.iter().sum::<f64>()) / (BEFORE + rates.len() as f64);
        Self { share, rate: rate.exp() }
    }

    /// What was dropped for what a loss may rise: between the candidate that was accepted and the next, if one was refused.
    fn rate(visit: &Visit) -> Option<f64> {
        let last = visit.candidates.iter().position(|scored| Some(scored.keep) == visit.accepted)?;
        let energy = |at: usize| Some(visit.candidates.get(at)?.dropped?.max(LEAST));
        let accepted = energy(last)?;
        Some((accepted * energy(last + 1).unwrap_or(accepted)).sqrt() / tightest(&visit.limits))
    }
}

fn tightest(limits: &[f64]) -> f64 {
    limits.iter().copied().fold(f64::INFINITY, f64::min)
}

/// What a unit's candidates are expected to lose before any is judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    /// What each loses, ever more, by any measure that losses are about proportional to.
    losses: Vec<f64>,
    /// What the last that keeps to its limits is likely to lose by it.
    likely: f64,
}

impl Expected {
    /// Of a unit of `channels` coordinates of which candidates keep `tries`, by how many of them go: about as large a share as
    /// of the units before it.
    pub fn by_removal(tries: &[usize], channels: usize, history: History) -> Self {
        let loss = |removed: f64| removed.powf(POWER);
        let losses = tries.iter().map(|keep| loss((channels - keep) as f64)).collect();
        Self { losses, likely: loss(history.share * channels as f64) }
    }

    /// By the energy that is dropped though readers are recovered, for every kept count: as much of it for what a loss may
    /// rise as was dropped of the units before it.
    pub fn by_energy(tries: &[usize], dropped: &[f64], (limits, history): (&[f64], History)) -> Self {
        let losses = tries.iter().map(|&keep| dropped[keep].max(LEAST)).collect();
        Self { losses, likely: history.rate * tightest(limits) }
    }
}

/// What is known of a candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// What it takes of its tightest limit.
    pub taken: f64,
    /// Whether it keeps to its limits.
    pub passes: bool,
    /// Whether all data says so, not a part of it.
    pub sure: bool,
}

/// What is known of a unit's candidates.
#[derive(Clone, Debug)]
pub(super) struct Bracket {
    expected: Expected,
    /// The first so many pass; those from `end` on do not.
    within: usize,
    end: usize,
    /// The same, by all data.
    sure: [usize; 2],
    /// What the last one that passes and the first one that does not take of their tightest limit, where that is known.
    passes: Option<f64>,
    breaks: Option<f64>,
    found: usize,
}

impl Bracket {
    /// Of a unit's candidates, of which something is expected.
    pub fn new(expected: Expected) -> Self {
        let end = expected.losses.len();
        Self { expected, within: 0, end, sure: [0, end], passes: None, breaks: None, found: 0 }
    }

    /// The candidate to judge next, and whether by all data; `None` once that says of both sides of the end what they do.
    pub fn next(&mut self) -> Option<(usize, bool)> {
        if self.within < self.end {
            Some((self.guess(), false))
        } else if self.sure[0] < self.within {
            Some((self.within - 1, true))
        } else if self.sure[1] > self.end {
            Some((self.end, true))
        } else {
            None
        }
    }

    /// The last candidate that passes, if one does.
    pub fn accepted(&self) -> Option<usize> {
        self.within.checked_sub(1)
    }

    /// Takes in what is known of a candidate. Where all data contradicts what a part of it said, only all data counts.
    pub fn judged(&mut self, at: usize, verdict: Verdict) {
        if verdict.passes {
            (self.within, self.passes) = (at + 1, Some(verdict.taken));
            self.sure[0] = if verdict.sure { at + 1 } else { self.sure[0] };
            if self.end < self.within {
                (self.end, self.breaks) = (self.sure[1], None);
            }
        } else {
            (self.end, self.breaks) = (at, Some(verdict.taken));
            self.sure[1] = if verdict.sure { at } else { self.sure[1] };
            if self.end < self.within {
                (self.within, self.passes) = (self.sure[0], None);
            }
        }
    }

    /// The last unjudged candidate that is expected to lose at most `loss`; the first one where all lose more.
    fn at(&self, loss: f64) -> usize {
        let fit = self.expected.losses.iter().take_while(|&&other| other <= loss).count();
        fit.saturating_sub(1).clamp(self.within, self.end - 1)
    }

    fn guess(&mut self) -> usize {
        let known = |at: usize, taken: f64| (self.expected.losses[at], taken.max(1e-6));
        let passes = self.passes.map(|taken| known(self.within - 1, taken));
        let breaks = self.breaks.map(|taken| known(self.end, taken));
        self.found += 1;
        if self.found > FOUND || breaks.is_some_and(|(_, taken)| !taken.is_finite()) {
            return self.within + (self.end - self.within) / 2;
        }
        match (passes, breaks) {
            (None, None) => self.at(self.expected.likely),
            (Some((loss, taken)), None) => self.at(loss * taken.recip().min(STRIDE)),
            (None, Some((loss, taken))) => self.at(loss / taken),
            (Some((least, below)), Some((most, above))) => {
                let power = (above / below).ln() / (most / least).ln();
                self.at(least * below.powf(-1.0 / power))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::journal::Scored;

    /// Judges the candidates of a unit of which those from `pass` on do not pass: what `known` says of each. How often
    /// all data was asked, and in all.
    fn close_in(pass: usize, all: usize, mut known: impl FnMut(usize, bool) -> Verdict) -> [usize; 2] {
        let tries: Vec<usize> = (1..=all).rev().collect();
        let mut bracket = Bracket::new(Expected::by_removal(&tries, all + 1, History::of(&[])));
        let (mut sure, mut count) = (Vec::new(), 0);
        while let Some((at, certain)) = bracket.next() {
            let verdict = known(at, certain);
            assert!(verdict.sure || !certain);
            assert!(!sure.contains(&at), "{at} of {all} again");
            sure.extend(verdict.sure.then_some(at));
            bracket.judged(at, verdict);
            count += 1;
            assert!(count <= 4 * all + 4, "{pass} of {all} does not end");
        }
        assert_eq!(bracket.accepted(), pass.checked_sub(1));
        assert!(pass == 0 || sure.contains(&(pass - 1)), "{pass} of {all}");
        assert!(pass == all || sure.contains(&pass), "{pass} of {all}");
        [sure.len(), count]
    }

    #[test]
    fn both_sides_of_the_end_are_judged_by_all_data_and_few_others() {
        for power in [0.3, 1.0, 2.0, 5.0, 20.0] {
            let (mut total, mut scanned) = (0, 0);
            for (all, pass) in (1..=19).flat_map(|all| (0..=all).map(move |pass| (all, pass))) {
                let taken = |at: usize| ((at + 1) as f64 / (pass as f64 + 0.5)).powf(power);
                let verdict = |at, _| Verdict { taken: taken(at), passes: at < pass, sure: true };
                let [judged, _] = close_in(pass, all, verdict);
                assert!(judged <= 8, "{pass} of {all}: {judged}");
                (total, scanned) = (total + judged, scanned + (pass + 1).min(all));
            }
            assert!(3 * total < 2 * scanned, "{total} of {scanned} by the power {power}");
        }
    }

    #[test]
    fn what_a_part_of_the_data_says_is_corrected() {
        // The part is wrong by a factor of up to 3, and is believed where it is far from the limit.
        let mut noise = 1u64;
        for (all, pass) in (1..=19).flat_map(|all| (0..=all).map(move |pass| (all, pass))) {
            close_in(pass, all, |at, sure| {
                noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let taken = ((at + 1) as f64 / (pass as f64 + 0.5)).powf(1.5);
                let told = taken * 3f64.powf((noise >> 40) as f64 / (1u64 << 23) as f64 - 1.0);
                match sure || (0.6..1.6).contains(&told) {
                    true => Verdict { taken, passes: at < pass, sure: true },
                    false => Verdict { taken: told, passes: told < 1.0, sure: false },
                }
            });
        }
    }

    #[test]
    fn a_part_that_is_right_leaves_two_candidates_to_all_data() {
        for pass in 1..19 {
            let taken = |at: usize| if at < pass { 0.5 } else { 2.0 };
            let verdict = |at, sure| Verdict { taken: taken(at), passes: at < pass, sure };
            assert_eq!(close_in(pass, 19, verdict)[0], 2);
        }
    }

    #[test]
    fn losses_that_fall_or_are_not_finite_end_a_bracket_too() {
        for [passing, breaking] in [[-1.0, f64::INFINITY], [0.0, 1e300], [f64::NEG_INFINITY, 1.0 + 1e-12]] {
            for pass in 0..=19 {
                let taken = |at: usize| if at < pass { passing } else { breaking };
                let [judged, _] =
                    close_in(pass, 19, |at, _| Verdict { taken: taken(at), passes: at < pass, sure: true });
                assert!(judged <= 12, "{pass}: {judged}");
            }
        }
    }

    fn visit(dropped: [Option<f64>; 3], accepted: Option<usize>, limits: &[f64]) -> Visit {
        let scored = |(at, dropped)| Scored { keep: 8 - at, losses: Vec::new(), part: None, dropped };
        Visit {
            pass: 0,
            unit: String::new(),
            network: String::new(),
            order: (0..10).collect(),
            ranked_by: None,
            limits: limits.to_vec(),
            candidates: dropped.into_iter().enumerate().map(scored).collect(),
            accepted,
            limited_by: None,
            recovered: true,
        }
    }

    #[test]
    fn units_before_tell_what_energy_may_go() {
        let none = History::of(&[]);
        assert_eq!(none.share, SHARE);
        assert!((none.rate - ENERGY).abs() < 1e-12);
        // Between 0.04 and 0.09 of the energy for a limit of 0.1; all that was judged passes; nothing is known of two.
        let visits = [
            visit([Some(0.01), Some(0.04), Some(0.09)], Some(7), &[0.3, 0.1]),
            visit([Some(0.01), Some(0.04), Some(0.2)], Some(6), &[0.2]),
            visit([None; 3], Some(7), &[0.2]),
            visit([Some(0.5); 3], None, &[0.2]),
        ];
        let history = History::of(&visits);
        let expected = (ENERGY.powf(BEFORE) * 0.6 * 1.0).powf(1.0 / (BEFORE + 2.0));
        assert!((history.rate - expected).abs() < 1e-12, "{} of {expected}", history.rate);
        assert!((history.share - (SHARE + 0.3 + 0.4 + 0.3) / 5.0).abs() < 1e-12);
    }

    #[test]
    fn energies_tell_where_to_begin_and_how_to_go_on() {
        let dropped: Vec<f64> = (0..=20).map(|keep| f64::from(20 - keep) / 20.0).collect();
        let tries: Vec<usize> = (1..20).rev().collect();
        let history = History { share: 0.3, rate: 1.0 };
        let expected = Expected::by_energy(&tries, &dropped, (&[0.5, 0.31], history));
        let mut bracket = Bracket::new(expected);
        // 0.3 of the energy goes with the sixth candidate; it takes nearly three times too much, so the second is next.
        assert_eq!(bracket.next(), Some((5, false)));
        bracket.judged(5, Verdict { taken: 2.9, passes: false, sure: true });
        assert_eq!(bracket.next(), Some((1, false)));
        bracket.judged(1, Verdict { taken: 0.8, passes: true, sure: true });
        assert_eq!(bracket.next(), Some((2, false)));
    }
}
