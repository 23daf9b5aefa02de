//! What a network is judged by: one file per kind of task with its loss and metrics, the labels, and (with feature
//! `cli`) the tasks file and data sets on disk.

mod agreement;
mod attach;
mod classification;
mod depth;
pub mod detection;
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
mod steps;
mod training;

#[cfg(feature = "cli")]
mod boxes;
#[cfg(feature = "cli")]
mod dataset;
#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod input;
#[cfg(feature = "cli")]
mod labels;
#[cfg(feature = "cli")]
mod picture;
#[cfg(feature = "cli")]
mod resolve;
#[cfg(feature = "cli")]
mod task_table;

pub use agreement::{Agreement, FLOOR, Measure, Spread};
pub use attach::{LabelBuffer, Scoring, attach, result_bytes};
pub use kind::{LEAST_BASE, Meter, Metric, Norm, TaskKind, UNLABELLED};
pub use loss::Loss;
pub use normals::SHORTEST;
pub use sample::{Frame, Samples, Source, Targets, Task, TaskError};
pub use training::Goal;

#[cfg(feature = "cli")]
pub use dataset::{Dataset, Signature};
#[cfg(feature = "cli")]
pub use error::DataError;
#[cfg(feature = "cli")]
pub use file::{KindFormat, LabelFormat, TaskFormat, TasksFile};
#[cfg(feature = "cli")]
pub use input::{Align, Color, Fit, InputFormat};
#[cfg(feature = "cli")]
pub use picture::read_npy;
