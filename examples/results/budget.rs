//! What may be spent, and which sizes and seeds are compared.

use crate::Fallible;
use serde::{Deserialize, Serialize};

/// Everything that decides the figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
pub struct Budget {
    /// How much of the FLOPs is to go, in percent; several, separated by commas, in ascending order.
    #[arg(long, value_delimiter = ',', default_value = "30,42.5,55,67.5,80", value_name = "PERCENT,…")]
    pub points: Vec<f64>,
    /// Repetitions: a seed chooses the pictures of the search, random channels, and the order of training.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub seeds: u64,
    /// Pictures of a search.
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub search_images: usize,
    /// Pictures that every cell is trained on.
    #[arg(long, default_value_t = 512, value_name = "N")]
    pub images: usize,
    /// Passes over them.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub epochs: usize,
    /// Pictures of a step.
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub batch: usize,
    /// The learning rate at its highest.
    #[arg(long, default_value_t = 1e-3, value_name = "RATE")]
    pub learning_rate: f64,
    /// Pictures that metrics are measured on; neither searches nor training see them.
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub val: usize,
    /// The first limits that a search is tried with; larger ones follow where it ends above its target.
    #[arg(long, default_value_t = 0.03, value_name = "P0")]
    pub first_rate: f64,
}

impl Budget {
    /// What is wrong with it.
    pub fn check(&self) -> Fallible<()> {
        let rising = self.points.windows(2).all(|pair| pair[0] < pair[1]);
        if self.points.is_empty() || !rising || self.points.iter().any(|p| !(*p > 0.0 && *p < 100.0)) {
            return Err("--points: expected percents over 0 and below 100, in ascending order".into());
        }
        if self.batch == 0 || self.images < self.batch || self.epochs == 0 {
            return Err("--images must fill a --batch, --epochs must be at least 1".into());
        }
        if self.seeds == 0 || self.search_images < 2 || self.val == 0 {
            return Err("--seeds and --val must be at least 1, --search-images at least 2".into());
        }
        if !(self.first_rate > 0.0 && self.first_rate.is_finite() && self.learning_rate > 0.0) {
            return Err("--first-rate and --learning-rate must be positive".into());
        }
        Ok(())
    }

    /// Steps of a training.
    pub fn steps(&self) -> usize {
        self.images / self.batch * self.epochs
    }
}
