//! What can go wrong in training.

use crate::evaluate::EvaluateError;
use crate::gpu::GpuError;
use crate::graph::{GraphError, Mismatch, Node};
use crate::optimise::OptimiseError;
use crate::plan::PlanError;
use crate::tasks::TaskError;
use thiserror::Error;

/// Why a network cannot be trained, or why training ended.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A node through which no gradient goes.
    #[error("node {node} ({op}) has no gradient: {reason}")]
    NoGradient {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What is missing.
        reason: String,
    },
    /// Nothing is left to train.
    #[error("nothing to train: {0}")]
    NothingToTrain(String),
    /// A task that does not train.
    #[error("task {task}: {reason}")]
    Task {
        /// The task.
        task: String,
        /// What is missing.
        reason: String,
    },
    /// Weights that a kernel does not read as they are.
    #[error("{value} does not reach the kernels as it is: {reason}")]
    Weights {
        /// The constant.
        value: String,
        /// What was found.
        reason: String,
    },
    /// A gradient of another shape than its operator takes.
    #[error("gradient of node {node}: {mismatch}")]
    Shape {
        /// The node.
        node: String,
        /// The rule that is broken.
        mismatch: Mismatch,
    },
    /// Gradients that are not finite, again and again.
    #[error(
        "diverged in epoch {epoch}, step {step}: gradients are not finite; a lower learning rate or clipping may help"
    )]
    Diverged {
        /// The epoch, from 0.
        epoch: usize,
        /// Its step, from 0.
        step: usize,
    },
    /// Pictures cannot be changed like that.
    #[error("augmentation: {0}")]
    Augment(String),
    /// No value inside of a network can be compared with a teacher's.
    #[error(
        "features: no map inside of the network has the name and shape of one of the teacher's; \
         without --distil-features outputs alone are compared"
    )]
    Features,
    /// A detector without a network that says which cells answer for which box.
    #[error("detection: an assigner has to say which cells answer for which box")]
    Untaught,
    /// A step that does not fit into the memory that it may take.
    #[error(
        "a step needs {least} bytes of device memory even where all it can is computed again, {most} are allowed; \
         smaller batches need less"
    )]
    Memory {
        /// The least that was found.
        least: u64,
        /// What is allowed.
        most: u64,
    },
    /// The thread that reads pictures ended early.
    #[error("the thread that reads pictures ended early")]
    Loader,
    /// Pictures or labels that cannot be read.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The graph has no meaning at these sizes.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The graph could not be brought into the form that is trained.
    #[error(transparent)]
    Optimise(#[from] OptimiseError),
    /// No plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A task that does not fit the network.
    #[error(transparent)]
    Tasks(#[from] TaskError),
    /// The device.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// A checkpoint that cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] super::CheckpointError),
    /// The file of what a teacher says.
    #[error("what the teacher says: {0}")]
    Lectures(#[from] std::io::Error),
    /// An evaluation.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

impl TrainError {
    /// That no gradient goes through `node`.
    pub(super) fn no_gradient(node: &Node, reason: &str) -> Self {
        Self::NoGradient { node: node.name.clone(), op: node.op.name(), reason: reason.to_owned() }
    }
}
