//! The scan that brackets: it gallops over the candidates, then bisects, taking for granted that whatever keeps less
//! loses more. The candidate that it ends with and its neighbour have been judged on all data like any other.

use super::driver::{Driver, SearchError};
use super::journal::Scored;
use super::recovering::Start;
use super::scan::{Scan, Scanned, worst_increase};
use super::{Evaluator, Loss};

impl<E: Evaluator> Driver<'_, E> {
    /// As `scan`, with whatever was judged, in the order of what is kept.
    pub(super) fn bracket(
        &mut self,
        (unit, keeps): (usize, &[Vec<usize>]),
        tries: &[usize],
        scan: &Scan,
        start: Start,
    ) -> Result<Scanned, SearchError<E::Error>> {
        let whole: Vec<usize> = keeps.iter().map(Vec::len).collect();
        let mut known = start.first;
        let mut scored: Vec<Scored> = Vec::new();
        let mut broken = None;
        let (mut within, mut end) = (0, tries.len());
        while within < end {
            let at = next(within, end, broken.is_some());
            let mut counts = whole.clone();
            counts[unit] = tries[at];
            let losses: Vec<Loss> = match known.take() {
                Some(losses) => losses,
                None => self.evaluator.score(&[counts]).map_err(SearchError::Evaluate)?.swap_remove(0),
            };
            let (worst, task) = worst_increase(self.evaluator.tasks(), &losses, scan);
            self.observer.scored(tries[at], whole[unit], worst);
            scored.push(Scored { keep: tries[at], losses });
            match task {
                Some(task) => (end, broken) = (at, Some(task)),
                None => within = at + 1,
            }
        }
        scored.sort_by_key(|scored| std::cmp::Reverse(scored.keep));
        let accepted = within.checked_sub(1).map(|at| tries[at]);
        Ok(Scanned { candidates: scored, accepted, broken })
    }
}

/// The candidate to judge next, where the first `within` are taken to pass and those from `end` on not to: twice as far
/// as the last one until one is refused, then the middle.
fn next(within: usize, end: usize, bracketed: bool) -> usize {
    if bracketed { within + (end - within) / 2 } else { (2 * within).min(end - 1) }
}

#[cfg(test)]
mod tests {
    use super::next;

    /// The candidates that are judged where the first `pass` of `all` pass.
    fn judged(pass: usize, all: usize) -> Vec<usize> {
        let (mut within, mut end, mut bracketed, mut list) = (0, all, false, vec![]);
        while within < end {
            let at = next(within, end, bracketed);
            list.push(at);
            if at < pass {
                within = at + 1;
            } else {
                (end, bracketed) = (at, true);
            }
        }
        assert_eq!((within, end), (pass, pass));
        list
    }

    #[test]
    fn both_sides_of_the_end_are_judged_and_few_others() {
        assert_eq!(judged(0, 19), [0]);
        assert_eq!(judged(19, 19), [0, 2, 6, 14, 18]);
        for all in 1..=19 {
            for pass in 0..=all {
                let list = judged(pass, all);
                assert!(pass == 0 || list.contains(&(pass - 1)), "{pass} of {all}");
                assert!(pass == all || list.contains(&pass), "{pass} of {all}");
                assert!(list.len() <= 9, "{pass} of {all}: {list:?}");
            }
        }
    }
}
