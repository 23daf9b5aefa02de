//! Runs, prunes and compacts multitask CNNs on any GPU that wgpu reaches.
//!
//! ONNX bytes → [`onnx`] → [`graph`] → [`optimise`] → [`units`] → [`plan`] → [`gpu`] → [`tasks`] → [`search`] →
//! [`compact`] → [`onnx`]. ARCHITECTURE.md tells which module may import which.

#[cfg(feature = "cli")]
pub mod cli;
pub mod compact;
pub mod evaluate;
pub mod gpu;
pub mod graph;
pub mod kernels;
pub mod onnx;
pub mod optimise;
pub mod plan;
pub mod recover;
pub mod reference;
#[cfg(feature = "cli")]
pub mod scenes;
pub mod search;
pub mod tasks;
pub mod tensor;
pub mod train;
pub mod units;

pub use wgpu;
