//! Which activations share a buffer: best fit over lifetimes, largest first.

use super::{Operand, Step};

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

/// Gives every value a buffer that no value alive at the same step has. Two operands of one step are alive together,
/// so a step never reads the buffer that it writes.
pub fn assign(lifetimes: &[Lifetime]) -> Assignment {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lifetimes[i].bytes), lifetimes[i].first, i));
    let mut tenants: Vec<Vec<usize>> = Vec::new();
    let mut assignment = Assignment { buffer: vec![0; lifetimes.len()], bytes: Vec::new() };
    for value in order {
        let free =
            |buffer: &usize| tenants[*buffer].iter().all(|&t| !lifetimes[t].overlaps(&lifetimes[value]));
        let fits = (0..tenants.len()).filter(free).min_by_key(|&buffer| assignment.bytes[buffer]);
        let buffer = fits.unwrap_or_else(|| {
            tenants.push(Vec::new());
            assignment.bytes.push(lifetimes[value].bytes);
            tenants.len() - 1
        });
        tenants[buffer].push(value);
        assignment.buffer[value] = buffer;
    }
    assignment
}

/// The bytes alive at the fullest step: no assignment needs less.
pub fn lower_bound(lifetimes: &[Lifetime]) -> u64 {
    let alive_at = |step| lifetimes.iter().filter(move |l| l.first <= step && step <= l.last);
    lifetimes.iter().map(|l| alive_at(l.first).map(|l| l.bytes).sum()).max().unwrap_or(0)
}

/// The lifetimes of slots of `bytes` over `steps`. Slots in `pinned` live throughout: graph inputs, which every
/// candidate reads again, and what is read after the last step.
pub(super) fn lifetimes(bytes: &[u64], steps: &[Step], pinned: &[usize]) -> Vec<Lifetime> {
    let mut lifetimes: Vec<Lifetime> =
        bytes.iter().map(|&bytes| Lifetime { first: usize::MAX, last: 0, bytes }).collect();
    for (number, step) in steps.iter().enumerate() {
        for operand in &step.operands {
            if let Operand::Slot(slot) = *operand {
                lifetimes[slot].first = lifetimes[slot].first.min(number);
                lifetimes[slot].last = lifetimes[slot].last.max(number);
            }
        }
    }
    for &slot in pinned {
        lifetimes[slot] = Lifetime { first: 0, last: steps.len(), bytes: bytes[slot] };
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
            prop_assert!(total >= lower_bound(&lifetimes));
            prop_assert!(total <= lifetimes.iter().map(|l| l.bytes).sum());
        }
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let chain: Vec<_> = (0..6).map(|i| Lifetime { first: i, last: i + 1, bytes: 100 }).collect();
        assert_eq!(assign(&chain).bytes, [100, 100]);
        assert_eq!(lower_bound(&chain), 200);
    }
}
