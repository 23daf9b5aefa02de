//! Every kernel against the f64 reference, and the invariants of masking and compaction.

mod affine;
mod case;
mod compare;
mod concat;
mod contract;
mod eltwise_binary;
mod eltwise_unary;
mod execute;
mod global_average;
mod harness;
mod layers;
mod pad;
mod pool;
mod reshape;
mod resize;
mod softmax;
