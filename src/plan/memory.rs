//! Which activations share a buffer, one after the other or side by side: best fit over lifetimes, in the best of some orders.

use super::Step;
use crate::kernels::Access;
use std::collections::BTreeSet;

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

/// What has to be placed.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// The values.
    pub lifetimes: Vec<Lifetime>,
    /// By value, those that must not be in its buffer, since a step binds both and writes one. Each names the other.
    pub apart: Vec<BTreeSet<usize>>,
}

/// Where a value is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The buffer.
    pub buffer: usize,
    /// Where in the buffer it begins, in bytes: a multiple of [`ALIGNMENT`].
    pub offset: u64,
}

/// Where every value is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The place of each value.
    pub places: Vec<Place>,
    /// Bytes of each buffer.
    pub bytes: Vec<u64>,
}

/// What every device can bind from, in bytes.
pub const ALIGNMENT: u64 = 256;

impl Lifetime {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Assignments that a search for a smaller one tries, times values squared: a bound on its time.
const EFFORT: usize = 4_000_000;

/// The most assignments that a search tries.
const TRIES: usize = 200;

/// Gives every value a place in a buffer that no value alive at the same step overlaps, and in which no value is that a step
/// binds with it and of which it writes one. A buffer is as large as its largest value. The best of values placed largest
/// first, of values placed as steps come, and of small changes to the better order; equal values get equal assignments.
pub fn assign(values: &Values) -> Assignment {
    let lifetimes = &values.lifetimes;
    let size = |i: usize| std::cmp::Reverse(lifetimes[i].bytes);
    let mut largest: Vec<usize> = (0..lifetimes.len()).collect();
    largest.sort_by_key(|&i| (size(i), lifetimes[i].first, i));
    let mut in_time = largest.clone();
    in_time.sort_by_key(|&i| (lifetimes[i].first, size(i), i));
    let mut order = largest;
    let mut best = place(values, &order);
    let other = place(values, &in_time);
    if other.total() < best.total() {
        (order, best) = (in_time, other);
    }
    let least = lower_bound(lifetimes);
    let tries = (EFFORT / lifetimes.len().pow(2).max(1)).min(TRIES);
    let mut random = Random(1);
    for _ in 0..tries {
        if best.total() == least {
            break;
        }
        let mut changed = order.clone();
        let value = changed.remove(random.below(order.len()));
        changed.insert(random.below(order.len()), value);
        let found = place(values, &changed);
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

/// Places values in `order`, each in the buffer that it wastes least of: where nothing is alive with it, which may let the
/// buffer grow, or in a gap beside what is; else in a new one.
fn place(values: &Values, order: &[usize]) -> Assignment {
    let mut tenants: Vec<Vec<usize>> = Vec::new();
    let mut assignment = Assignment { places: vec![Place::default(); order.len()], bytes: Vec::new() };
    for &value in order {
        let needed = values.lifetimes[value].bytes;
        let fitting = (0..tenants.len()).filter_map(|buffer| {
            let offset = gap(values, &assignment, (&tenants[buffer], assignment.bytes[buffer]), value)?;
            let bytes = assignment.bytes[buffer];
            Some(((needed.saturating_sub(bytes), bytes.saturating_sub(needed)), Place { buffer, offset }))
        });
        let place = fitting.min_by_key(|&(waste, place)| (waste, place.buffer)).map(|(_, place)| place);
        let place = place.unwrap_or_else(|| {
            tenants.push(Vec::new());
            assignment.bytes.push(0);
            Place { buffer: tenants.len() - 1, offset: 0 }
        });
        tenants[place.buffer].push(value);
        let bytes = &mut assignment.bytes[place.buffer];
        *bytes = (*bytes).max(place.offset + needed);
        assignment.places[value] = place;
    }
    assignment
}

/// Where `value` can be among the `tenants` of a buffer of `bytes`, if it can.
fn gap(
    values: &Values,
    assignment: &Assignment,
    (tenants, bytes): (&[usize], u64),
    value: usize,
) -> Option<u64> {
    let own = &values.lifetimes[value];
    if tenants.iter().any(|tenant| values.apart[value].contains(tenant)) {
        return None;
    }
    let span = |&tenant: &usize| {
        let start = assignment.places[tenant].offset;
        (start, start + values.lifetimes[tenant].bytes)
    };
    let alive = tenants.iter().filter(|tenant| values.lifetimes[**tenant].overlaps(own));
    let mut spans: Vec<(u64, u64)> = alive.map(span).collect();
    if spans.is_empty() {
        return Some(0);
    }
    spans.sort_unstable();
    let mut offset = 0;
    for (start, end) in spans {
        if offset + own.bytes <= start {
            break;
        }
        offset = offset.max(end.next_multiple_of(ALIGNMENT));
    }
    (offset + own.bytes <= bytes).then_some(offset)
}

/// The bytes alive at the fullest step: no assignment needs less.
pub fn lower_bound(lifetimes: &[Lifetime]) -> u64 {
    let alive_at = |step| lifetimes.iter().filter(move |l| l.first <= step && step <= l.last);
    lifetimes.iter().map(|l| alive_at(l.first).map(|l| l.bytes).sum()).max().unwrap_or(0)
}

/// Slots of `bytes` as `steps` touch them, in order. Slots in `pinned` live throughout: graph inputs, which every candidate
/// reads again. Those in `read` live to the end: what is read after the last step.
pub(super) fn values<'a>(
    bytes: &[u64],
    steps: impl Iterator<Item = &'a Step>,
    [pinned, read]: [&[usize]; 2],
) -> Values {
    let mut lifetimes: Vec<Lifetime> =
        bytes.iter().map(|&bytes| Lifetime { first: usize::MAX, last: 0, bytes }).collect();
    let mut apart = vec![BTreeSet::new(); bytes.len()];
    let mut end = 0;
    for (number, step) in steps.enumerate() {
        end = number + 1;
        let bound = step.operands.iter().zip(step.kernel.bindings);
        let slots: Vec<(usize, bool)> =
            bound.filter_map(|(operand, access)| Some((operand.slot()?, *access == Access::Write))).collect();
        for &(slot, written) in &slots {
            lifetimes[slot].first = lifetimes[slot].first.min(number);
            lifetimes[slot].last = lifetimes[slot].last.max(number);
            for &(other, _) in slots.iter().filter(|(other, _)| written && *other != slot) {
                apart[slot].insert(other);
                apart[other].insert(slot);
            }
        }
    }
    for &slot in pinned {
        lifetimes[slot].first = 0;
    }
    for &slot in pinned.iter().chain(read) {
        lifetimes[slot].last = end;
    }
    for lifetime in lifetimes.iter_mut().filter(|l| l.first == usize::MAX) {
        *lifetime = Lifetime { first: 0, last: 0, bytes: 0 };
    }
    Values { lifetimes, apart }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lifetime() -> impl Strategy<Value = Lifetime> {
        (0..40usize, 0..12usize, 1..4000u64).prop_map(|(first, length, bytes)| Lifetime {
            first,
            last: first + length,
            bytes,
        })
    }

    /// Values of which those that meet in a step whose number is a multiple of `every` are kept apart.
    fn values(lifetimes: &[Lifetime], every: usize) -> Values {
        let meet = |a: &Lifetime, b: &Lifetime| {
            (a.first.max(b.first)..=a.last.min(b.last)).any(|step| step.is_multiple_of(every))
        };
        let apart = |i: usize| {
            let others = (0..lifetimes.len()).filter(|&j| j != i);
            others.filter(|&j| meet(&lifetimes[i], &lifetimes[j])).collect()
        };
        Values { lifetimes: lifetimes.to_vec(), apart: (0..lifetimes.len()).map(apart).collect() }
    }

    proptest! {
        #[test]
        fn no_two_values_alive_together_share(
            lifetimes in prop::collection::vec(lifetime(), 0..60),
            every in 1..5usize,
        ) {
            let values = values(&lifetimes, every);
            let assignment = assign(&values);
            let end = |i: usize| assignment.places[i].offset + lifetimes[i].bytes;
            for (i, a) in lifetimes.iter().enumerate() {
                let place = assignment.places[i];
                prop_assert!(assignment.bytes[place.buffer] >= end(i));
                prop_assert!(place.offset.is_multiple_of(ALIGNMENT));
                for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
                    let other = assignment.places[j];
                    let elsewhere = place.buffer != other.buffer;
                    prop_assert!(elsewhere || !values.apart[i].contains(&j), "a step binds {i} and {j}");
                    let beside = end(i) <= other.offset || end(j) <= place.offset;
                    prop_assert!(elsewhere || beside || !a.overlaps(b), "{i} and {j} share");
                }
            }
            let total: u64 = assignment.bytes.iter().sum();
            prop_assert!(total >= lower_bound(&lifetimes));
            prop_assert_eq!(&assignment, &assign(&values));
            prop_assert!(total <= lifetimes.iter().map(|l| l.bytes).sum());
        }
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let chain: Vec<_> = (0..6).map(|i| Lifetime { first: i, last: i + 1, bytes: 100 }).collect();
        assert_eq!(assign(&values(&chain, 1)).bytes, [100, 100]);
        assert_eq!(lower_bound(&chain), 200);
    }

    /// Two values of a quarter lie beside one another in the buffer that a large one left, unless a step binds both.
    #[test]
    fn small_values_share_a_large_buffer() {
        let all = [(0, 1, 1024), (2, 3, 256), (2, 3, 512)];
        let lifetimes = all.map(|(first, last, bytes)| Lifetime { first, last, bytes });
        let free = Values { lifetimes: lifetimes.to_vec(), apart: vec![BTreeSet::new(); 3] };
        assert_eq!(assign(&free).bytes, [1024]);
        assert_eq!(assign(&values(&lifetimes, 1)).bytes, [1024, 256]);
    }

    /// Neither the largest first nor one after the other places these values as well as it can be done.
    #[test]
    fn orders_that_waste_are_changed() {
        let all = [(0, 0, 3), (2, 3, 2), (0, 2, 3), (1, 2, 1), (3, 5, 3)];
        let lifetimes = all.map(|(first, last, bytes)| Lifetime { first, last, bytes });
        let values = values(&lifetimes, 1);
        for order in [[0, 2, 4, 1, 3], [0, 2, 3, 1, 4]] {
            assert_eq!(place(&values, &order).total(), 8);
        }
        assert_eq!(assign(&values).total(), 7);
    }
}
