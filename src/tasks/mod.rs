//! What a network is judged by: one file per kind of task with its loss and metrics, the labels, and (with feature
//! `cli`) the tasks file and data sets on disk.

mod attach;
mod classification;
mod depth;
mod edges;
#[cfg(feature = "cli")]
mod error;
mod kind;
mod loss;
mod multilabel;
mod normals;
mod regression;
mod sample;
mod segmentation;

#[cfg(feature = "cli")]
mod dataset;
#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod labels;
#[cfg(feature = "cli")]
mod picture;

pub use attach::{LabelBuffer, Scoring, attach, result_bytes};
pub use kind::{Meter, Metric, Norm, TaskKind, UNLABELLED};
pub use loss::Loss;
pub use sample::{Frame, Samples, Source, Task, TaskError};

#[cfg(feature = "cli")]
pub use dataset::{Dataset, Signature};
#[cfg(feature = "cli")]
pub use error::DataError;
#[cfg(feature = "cli")]
pub use file::{Color, Fit, InputFormat, LabelFormat, TasksFile};
#[cfg(feature = "cli")]
pub use picture::read_npy;
