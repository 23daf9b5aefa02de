//! Which candidate of a unit is judged next where the scan brackets, and when it ends. Candidates remove ever more, and
//! whatever removes more is taken to lose more.

use super::journal::Visit;

/// The share of a unit that is likely to go where no unit before it tells.
const SHARE: f64 = 0.3;

/// Losses are taken to rise with this power of what goes, where one candidate is all that is known.
const POWER: f64 = 2.0;

/// Candidates that are found by what losses are; after that, halving ends it.
const FOUND: usize = 4;

/// The share of a unit that is likely to go: what went of the units before it, on average.
pub(super) fn likely_share(visits: &[Visit]) -> f64 {
    let gone = |visit: &Visit| {
        let all = visit.order.len();
        1.0 - visit.accepted.unwrap_or(all) as f64 / all.max(1) as f64
    };
    (SHARE + visits.iter().map(gone).sum::<f64>()) / (1 + visits.len()) as f64
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
    /// How many coordinates each removes.
    removed: Vec<f64>,
    /// How many are likely to go.
    likely: f64,
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
    /// Of a unit of `channels` coordinates, of which candidates keep `tries` and about `share` is likely to go.
    pub fn new(tries: &[usize], channels: usize, share: f64) -> Self {
        let removed = tries.iter().map(|keep| (channels - keep) as f64).collect();
        let (likely, sure) = (share * channels as f64, [0, tries.len()]);
        Self { removed, likely, within: 0, end: tries.len(), sure, passes: None, breaks: None, found: 0 }
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

    /// The last unjudged candidate that removes at most `removed`; the first one where all remove more.
    fn at(&self, removed: f64) -> usize {
        let fit = self.removed.iter().take_while(|&&other| other <= removed).count();
        fit.saturating_sub(1).clamp(self.within, self.end - 1)
    }

    fn guess(&mut self) -> usize {
        let known = |at: usize, taken: f64| (self.removed[at], taken.max(1e-6));
        let passes = self.passes.map(|taken| known(self.within - 1, taken));
        let breaks = self.breaks.map(|taken| known(self.end, taken));
        self.found += 1;
        if self.found > FOUND || breaks.is_some_and(|(_, taken)| !taken.is_finite()) {
            return self.within + (self.end - self.within) / 2;
        }
        match (passes, breaks) {
            (None, None) => self.at(self.likely),
            (Some((removed, taken)), None) => self.at(removed * taken.powf(-1.0 / POWER).min(4.0)),
            (None, Some((removed, taken))) => self.at(removed * taken.powf(-1.0 / POWER)),
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

    /// Judges the candidates of a unit of which those from `pass` on do not pass: what `known` says of each. How often
    /// all data was asked, and in all.
    fn close_in(pass: usize, all: usize, mut known: impl FnMut(usize, bool) -> Verdict) -> [usize; 2] {
        let tries: Vec<usize> = (1..=all).rev().collect();
        let mut bracket = Bracket::new(&tries, all + 1, 0.3);
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
}
