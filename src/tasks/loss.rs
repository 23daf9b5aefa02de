//! A loss as a sum and what it is divided by.

use serde::{Deserialize, Deserializer, Serialize};

/// A loss as a sum over what it counted, so that losses of parts of a data set add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// The sum. JSON has no infinities: a loss that is not finite is written as `null` and read as not a number.
    #[serde(deserialize_with = "nan_from_null")]
    pub sum: f64,
    /// What it is divided by: labelled pixels, images or elements.
    #[serde(deserialize_with = "nan_from_null")]
    pub count: f64,
}

fn nan_from_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Loss {
    /// The mean; not a number where nothing was counted.
    pub fn mean(self) -> f64 {
        self.sum / self.count
    }

    /// Adds the loss of another part of the data.
    pub fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }
}
