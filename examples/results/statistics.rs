//! Drops, means and deviations.

use serde::{Deserialize, Serialize};

/// A task's metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub task: String,
    pub name: String,
    pub higher_is_better: bool,
    /// Of the unpruned network.
    pub value: f64,
}

impl Metric {
    /// The share of the unpruned network's metric that is lost; below 0 where it became better.
    pub fn drop(&self, value: f64) -> f64 {
        let lost = if self.higher_is_better { self.value - value } else { value - self.value };
        lost / self.value.abs().max(f64::MIN_POSITIVE)
    }
}

/// The mean of every task's drop; `None` where nothing was measured.
pub fn mean_drop(tasks: &[Metric], values: &[f64]) -> Option<f64> {
    if values.len() != tasks.len() || values.is_empty() {
        return None;
    }
    Some(tasks.iter().zip(values).map(|(task, &value)| task.drop(value)).sum::<f64>() / tasks.len() as f64)
}

/// Numbers over the seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    /// The sample's standard deviation, 0 for one number.
    pub deviation: f64,
    pub count: usize,
}

impl Spread {
    /// `None` for no numbers.
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let count = numbers.len();
        let mean = numbers.iter().sum::<f64>() / count as f64;
        let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        (count > 0).then_some(Self { mean, deviation, count })
    }

    /// `4.2 ± 0.3`, times `factor`; one number alone has no deviation.
    pub fn shown(&self, factor: f64, digits: usize) -> String {
        let mean = format!("{:.digits$}", factor * self.mean);
        if self.count == 1 { mean } else { format!("{mean} ± {:.digits$}", factor * self.deviation) }
    }

    /// Whether this is more than `other` by more than the larger deviation.
    pub fn exceeds(&self, other: &Self) -> bool {
        self.mean - other.mean > self.deviation.max(other.deviation)
    }
}
