//! Every kernel against the f64 reference, and the invariants of masking and compaction.

mod compare;
mod contract;
mod execute;
mod harness;
mod layers;
