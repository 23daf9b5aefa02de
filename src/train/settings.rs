//! How a network is trained.

use super::{Augment, Normalisation};
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
    /// The weight of every map inside of the network that is compared with a teacher's ([`super::features`]); 0 for none.
    pub distil_features: f64,
    /// Outputs that are upsampled at least so many times are judged at every such row and column ([`super::Thinning`]).
    pub every: usize,
    /// What is done to pictures.
    pub augment: Augment,
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

#[cfg(test)]
mod tests {
    use super::super::update::hyper;
    use super::*;

    fn settings(rule: Rule) -> Settings {
        Settings {
            epochs: 10,
            batch: 1,
            rule,
            rate: 0.5,
            final_share: 0.01,
            warm_up: 2.0,
            decay: 0.125,
            clip: 0.0,
            average: 0.999,
            normalisation: Normalisation::Train,
            moment_images: 0,
            frozen: BTreeSet::new(),
            weights: Vec::new(),
            distil: 0.0,
            distil_features: 0.0,
            every: 1,
            augment: Augment::default(),
            seed: 0,
        }
    }

    #[test]
    fn rates_rise_then_fall_to_their_share() {
        let settings = settings(Rule::ADAM_W);
        let near = |epochs: f64, rate: f64| (settings.rate_at(epochs) - rate).abs() < 1e-12;
        assert!(near(0.0, 0.0005) && near(1.0, 0.25) && near(2.0, 0.5));
        // Half way down the cosine, and its end.
        assert!(near(6.0, 0.5 * 0.505) && near(10.0, 0.005) && near(11.0, 0.005));
        let rates: Vec<f64> = (0..100).map(|i| settings.rate_at(f64::from(i) / 10.0)).collect();
        assert!(rates[..=20].is_sorted() && rates[20..].iter().rev().is_sorted());
        let at_once = Settings { warm_up: 0.0, ..settings.clone() };
        assert_eq!(at_once.rate_at(0.0), 0.5);
        let constant = Settings { final_share: 1.0, ..at_once };
        assert!([0.0, 3.3, 10.0].iter().all(|&epochs| constant.rate_at(epochs) == 0.5));
    }

    #[test]
    fn first_steps_are_corrected_and_taken_in_faster() {
        let [first, later] = [1, 100_000].map(|step| hyper(&settings(Rule::ADAM_W), step, 0.25));
        assert_eq!([first.rate, first.decay, first.clip], [0.25, 0.125, 0.0]);
        assert_eq!([first.average, later.average], [2.0 / 11.0, 0.999]);
        assert_eq!([first.correction1, later.correction1], [(1.0 - f64::from(0.9_f32)) as f32, 1.0]);
        assert!((first.correction2 - 0.001).abs() < 1e-7 && later.correction2 == 1.0);
        let plain = Settings { average: 0.0, ..settings(Rule::SGD) };
        let step = hyper(&plain, 1, 0.25);
        assert_eq!([step.average, step.beta1], [0.0, 0.937]);
    }
}
