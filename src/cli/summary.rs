//! `summary.json`: a stable contract.

use super::bench::Against;
use crate::search::saliency::Criterion;
use crate::train::{Epoch, Settings};
use serde::{Deserialize, Serialize};

/// The result of a pruning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The format's version, 1.
    pub version: u32,
    /// Twice the MACs.
    pub flops: Change<u64>,
    /// Multiply-accumulates of convolutions and matrix products for one image.
    pub macs: Change<u64>,
    /// Weights, biases, scales and shifts.
    pub params: Change<u64>,
    /// Every task on the validation pictures.
    pub tasks: Vec<TaskSummary>,
    /// Median latency of one image.
    pub latency_ms: Latency,
    /// What the search cost.
    pub search: SearchSummary,
    /// Every unit.
    pub units: Vec<UnitSummary>,
    /// The training after the search, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingSummary>,
    /// Whether batch normalisations have the moments of the pruned network, not those of the unpruned one.
    #[serde(default)]
    pub re_estimated: bool,
    /// The options that were in force.
    pub options: serde_json::Value,
}

/// A number before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change<T> {
    /// Of the unpruned network.
    pub before: T,
    /// Of the pruned network.
    pub after: T,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSummary {
    /// Its name in the tasks file.
    pub name: String,
    /// Its kind in the tasks file.
    pub kind: String,
    /// Mean loss.
    pub loss: Change<f64>,
    /// The kind's first metric.
    pub metric: MetricChange,
}

/// A metric before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricChange {
    /// Its name.
    pub name: String,
    /// Whether larger is better.
    pub higher_is_better: bool,
    /// Of the unpruned network.
    pub before: f64,
    /// Of the pruned network.
    pub after: f64,
}

/// Median latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Of the unpruned network, in milliseconds.
    pub before: f64,
    /// Of the pruned network, in milliseconds.
    pub after: f64,
    /// The device that was timed.
    pub device: String,
    /// Whether the pruned network is faster, as far as the runs can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_before: Option<Against>,
    /// What the times measured before the search predict of the pruned network, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<f64>,
}

/// What a search cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchSummary {
    /// Visited units.
    pub units: usize,
    /// Scored candidates.
    pub candidates: usize,
    /// Pictures that each was scored on.
    pub images: usize,
    /// Multiply-accumulates that this run executed: candidates, what they have in common, fits of recovery, the
    /// unpruned and the final network. Less than the whole where it was resumed.
    pub macs: u64,
    /// Multiply-accumulates of an ascending scan of the same candidates that shares nothing: the unpruned network, then for
    /// every unit the whole masked network for each candidate up to the first that breaks a limit, on the same pictures.
    #[serde(default)]
    pub scan_macs: u64,
    /// Those of the scan of PAGCP's reference code with the same decisions: likewise, but it tries every twentieth of a
    /// unit, whatever kept counts are rounded to.
    pub reference_macs: u64,
    /// Seconds of this run; less than the whole where it was resumed.
    pub seconds: f64,
}

/// What a training cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// Passes over the pictures.
    pub epochs: usize,
    /// The pictures.
    pub images: usize,
    /// Seconds of this run; less than the whole where it was resumed.
    pub seconds: f64,
    /// Every epoch; those of all rounds one after another.
    #[serde(default)]
    pub course: Vec<Epoch>,
    /// What decided it.
    #[serde(default)]
    pub settings: Option<Settings>,
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitSummary {
    /// Its id.
    pub id: String,
    /// Coordinates before.
    pub channels: usize,
    /// Coordinates kept.
    pub kept: usize,
    /// The task whose limit stopped it.
    pub limited_by: Option<String>,
    /// Whether what reads it has recovered weights.
    pub recovered: bool,
    /// What ranked its channels where the criterion that was asked for could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranked_by: Option<Criterion>,
}

impl Summary {
    /// The tasks' names in order.
    pub fn task_names(&self) -> Vec<String> {
        self.tasks.iter().map(|task| task.name.clone()).collect()
    }
}
