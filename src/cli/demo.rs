//! `demo`: all of it on the bundled model, from data to report.

use super::args::{
    BatchNormArg, CriterionArg, DemoArgs, DeviceArgs, OrderArg, RuleArg, ScanArg, SearchArgs, SizeArgs,
    Split, TrainArgs,
};
use super::model::{Model, open};
use super::prune::{Job, prune};

use super::{Failure, eval, outcome, scenes, verify};
use crate::scenes::SceneOptions;
use crate::tasks::Source;
use std::fs;
use std::path::Path;

/// The model that is taken unless another is given.
pub const BUNDLED: &str = "models/scenes/scenes.onnx";

/// Pictures to train on, pictures to report on, and what they follow from: the network was trained on another seed.
const DATA: SceneOptions = SceneOptions { train: 1000, val: 96, seed: 2 };

/// Pictures to search on.
const IMAGES: usize = 96;

/// What a whole budget gives, as README's section "Training" has it.
const WHOLE: &str = "With an hour of training instead, 70 % of the FLOPs and 80 % of the parameters go, every task loses 0.6 to \
    1.0 %\nand a picture takes 1.7 to 2.1 times less time. README, \"Training\", has the commands.";

/// Runs the command. Pictures that are there already are used again, the rest is made anew.
pub fn run(args: &DemoArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let gpu = open(device)?;
    let model = Model::load(&args.model, 1, &SizeArgs::default())?;
    eprintln!("demo on {}", gpu.info().name);
    let data = args.out.join("data");
    let tasks = data.join("tasks.toml");
    if !tasks.exists() {
        eprintln!("1/3 rendering {} pictures of rooms into {}", DATA.train + DATA.val, data.display());
        scenes::write(&data, &DATA)?;
    }
    eprintln!("2/3 checking every layer of {} against the f64 reference", model.name());
    let layers = verify::verify(&gpu, &model, 0)?;
    if let Some(bad) = layers.iter().find(|layer| !layer.good) {
        return Err(Failure::work(format!("{} is beyond its bound on {}", bad.name, gpu.info().name)));
    }
    let pruned = args.out.join("pruned");
    if pruned.exists() {
        fs::remove_dir_all(&pruned).map_err(|e| Failure::file(&pruned, e))?;
    }
    let pictures = eval::open_data(&tasks, Split::Train, &model)?.len();
    let images = pictures.min(IMAGES);
    eprint!("3/3 pruning it with {images} pictures; every task's loss decides how much of each layer may go");
    match args.epochs {
        0 => eprintln!(),
        epochs => eprintln!(". Then training it, {epochs} epochs of {pictures} pictures"),
    }
    let search = search_args(images);
    let train = train_args(pictures);
    let training = Some((args.epochs, &train)).filter(|&(epochs, _)| epochs > 0);
    let teacher = &model.graph;
    let job =
        Job { model: &model, tasks: &tasks, out: &pruned, resume: false, search: &search, training, teacher };
    let summary = prune(&gpu, &job)?;
    println!();
    outcome::print(&summary, &pruned);
    if args.model == Path::new(BUNDLED) {
        println!("\n{WHOLE}");
    }
    Ok(())
}

/// Limits under which no task's loss may double in all: training follows. The network was trained to have telling batch norm
/// scales.
fn search_args(images: usize) -> SearchArgs {
    SearchArgs {
        rate: 0.12,
        total: 2.0,
        topk: 1.0,
        criterion: CriterionArg::Bn,
        target_flops: None,
        target_params: None,
        target_ms: None,
        order: OrderArg::Flops,
        round_to: None,
        min_channels: 1,
        ignore: Vec::new(),
        images: Some(images),
        seed: 0,
        faithful: false,
        scan: ScanArg::Bracket,
        no_recover: false,
    }
}

/// A short training, in which a rise of its loss by a tenth counts alike in every task.
fn train_args(pictures: usize) -> TrainArgs {
    TrainArgs {
        batch: pictures.min(16),
        optimiser: RuleArg::Adamw,
        learning_rate: 4e-3,
        warm_up: 0.5,
        decay: 0.01,
        clip: 10.0,
        average: 0.99,
        batch_norm: BatchNormArg::Train,
        freeze: Vec::new(),
        distil: 1.0,
        distil_features: 0.0,
        every: 2,
        flip: true,
        zoom: 1.0,
        color: 0.0,
        memory: None,
        weight: Vec::new(),
        balance: true,
    }
}
