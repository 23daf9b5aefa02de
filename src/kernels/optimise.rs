//! Steps of optimisers.

use super::params::params;

params! {
    /// Parameters of [`super::optimise_sgd::OPTIMISE_SGD`] and [`super::optimise_adamw::OPTIMISE_ADAMW`].
    OptimiseParams {
        /// Numbers of all weights.
        numbers: u32,
        /// How many of them, from the first on, decay.
        decaying: u32,
    }
}

/// What changes from step to step, as the kernels read it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hyper {
    /// The learning rate.
    pub rate: f32,
    /// Weight decay.
    pub decay: f32,
    /// The largest norm of all gradients together; 0 for any.
    pub clip: f32,
    /// The share of the moving average that is kept.
    pub average: f32,
    /// The momentum of SGD, the first β of AdamW.
    pub beta1: f32,
    /// The second β of AdamW.
    pub beta2: f32,
    /// Added to the root of AdamW's second moment.
    pub epsilon: f32,
    /// `1 - β1^t` at step `t`.
    pub correction1: f32,
    /// `1 - β2^t` at step `t`.
    pub correction2: f32,
}

impl Hyper {
    /// Floats of it.
    pub const WORDS: usize = 9;

    /// As the kernels read it.
    pub fn words(&self) -> [f32; Self::WORDS] {
        let Self { rate, decay, clip, average, beta1, beta2, epsilon, correction1, correction2 } = *self;
        [rate, decay, clip, average, beta1, beta2, epsilon, correction1, correction2]
    }
}
