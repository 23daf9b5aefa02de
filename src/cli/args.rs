//! The arguments of every command.

pub use super::train_args::{BatchNormArg, RuleArg, TrainArgs};

use crate::search::ScanMode;
use crate::search::saliency::Criterion;
use crate::tensor::Dtype;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Runs multitask CNNs from ONNX files on any GPU, finds the channels that can go without hurting a task (PAGCP), and
/// writes smaller and faster ONNX files.
#[derive(Debug, Parser)]
#[command(name = "wgpu-pagcp", version, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub device: DeviceArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which device, and how it is opened.
#[derive(Clone, Debug, Default, Args)]
pub struct DeviceArgs {
    /// The GPU: its index in `devices`, or a part of its name.
    #[arg(long = "device", global = true, value_name = "NAME|INDEX")]
    pub name: Option<String>,
    /// Compiles every shader anew instead of keeping compiled ones in the user's cache folder ($PAGCP_NO_CACHE=1 does
    /// so too).
    #[arg(long, global = true)]
    pub no_cache: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the GPUs that can be used.
    Devices(DevicesArgs),
    /// Runs a self-test of every kernel on one GPU.
    Doctor(DoctorArgs),
    /// Shows a model's inputs, outputs, layers, costs, and which channels can be pruned together.
    Inspect(InspectArgs),
    /// Runs a model and writes every output as a .npy file, indices as the integers that the model declares.
    Run(RunArgs),
    /// Measures the loss and metric of every task on a data set.
    Eval(EvalArgs),
    /// Finds the channels that can go and writes the pruned model, with a report.
    Prune(PruneArgs),
    /// Trains a network, pruned or not, on the device: all tasks together, then writes it as ONNX again.
    Finetune(FinetuneArgs),
    /// Times models, side by side.
    Bench(BenchArgs),
    /// Compares the GPU with the f64 reference, layer by layer.
    Verify(VerifyArgs),
    /// Writes the built-in multitask data set: pictures of rooms with five kinds of labels.
    Scenes(ScenesArgs),
    /// Does all of it on the bundled model, from data to report.
    Demo(DemoArgs),
}

/// Arguments of `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
    /// Also says what each optimisation did, and why it left a node as it is.
    #[arg(long)]
    pub why: bool,
    #[command(flatten)]
    pub sizes: SizeArgs,
}

/// The numbers behind symbolic dimensions.
#[derive(Clone, Debug, Default, Args)]
pub struct SizeArgs {
    /// A number for a symbolic dimension of the model's inputs; may be given several times.
    #[arg(long = "dim", value_name = "NAME=N")]
    pub dims: Vec<String>,
}

/// How numbers are stored.
#[derive(Clone, Copy, Debug, Args)]
pub struct DtypeArgs {
    /// How the device stores values and weights: f32, or f16, which takes half of the memory and 11 bits of precision; it
    /// computes in f32 either way. `verify --dtype f16` tells whether that is enough for a model.
    #[arg(long, default_value_t = Dtype::F32, value_name = "f32|f16")]
    pub dtype: Dtype,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// An input: a .npy file or a picture; several files make a batch. For a model with several inputs: NAME=FILE.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE|NAME=FILE")]
    pub input: Vec<String>,
    /// The folder for the outputs.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// A tasks file, for how pictures become inputs; without it pixels are scaled to 0..1.
    #[arg(long, value_name = "FILE")]
    pub tasks: Option<PathBuf>,
    #[command(flatten)]
    pub sizes: SizeArgs,
    #[command(flatten)]
    pub stored: DtypeArgs,
    /// Prints the outputs' shapes and ranges as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// The tasks file.
    #[arg(long, value_name = "FILE")]
    pub tasks: PathBuf,
    /// The part of the data set.
    #[arg(long, value_enum, default_value_t = Split::Val)]
    pub split: Split,
    /// Takes at most so many pictures.
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,
    /// The unpruned model, for tasks whose losses compare with what it makes of a picture (detection, agreement).
    #[arg(long, value_name = "FILE")]
    pub teacher: Option<PathBuf>,
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// What searching and training use.
    Train,
    /// What results are reported on.
    Val,
}

/// Arguments of `prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// The tasks file.
    #[arg(long, value_name = "FILE")]
    pub tasks: PathBuf,
    /// The folder for the pruned model, the plan, the journal, the summary and the report.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Goes on with the search whose journal is in the output folder.
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub sizes: SizeArgs,
    #[command(flatten)]
    pub search: SearchArgs,
    /// Trains the pruned network for so many epochs on all pictures of `train` before it is written.
    #[arg(long, value_name = "EPOCHS")]
    pub finetune: Option<usize>,
    /// Searches and trains in so many turns, towards the targets; each has a folder of its own in the output folder.
    #[arg(long, default_value_t = 1, value_name = "N", requires = "finetune")]
    pub rounds: usize,
    /// The share of a task's metric that rounds may cost, where the tasks file has no max_drop for it; the first round
    /// that costs a task more is not taken.
    #[arg(long, value_name = "SHARE", requires = "finetune")]
    pub max_drop: Option<f64>,
    /// What each round adds to --rate; PAGCP's reference code has such a slope, 0 unless it is given.
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "STEP",
        requires = "finetune",
        allow_negative_numbers = true
    )]
    pub rate_slope: f64,
    /// What each round adds to --total; the same.
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "STEP",
        requires = "finetune",
        allow_negative_numbers = true
    )]
    pub total_slope: f64,
    #[command(flatten)]
    pub train: TrainArgs,
    /// Prints the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `finetune`.
#[derive(Debug, Args)]
pub struct FinetuneArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// The tasks file; it trains on the pictures of `train` and reports on those of `val`.
    #[arg(long, value_name = "FILE")]
    pub tasks: PathBuf,
    /// Folder for the results.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Passes over the pictures.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub epochs: usize,
    /// An ONNX file whose outputs it learns to give as well, such as the unpruned network. It also says which cells of a
    /// detector answer for which box, which else the network itself does, as it is before the training.
    #[arg(long, value_name = "FILE")]
    pub teacher: Option<PathBuf>,
    /// Goes on from the checkpoint that is in the folder.
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub sizes: SizeArgs,
    #[command(flatten)]
    pub train: TrainArgs,
    /// Prints the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What decides a search.
#[derive(Clone, Debug, Args)]
pub struct SearchArgs {
    /// The relative loss increase that the first unit may cause to a task without a limit of its own.
    #[arg(long, default_value_t = 0.06, value_name = "P0")]
    pub rate: f64,
    /// What all pruned units together may multiply each task's loss by.
    #[arg(long, default_value_t = 6.0, value_name = "T")]
    pub total: f64,
    /// The share of units that stay pruned, those with the smallest loss for the FLOPs they free.
    #[arg(long, default_value_t = 1.0, value_name = "SHARE")]
    pub topk: f64,
    /// What ranks the channels of a unit.
    #[arg(long, value_enum, default_value_t = CriterionArg::L1)]
    pub criterion: CriterionArg,
    /// Stops when at most this share of the FLOPs is left.
    #[arg(long, value_name = "SHARE")]
    pub target_flops: Option<f64>,
    /// Stops when at most this share of the parameters is left.
    #[arg(long, value_name = "SHARE")]
    pub target_params: Option<f64>,
    /// Stops when one picture takes at most so many milliseconds, as predicted from times that are measured on this
    /// device before the search.
    #[arg(long, value_name = "MS")]
    pub target_ms: Option<f64>,
    /// What decides which unit is visited first: what a cut of 30 % frees of FLOPs, or of time measured on this device.
    #[arg(long, value_enum, default_value_t = OrderArg::Flops)]
    pub order: OrderArg,
    /// Kept channel counts are multiples of this; 4 is what a GPU computes at once, auto measures what pays on this
    /// device. [default: 4, or 1 with --faithful]
    #[arg(long, value_name = "auto|N")]
    pub round_to: Option<RoundTo>,
    /// No unit keeps fewer channels.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub min_channels: usize,
    /// Leaves units alone whose name matches; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub ignore: Vec<String>,
    /// Scores on at most so many pictures of the train part, chosen by the seed.
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,
    /// Chooses the pictures and seeds the random criterion.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Behaves as PAGCP's reference code, including its oddities, for comparison.
    #[arg(long, conflicts_with = "scan")]
    pub faithful: bool,
    /// How the candidates of a unit are scanned.
    #[arg(long, value_enum, default_value_t = ScanArg::Exact)]
    pub scan: ScanArg,

    /// Prune without least-squares recovery: what reads removed channels keeps its weights. All pictures then judge;
    /// with recovery, or --criterion energy, every second one is used to fit.
    #[arg(long)]
    pub no_recover: bool,
}

/// What decides which unit is visited first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OrderArg {
    /// Multiply-accumulates.
    Flops,
    /// Milliseconds.
    Latency,
}

/// What kept counts are multiples of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundTo {
    /// What pays on the device.
    Auto,
    /// This number.
    Count(usize),
}

impl FromStr for RoundTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = || text.parse().map_err(|_| "expected auto or a whole number".to_owned());
        if text == "auto" { Ok(Self::Auto) } else { number().map(Self::Count) }
    }
}

/// How the candidates of a unit are scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScanArg {
    /// One after another up to the first that breaks a limit.
    Exact,
    /// Closing in from where limits are likely to end. Assumes that whatever keeps less loses more; what it ends with and
    /// the next smaller candidate are judged on all pictures.
    Bracket,
}

impl From<ScanArg> for ScanMode {
    fn from(scan: ScanArg) -> Self {
        match scan {
            ScanArg::Exact => Self::Exact,
            ScanArg::Bracket => Self::Bracket,
        }
    }
}

/// What ranks the channels of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CriterionArg {
    /// Mean absolute weight, batch norm folded in.
    L1,
    /// Root mean square weight, batch norm folded in.
    L2,
    /// Scale of the batch norms.
    Bn,
    /// What the layers that read a unit lose although they make up for it, on every second picture: of channels that say
    /// the same, one goes first.
    Energy,
    /// A seeded shuffle, as a control.
    Random,
}

impl From<CriterionArg> for Criterion {
    fn from(criterion: CriterionArg) -> Self {
        match criterion {
            CriterionArg::L1 => Self::L1,
            CriterionArg::L2 => Self::L2,
            CriterionArg::Bn => Self::Bn,
            CriterionArg::Energy => Self::Energy,
            CriterionArg::Random => Self::Random,
        }
    }
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The ONNX files; timed in turns, so that all see the same machine. Each is compared with the first.
    #[arg(required_unless_present = "compare")]
    pub models: Vec<PathBuf>,
    /// Images in a run; several sizes, separated by commas, are timed side by side.
    #[arg(long, value_delimiter = ',', default_value = "1", value_name = "N,…")]
    pub batch: Vec<usize>,
    /// How the device stores values and weights, f32 or f16; both, separated by a comma, are timed side by side.
    #[arg(long, value_delimiter = ',', default_value = "f32", value_name = "f32|f16,…")]
    pub dtype: Vec<Dtype>,
    /// Timed runs of each model; with fewer than 8 no model is called faster.
    #[arg(long, default_value_t = 25, value_name = "N")]
    pub runs: usize,
    /// Has small layers share dispatches where that is faster, as programs that run a model often can. Only for llvmpipe, where
    /// a dispatch costs as much as a small layer. Compiling that takes seconds to minutes the first time.
    #[arg(long)]
    pub chain: bool,
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// Writes everything as JSON into a file, or prints it where there is no name or -.
    #[arg(long, num_args = 0..=1, default_missing_value = "-", value_name = "FILE", conflicts_with = "compare")]
    pub json: Option<PathBuf>,
    /// Writes a page with a roofline plot and bars for every layer: one file to open in a browser.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Shows what --json wrote on several machines side by side, instead of timing models.
    #[arg(long, num_args = 2.., value_name = "FILE", conflicts_with = "models")]
    pub compare: Vec<PathBuf>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Images in the run.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub batch: usize,
    /// Seeds the random input.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub sizes: SizeArgs,
    #[command(flatten)]
    pub stored: DtypeArgs,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `scenes`.
#[derive(Debug, Args)]
pub struct ScenesArgs {
    /// The folder.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pictures to search and train on.
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub train: usize,
    /// Pictures to report on.
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub val: usize,
    /// Decides every picture.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The folder for data, pruned model and report.
    #[arg(long, default_value = "demo", value_name = "DIR")]
    pub out: PathBuf,
    /// The model; the default is the bundled one.
    #[arg(long, default_value = super::demo::BUNDLED, value_name = "FILE")]
    pub model: PathBuf,
    /// Epochs of training after pruning; 0 for none.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub epochs: usize,
}
