//! How much each visited unit may cost each task: limits that decay from a task's rate so that all accepted units
//! together multiply its loss by at most the total.

use thiserror::Error;

/// A schedule that cannot be made.
#[derive(Debug, Error, PartialEq)]
pub enum ScheduleError {
    /// A rate or total outside its range.
    #[error("{what} must be {range}, found {found}")]
    Range {
        /// Which number.
        what: String,
        /// Its range in words.
        range: &'static str,
        /// The number.
        found: f64,
    },
}

/// The limits of one task: the `i`-th accepted unit may raise its loss by the factor `1 + rate decay^i`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The first unit's relative increase.
    pub rate: f64,
    /// The factor from one accepted unit's increase to the next one's.
    pub decay: f64,
}

impl Schedule {
    /// Solves `prod_{i < units} (1 + rate decay^i) = total` for `decay`, which is at most 1: where even undecayed
    /// limits cannot reach the total, they stay undecayed (PAGCP's lambda, arXiv 2303.11923).
    pub fn solve(rate: f64, total: f64, units: usize) -> Result<Self, ScheduleError> {
        check("the rate", rate, rate > 0.0 && rate.is_finite(), "a positive number")?;
        check("the total", total, total > 1.0 + rate && total.is_finite(), "over 1 + the rate")?;
        if product(rate, 1.0, units) <= total {
            return Ok(Self { rate, decay: 1.0 });
        }
        Ok(Self { rate, decay: bisect(0.0, 1.0, |decay| product(rate, decay, units) - total) })
    }

    /// As [`Schedule::solve`], with a decay over 1 where the total is out of undecayed limits' reach, as PAGCP's
    /// reference code solves it.
    pub fn solve_unbounded(rate: f64, total: f64, units: usize) -> Result<Self, ScheduleError> {
        let bounded = Self::solve(rate, total, units)?;
        if bounded.decay < 1.0 || units < 2 {
            return Ok(bounded);
        }
        let mut high = 2.0;
        while product(rate, high, units) < total {
            high *= 2.0;
        }
        Ok(Self { rate, decay: bisect(1.0, high, |decay| product(rate, decay, units) - total) })
    }

    /// The relative increase allowed to the next unit after `accepted` accepted ones.
    pub fn limit(&self, accepted: usize) -> f64 {
        let power = i32::try_from(accepted).unwrap_or(i32::MAX);
        self.rate * self.decay.powi(power)
    }
}

fn check(what: &str, found: f64, holds: bool, range: &'static str) -> Result<(), ScheduleError> {
    if holds { Ok(()) } else { Err(ScheduleError::Range { what: what.to_owned(), range, found }) }
}

fn product(rate: f64, decay: f64, units: usize) -> f64 {
    let mut limit = rate;
    let mut product = 1.0;
    for _ in 0..units {
        product *= 1.0 + limit;
        limit *= decay;
    }
    product
}

/// The root of a function that grows from below zero at `low`, from below: the product of limits never exceeds the
/// total by rounding.
fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if f(middle) > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_is_that_of_the_published_settings() {
        for (rate, total, units, decay) in [
            (0.05, 5.0, 52, 0.9803),
            (0.06, 6.0, 52, 0.9769),
            (0.06, 6.0, 103, 0.9682),
            (0.05, 5.0, 69, 0.9746),
        ] {
            let solved = Schedule::solve(rate, total, units).unwrap();
            assert!((solved.decay - decay).abs() < 1e-4, "{rate} {total} {units}: {}", solved.decay);
            let reached = product(rate, solved.decay, units);
            assert!(reached <= total && reached > total * (1.0 - 1e-9), "{reached}");
        }
    }

    #[test]
    fn an_unreachable_total_leaves_limits_undecayed() {
        assert_eq!(Schedule::solve(0.05, 5.0, 3).unwrap().decay, 1.0);
        let unbounded = Schedule::solve_unbounded(0.05, 5.0, 3).unwrap();
        assert!(unbounded.decay > 1.0 && (product(0.05, unbounded.decay, 3) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_total_below_the_first_limit_is_refused() {
        assert!(Schedule::solve(0.06, 1.05, 10).is_err());
        assert!(Schedule::solve(-0.1, 6.0, 10).is_err());
        assert!(Schedule::solve(f64::NAN, 6.0, 10).is_err());
    }

    #[test]
    fn limits_shrink_with_every_accepted_unit() {
        let schedule = Schedule::solve(0.06, 6.0, 60).unwrap();
        assert_eq!(schedule.limit(0), 0.06);
        assert!((1..60).all(|i| schedule.limit(i) < schedule.limit(i - 1)));
    }
}
