//! Naive operators in f64: the oracle of every test, also used to fold constants and to verify.
//!
//! [`execute`] computes one operator, [`run`] a graph, [`bounds`] what a GPU may differ by. The operator functions
//! take inputs of fitting shapes (see [`crate::graph::shape::output_shape`]) and panic on others; [`execute`] and
//! [`run`] check first. Called with absolute values of inputs, weights and biases, [`conv`],
//! [`conv_transpose`], [`gemm`], [`average_pool`] and [`global_average_pool`] give the magnitude `Σ|x w|` of each sum.

mod array;
mod bounds;
mod conv;
mod conv_transpose;
mod eltwise;
mod execute;
mod gemm;
mod mat_mul;
mod moves;
mod norm;
mod pool;
mod reduce;
mod resize;
mod shape_ops;
mod softmax;
#[cfg(test)]
mod tests;
mod training;
mod winograd;

pub use array::Array;
pub use bounds::{Bounded, bound, bounds};
pub use conv::conv;
pub use conv_transpose::conv_transpose;
pub use eltwise::{activate, batch_norm, binary, choose, combine};
pub use execute::{ReferenceError, execute, run};
pub use gemm::gemm;
pub use mat_mul::mat_mul;
pub use moves::moved;
pub use norm::norm;
pub use pool::{average_pool, global_average_pool, global_max_pool, max_pool};
pub use reduce::{arg_max, reduce};
pub use resize::resize;
pub use shape_ops::{concat, pad};
pub use softmax::{log_softmax, softmax};
pub use training::activate_gradient;
