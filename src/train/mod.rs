//! Fine-tuning: gradients of all losses by a network that computes its own, and the steps that follow them.

mod ahead;
mod assigner;
mod augment;
mod batch;
pub mod checkpoint;
mod concats;
mod differentiate;
mod error;
mod features;
mod forward;
mod lectures;
mod moments;
mod parameters;
mod program;
mod recompute;
mod rows;
mod settings;
#[cfg(test)]
mod tests;
mod thinning;
mod trainer;
mod tune;
mod tutor;
mod update;

pub use assigner::{Assigner, Unassigned};
pub use augment::{Augment, Augmenter, Picture};
pub use batch::{Batch, Lesson, batch, lessons};
pub use checkpoint::CheckpointError;
pub use differentiate::{Block, Derived, Differentiated, Objective, ObjectiveInputs, differentiate};
pub use error::TrainError;
pub use features::features;
pub use forward::{Forward, Normalisation, Normalised, forward, prepared};
pub use lectures::Lectures;
pub use moments::{MomentOptions, Moments};
pub use parameters::{Repack, repacks, set_weights, weights};
pub use recompute::recomputed;
pub use settings::{Rule, Settings};
pub use thinning::Thinning;
pub use trainer::{Begun, State, Stepped, Trainer};
pub use tune::{Course, Epoch, Follow, Progress, tune};
pub use tutor::{Tutor, taught};
