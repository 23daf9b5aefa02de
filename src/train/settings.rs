//! How a network is trained.

use super::Normalisation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Stochastic gradient descent with Nesterov's momentum, as PyTorch defines it; decay is added to the gradient.
    Sgd {
        /// The share of the step before that is kept.
        momentum: f32,
    },
    /// AdamW (arXiv 1711.05101): decay apart from the gradient.
    AdamW {
        /// The share of the mean gradient that is kept.
        beta1: f32,
        /// The share of the mean squared gradient that is kept.
        beta2: f32,
        /// Added to the root of the latter.
        epsilon: f32,
    },
}

/// All that decides the weights that come out. Equal settings, data and device give equal weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Passes over the pictures.
    pub epochs: usize,
    /// Pictures of a step; what is left of an epoch is not used.
    pub batch: usize,
    /// What turns gradients into steps.
    pub rule: Rule,
    /// The learning rate at its highest.
    pub rate: f64,
    /// The share of it at the end of the cosine.
    pub final_share: f64,
    /// Epochs in which it rises.
    pub warm_up: f64,
    /// Weight decay of weights of products; biases, scales and shifts have none.
    pub decay: f64,
    /// Gradients of a greater norm are shortened to it; 0 leaves all as they are.
    pub clip: f64,
    /// The decay of the moving average of the weights, which is what comes out; 0 takes the weights themselves.
    pub average: f64,
    /// What becomes of batch normalisations.
    pub normalisation: Normalisation,
    /// Pictures whose moments batch normalisations get in the end.
    pub moment_images: usize,
    /// Nodes whose weights stay.
    pub frozen: BTreeSet<String>,
    /// The weight of every task's mean loss, in task order.
    pub weights: Vec<f64>,
    /// The weight of every task's loss against the outputs of a teacher, relative to that against labels; 0 for none.
    pub distil: f64,
    /// Decides the order of pictures and what is done to them.
    pub seed: u64,
}

impl Rule {
    /// AdamW with its usual numbers.
    pub const ADAM_W: Self = Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    /// SGD with the momentum of PAGCP's reference code.
    pub const SGD: Self = Self::Sgd { momentum: 0.937 };
}

impl Settings {
    /// The learning rate after `epochs` epochs: a rise, then half a cosine.
    pub fn rate_at(&self, epochs: f64) -> f64 {
        if epochs < self.warm_up {
            return self.rate * (epochs / self.warm_up).max(1e-3);
        }
        let left = (self.epochs as f64 - self.warm_up).max(f64::MIN_POSITIVE);
        let done = ((epochs - self.warm_up) / left).clamp(0.0, 1.0);
        let share = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.rate * (self.final_share + (1.0 - self.final_share) * share)
    }
}
