//! What can go wrong while a network is measured.

use crate::gpu::GpuError;
use crate::graph::GraphError;
use crate::optimise::OptimiseError;
use crate::plan::PlanError;
use crate::tasks::TaskError;
use thiserror::Error;

/// Why a network could not be measured.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The graph has no shapes at the sizes asked for.
    #[error(transparent)]
    Graph(Box<GraphError>),
    /// The graph cannot be optimised.
    #[error(transparent)]
    Optimise(Box<OptimiseError>),
    /// The graph cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A task does not fit the network.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The device failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Pictures or labels could not be read.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// Pictures or labels of other sizes than the network's.
    #[error("{what} needs {expected} numbers for an image, found {found}")]
    Size {
        /// The input, or the task whose labels they are.
        what: String,
        /// What the network has.
        expected: usize,
        /// What the image has.
        found: usize,
    },
    /// No images.
    #[error("there are no images to measure the network on")]
    NoImages,
    /// No tasks.
    #[error("there are no tasks to measure the network by")]
    NoTasks,
    /// [`super::GpuEvaluator::teach`] has not been called, and a task needs it.
    #[error(
        "task {0}: what its loss compares with follows from the unpruned network, which has not been run"
    )]
    Untaught(String),
    /// [`crate::search::Evaluator::score`] before `prepare`.
    #[error("no network has been prepared")]
    Unprepared,
}

impl From<GraphError> for EvaluateError {
    fn from(error: GraphError) -> Self {
        Self::Graph(Box::new(error))
    }
}

impl From<OptimiseError> for EvaluateError {
    fn from(error: OptimiseError) -> Self {
        Self::Optimise(Box::new(error))
    }
}
