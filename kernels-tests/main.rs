//! Every kernel against the f64 reference, and the invariants of masking and compaction.

mod affine;
mod case;
mod compare;
mod concat;
mod contract;
mod conv;
mod eltwise_binary;
mod eltwise_unary;
mod execute;
mod global_average;
mod harness;
mod layers;
mod loss;
mod loss_bce;
mod loss_cosine;
mod loss_l1;
mod loss_segmentation;
mod node;
mod pad;
mod pool;
mod reshape;
mod resize;
mod softmax;
