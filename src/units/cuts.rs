//! Where segments must start: the operand boundaries of every concatenation, spread over the couplings, so that
//! coupled values are cut alike.

use super::coupling::Couplings;
use std::collections::BTreeSet;

/// For every value, the channels (above 0) at which a segment must start.
pub(super) fn spread(couplings: &Couplings) -> Vec<BTreeSet<usize>> {
    let touching = couplings.touching();
    let mut cuts = vec![BTreeSet::new(); couplings.channels.len()];
    let mut pending = couplings.cuts.clone();
    while let Some((value, at)) = pending.pop() {
        if at == 0 || at >= couplings.channels[value.0] || !cuts[value.0].insert(at) {
            continue;
        }
        for &(link, here, there) in &touching[value.0] {
            let Some(offset) = at.checked_sub(here.start).filter(|offset| offset % here.block == 0) else {
                continue;
            };
            let block = offset / here.block;
            if couplings.links[link].cuts && block <= couplings.links[link].count {
                pending.push((there.value, there.start + block * there.block));
            }
        }
    }
    cuts
}
