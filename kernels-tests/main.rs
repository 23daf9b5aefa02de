//! Every kernel against the f64 reference, and the invariants of masking and compaction.

#![expect(clippy::unwrap_used, reason = "every function here is part of a test")]

mod activation_gradient;
mod affine;
mod batch_norm_training;
#[cfg(feature = "cli")]
mod bundled;
mod case;
mod compaction;
mod compare;
mod concat;
mod contract;
mod conv;
mod conv_gpu;
mod conv_transpose;
mod conv_weight;
mod device;
mod docs;
mod element;
mod eltwise_binary;
mod eltwise_unary;
mod eltwise_where;
mod evaluate;
mod execute;
mod gather;
mod gather_sum;
mod global_pool;
mod gradient_norm;
mod gram;
mod harness;
mod layers;
mod lectures;
mod loss;
mod loss_agreement;
mod loss_bce;
mod loss_cosine;
mod loss_detection;
mod loss_gradient;
mod loss_gradient_boxes;
mod loss_l1;
mod loss_segmentation;
mod masks;
mod mat_mul;
mod near;
mod network;
mod node;
mod norm;
mod optimise;
mod pack;
mod pad;
mod peak_copy;
mod peak_multiply_add;
mod plan;
mod pool;
mod pool_gradient;
#[path = "../src/onnx/proto.rs"]
mod proto;
mod random_graph;
mod reduce;
mod repack;
mod resample_axis;
mod reshape;
mod resize;
mod resize_unpack;
mod search;
mod session;
mod shared;
mod softmax;
mod taught;
mod text;
mod trainer;
mod training_golden;
mod translate;
mod traps;
#[cfg(feature = "cli")]
mod zoo;
