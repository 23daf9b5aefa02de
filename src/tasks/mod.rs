//! What a network is judged by: one file per kind of task with its loss and metrics.

mod loss;

pub use loss::Loss;
