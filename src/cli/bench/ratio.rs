//! Whether one model is faster than another, or this run cannot tell.

use serde::{Deserialize, Serialize};

/// How sure the interval of a ratio is.
const CONFIDENCE: f64 = 0.99;
/// A difference of less than this share is none.
const NOTHING: f64 = 0.01;

/// The ratio of the first model's time to another's, over the runs of each round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// The median ratio: over 1 where the other one takes less time.
    pub ratio: f64,
    /// The lower end of the interval that has the true median with a confidence of 99 %, whatever the distribution;
    /// nothing where there are too few runs for one.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

/// What a run can say about two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval is above 1, and so is the median ratio of each pair of sessions.
    Faster,
    /// All of that is below 1.
    Slower,
    /// Neither: the run cannot tell a difference.
    Unclear,
}

impl Against {
    /// Of two models' times in rounds; every `rounds` of them were made with another pair of sessions. Two sessions of
    /// one network differ by a few percent, by where their buffers happen to lie, however often both are timed.
    pub fn of(first: &[f64], other: &[f64], rounds: usize) -> Self {
        let mut ratios: Vec<f64> = first.iter().zip(other).map(|(first, other)| first / other).collect();
        let sessions: Vec<f64> = ratios.chunks_mut(rounds).map(median).collect();
        let ratio = median(&mut ratios);
        let ends = outside(ratios.len()).map(|k| (ratios[k], ratios[ratios.len() - 1 - k]));
        let verdict = match ends {
            Some((low, _)) if sessions.iter().chain([&low]).all(|&ratio| ratio > 1.0 + NOTHING) => {
                Verdict::Faster
            }
            Some((_, high)) if sessions.iter().chain([&high]).all(|&ratio| ratio < 1.0 - NOTHING) => {
                Verdict::Slower
            }
            Some(_) | None => Verdict::Unclear,
        };
        Self { ratio, low: ends.map(|ends| ends.0), high: ends.map(|ends| ends.1), verdict }
    }

    /// The verdict in words.
    pub fn words(&self) -> String {
        match self.verdict {
            Verdict::Faster => format!("{:.2}x faster", self.ratio),
            Verdict::Slower => format!("not faster: takes {:.2}x the time", 1.0 / self.ratio),
            Verdict::Unclear if self.low.is_none() => "too few runs to tell".to_owned(),
            Verdict::Unclear => "no difference that this run can tell".to_owned(),
        }
    }

    /// The interval, where there is one.
    pub fn interval(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
            _ => String::new(),
        }
    }
}

/// The middle of `values`, which it sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
}

/// How many of `n` sorted values lie below the interval for their distribution's median: the most for which it is
/// missed with a chance of at most `1 - CONFIDENCE`. Each value is below the median with a chance of one half.
fn outside(n: usize) -> Option<usize> {
    let mut chance = 0.5f64.powi(i32::try_from(n).ok()?);
    let mut below = 0.0;
    let mut found = None;
    for k in 0..n / 2 {
        below += chance;
        if 2.0 * below > 1.0 - CONFIDENCE {
            break;
        }
        found = Some(k);
        chance *= (n - k) as f64 / (k + 1) as f64;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_tables_of_the_sign_test() {
        // 2 P(Binomial(n, 1/2) <= k) <= 0.01.
        for (n, expected) in
            [(7, None), (8, Some(0)), (10, Some(0)), (12, Some(1)), (20, Some(3)), (25, Some(5))]
        {
            assert_eq!(outside(n), expected, "{n}");
        }
    }

    #[test]
    fn only_a_difference_that_runs_agree_on_is_one() {
        let slow: Vec<f64> = (0..25).map(|i| 10.0 + f64::from(i % 5) / 10.0).collect();
        let fast: Vec<f64> = slow.iter().map(|ms| ms / 1.25).collect();
        let faster = Against::of(&slow, &fast, 5);
        assert_eq!((faster.verdict, faster.words().as_str()), (Verdict::Faster, "1.25x faster"));
        assert_eq!(Against::of(&fast, &slow, 5).verdict, Verdict::Slower);
        assert_eq!(Against::of(&fast, &slow, 5).words(), "not faster: takes 1.25x the time");
        assert_eq!(Against::of(&slow, &slow, 5).verdict, Verdict::Unclear);
        // The median is 1.25, but every third round says the opposite.
        let mixed = |i: usize| if i.is_multiple_of(3) { 1.2 } else { 0.8 };
        let noisy: Vec<f64> = slow.iter().enumerate().map(|(i, ms)| ms * mixed(i)).collect();
        let unclear = Against::of(&slow, &noisy, 5);
        assert!(unclear.ratio > 1.2 && unclear.verdict == Verdict::Unclear, "{unclear:?}");
        assert_eq!(Against::of(&slow[..5], &fast[..5], 1).words(), "too few runs to tell");
        let barely: Vec<f64> = slow.iter().map(|ms| ms / 1.005).collect();
        assert_eq!(Against::of(&slow, &barely, 5).verdict, Verdict::Unclear);
    }
    #[test]
    fn sessions_that_disagree_tell_nothing() {
        let slow = [10.0; 25];
        let fast: Vec<f64> = (0..25).map(|run| if run < 5 { 10.0 } else { 8.0 }).collect();
        let against = Against::of(&slow, &fast, 5);
        assert!(against.low > Some(1.2) && against.verdict == Verdict::Unclear, "{against:?}");
        assert_eq!(Against::of(&fast, &slow, 5).verdict, Verdict::Unclear);
        assert_eq!(Against::of(&slow[5..], &fast[5..], 5).verdict, Verdict::Faster);
    }
}
