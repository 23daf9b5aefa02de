//! Fine-tuning: gradients of all losses by a network that computes its own, and the steps that follow them.

mod differentiate;
mod error;
mod forward;
mod moments;
mod parameters;
#[cfg(test)]
mod tests;

pub use differentiate::{Block, Derived, Differentiated, Objective, ObjectiveInputs, differentiate};
pub use error::TrainError;
pub use forward::{Forward, Normalisation, Normalised, forward, prepared};
pub use moments::{MomentOptions, Moments};
pub use parameters::{Repack, repacks, set_weights, weights};
