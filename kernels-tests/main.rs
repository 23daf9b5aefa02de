//! Every kernel against the f64 reference, and the invariants of masking and compaction.

mod contract;
mod execute;
mod harness;
