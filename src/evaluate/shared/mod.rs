//! One visit's network on a device, cut in two: what no candidate changes runs once for every batch of pictures and is
//! kept, in host memory, for this visit and those after it; the rest runs for every candidate.

mod cache;
mod cut;
mod head;
mod keys;
mod piece;
mod split;

pub(super) use cut::Whole;
pub(super) use head::{Head, Set};
pub(super) use keys::keys;
pub(super) use split::Split;
