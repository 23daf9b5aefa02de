//! Which activations share a buffer: best fit over lifetimes, in the best of some orders.

use super::Step;

/// When a value is needed, in step numbers, both ends included: from the first step that touches it to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The first step that writes it.
    pub first: usize,
    /// The last step that touches it.
    pub last: usize,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Where every value is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The buffer of each value.
    pub buffer: Vec<usize>,
    /// Bytes of each buffer.
    pub bytes: Vec<u64>,
}

impl Lifetime {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Assignments that a search for a smaller one tries, times values squared: a bound on its time.
const EFFORT: usize = 4_000_000;

/// The most assignments that a search tries.
const TRIES: usize = 200;

/// Gives every value a buffer that no value alive at the same step has. Two operands of one step are alive together,
/// so a step never reads the buffer that it writes. The best of values placed largest first, of values placed as steps
/// come, and of small changes to the better order; equal lifetimes get equal assignments.
pub fn assign(lifetimes: &[Lifetime]) -> Assignment {
    let size = |i: usize| std::cmp::Reverse(lifetimes[i].bytes);
    let mut largest: Vec<usize> = (0..lifetimes.len()).collect();
    largest.sort_by_key(|&i| (size(i), lifetimes[i].first, i));
    let mut in_time = largest.clone();
    in_time.sort_by_key(|&i| (lifetimes[i].first, size(i), i));
    let mut order = largest;
    let mut best = place(lifetimes, &order);
    let other = place(lifetimes, &in_time);
    if other.total() < best.total() {
        (order, best) = (in_time, other);
    }
    let least = buffers_bound(lifetimes);
    let tries = (EFFORT / lifetimes.len().pow(2).max(1)).min(TRIES);
    let mut random = Random(1);
    for _ in 0..tries {
        if best.total() == least {
            break;
        }
        let mut changed = order.clone();
        let value = changed.remove(random.below(order.len()));
        changed.insert(random.below(order.len()), value);
        let found = place(lifetimes, &changed);
        if found.total() <= best.total() {
            (order, best) = (changed, found);
        }
    }
    best
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

impl Assignment {
    fn total(&self) -> u64 {
        self.bytes.iter().sum()
    }
}

/// Places values in `order`, each in the smallest free buffer that holds it, else in the largest free one, which grows.
fn place(lifetimes: &[Lifetime], order: &[usize]) -> Assignment {
    let mut tenants: Vec<Vec<usize>> = Vec::new();
    let mut assignment = Assignment { buffer: vec![0; lifetimes.len()], bytes: Vec::new() };
    for &value in order {
        let needed = lifetimes[value].bytes;
        let free =
            |buffer: &usize| tenants[*buffer].iter().all(|&t| !lifetimes[t].overlaps(&lifetimes[value]));
        let waste = |buffer: &usize| {
            let bytes = assignment.bytes[*buffer];
            (needed.saturating_sub(bytes), bytes.saturating_sub(needed))
        };
        let buffer = (0..tenants.len()).filter(free).min_by_key(waste).unwrap_or_else(|| {
            tenants.push(Vec::new());
            assignment.bytes.push(0);
            tenants.len() - 1
        });
        tenants[buffer].push(value);
        assignment.bytes[buffer] = assignment.bytes[buffer].max(needed);
        assignment.buffer[value] = buffer;
    }
    assignment
}

/// What whole buffers need at least: of every step the largest value alive, the second largest, and so on, in the
/// largest buffer, the second largest, and so on.
fn buffers_bound(lifetimes: &[Lifetime]) -> u64 {
    let mut ranks: Vec<u64> = Vec::new();
    for step in lifetimes.iter().map(|l| l.first) {
        let alive = lifetimes.iter().filter(|l| l.first <= step && step <= l.last);
        let mut bytes: Vec<u64> = alive.map(|l| l.bytes).collect();
        bytes.sort_unstable_by(|a, b| b.cmp(a));
        ranks.resize(ranks.len().max(bytes.len()), 0);
        for (rank, bytes) in ranks.iter_mut().zip(bytes) {
            *rank = (*rank).max(bytes);
        }
    }
    ranks.into_iter().sum()
}

/// The bytes alive at the fullest step: no assignment needs less.
pub fn lower_bound(lifetimes: &[Lifetime]) -> u64 {
    let alive_at = |step| lifetimes.iter().filter(move |l| l.first <= step && step <= l.last);
    lifetimes.iter().map(|l| alive_at(l.first).map(|l| l.bytes).sum()).max().unwrap_or(0)
}

/// The lifetimes of slots of `bytes` over `steps` in order. Slots in `pinned` live throughout: graph inputs, which every
/// candidate reads again, and what is read after the last step.
pub(super) fn lifetimes<'a>(
    bytes: &[u64],
    steps: impl Iterator<Item = &'a Step>,
    pinned: &[usize],
) -> Vec<Lifetime> {
    let mut lifetimes: Vec<Lifetime> =
        bytes.iter().map(|&bytes| Lifetime { first: usize::MAX, last: 0, bytes }).collect();
    let mut end = 0;
    for (number, step) in steps.enumerate() {
        end = number + 1;
        for operand in &step.operands {
            if let Some(slot) = operand.slot() {
                lifetimes[slot].first = lifetimes[slot].first.min(number);
                lifetimes[slot].last = lifetimes[slot].last.max(number);
            }
        }
    }
    for &slot in pinned {
        lifetimes[slot] = Lifetime { first: 0, last: end, bytes: bytes[slot] };
    }
    for lifetime in lifetimes.iter_mut().filter(|l| l.first == usize::MAX) {
        *lifetime = Lifetime { first: 0, last: 0, bytes: 0 };
    }
    lifetimes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lifetime() -> impl Strategy<Value = Lifetime> {
        (0..40usize, 0..12usize, 1..1000u64).prop_map(|(first, length, bytes)| Lifetime {
            first,
            last: first + length,
            bytes,
        })
    }

    proptest! {
        #[test]
        fn no_two_values_alive_together_share(lifetimes in prop::collection::vec(lifetime(), 0..60)) {
            let assignment = assign(&lifetimes);
            for (i, a) in lifetimes.iter().enumerate() {
                prop_assert!(assignment.bytes[assignment.buffer[i]] >= a.bytes);
                for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
                    let apart = assignment.buffer[i] != assignment.buffer[j];
                    prop_assert!(apart || !a.overlaps(b), "{i} and {j} share");
                }
            }
            let total: u64 = assignment.bytes.iter().sum();
            prop_assert!(total >= buffers_bound(&lifetimes));
            prop_assert!(buffers_bound(&lifetimes) >= lower_bound(&lifetimes));
            prop_assert_eq!(assignment, assign(&lifetimes));
            prop_assert!(total <= lifetimes.iter().map(|l| l.bytes).sum());
        }
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let chain: Vec<_> = (0..6).map(|i| Lifetime { first: i, last: i + 1, bytes: 100 }).collect();
        assert_eq!(assign(&chain).bytes, [100, 100]);
        assert_eq!(lower_bound(&chain), 200);
    }

    /// Neither the largest first nor one after the other places these values as well as it can be done.
    #[test]
    fn orders_that_waste_are_changed() {
        let values = [(0, 0, 3), (2, 3, 2), (0, 2, 3), (1, 2, 1), (3, 5, 3)];
        let lifetimes = values.map(|(first, last, bytes)| Lifetime { first, last, bytes });
        for order in [[0, 2, 4, 1, 3], [0, 2, 3, 1, 4]] {
            assert_eq!(place(&lifetimes, &order).total(), 8);
        }
        assert_eq!((assign(&lifetimes).total(), buffers_bound(&lifetimes)), (7, 7));
    }
}
