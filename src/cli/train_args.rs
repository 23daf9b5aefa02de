//! Arguments that decide a training.

use clap::{Args, ValueEnum};

/// What decides a training.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// Pictures of a step.
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub batch: usize,
    /// What turns gradients into steps.
    #[arg(long, value_enum, default_value_t = RuleArg::Adamw)]
    pub optimiser: RuleArg,
    /// The learning rate at its highest.
    #[arg(long, default_value_t = 1e-3, value_name = "RATE")]
    pub learning_rate: f64,
    /// Epochs in which the learning rate rises; then it falls as a cosine.
    #[arg(long, default_value_t = 0.5, value_name = "EPOCHS")]
    pub warm_up: f64,
    /// Weight decay of weights; biases, scales and shifts have none.
    #[arg(long, default_value_t = 0.01, value_name = "SHARE")]
    pub decay: f64,
    /// The largest norm of all gradients together; 0 for any.
    #[arg(long, default_value_t = 10.0, value_name = "NORM")]
    pub clip: f64,
    /// The share of the moving average of the weights that a step keeps; 0 takes the weights themselves.
    #[arg(long, default_value_t = 0.998, value_name = "SHARE")]
    pub average: f64,
    /// What becomes of batch normalisations: trained by each batch's moments, or folded into convolutions.
    #[arg(long, value_enum, default_value_t = BatchNormArg::Train)]
    pub batch_norm: BatchNormArg,
    /// Leaves the weights of nodes as they are whose names match; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub freeze: Vec<String>,
    /// How much the teacher's outputs count beside the labels of a task: 0 for not at all. `prune` takes the unpruned
    /// network as teacher.
    #[arg(long, default_value_t = 1.0, value_name = "SHARE")]
    pub distil: f64,
    /// How much maps inside of the network count beside its outputs that no pruning cut, each by its mean squared difference
    /// from the teacher's over the teacher's mean square: 0 for not at all.
    #[arg(long, default_value_t = 0.0, value_name = "WEIGHT")]
    pub distil_features: f64,
    /// Dense outputs that the network upsamples at least N times are learnt from at every Nth row and column only, which
    /// takes a fraction of the time. 1 takes every pixel.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub every: usize,
    /// Mirrors half of the pictures.
    #[arg(long)]
    pub flip: bool,
    /// The most that a part of a picture is enlarged to all of it, from 1 (not at all) to 4.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub zoom: f32,
    /// How much exposure, contrast and white balance vary: 0 for not at all, 1 for 15 %, 15 % and 6 %.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub color: f32,
    /// The most device memory that training may take; what does not fit is computed again where gradients need it. The
    /// result is the same.
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u64>,
    /// The weight of a task's mean loss, 1 unless given; may be given several times.
    #[arg(long, value_name = "TASK=WEIGHT")]
    pub weight: Vec<String>,
    /// Divides every task's weight by the loss that it has without pruning, so that a rise by a tenth counts alike in all.
    #[arg(long)]
    pub balance: bool,
}

/// What turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuleArg {
    /// AdamW.
    Adamw,
    /// SGD with Nesterov's momentum 0.937.
    Sgd,
}

/// What becomes of batch normalisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BatchNormArg {
    /// Normalises by each batch's moments; those of many pictures are written in the end.
    Train,
    /// Becomes part of the convolution before it.
    Fold,
}
