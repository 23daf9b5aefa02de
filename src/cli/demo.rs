//! `demo`: all of it on the bundled model, from data to report.

use super::args::{CriterionArg, DemoArgs, DeviceArgs, OrderArg, ScanArg, SearchArgs, SizeArgs};
use super::model::{Model, open};
use super::prune::{Job, prune};
use super::{Failure, outcome, scenes, verify};
use crate::scenes::SceneOptions;
use std::fs;

/// Pictures to search on, pictures to report on, and what they follow from: the network was trained on another seed.
const DATA: SceneOptions = SceneOptions { train: 96, val: 96, seed: 2 };

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
    eprintln!(
        "3/3 pruning it with {} pictures; every task's loss is measured for every candidate",
        DATA.train
    );
    let search = search_args();
    let (training, teacher) = (None, &model.graph);
    let job =
        Job { model: &model, tasks: &tasks, out: &pruned, resume: false, search: &search, training, teacher };
    let summary = prune(&gpu, &job)?;
    println!();
    outcome::print(&summary, &pruned);
    Ok(())
}

/// Limits for a network that is used as it is pruned, without training after: no task's loss may grow by more than 30 %
/// in all. The network was trained to have telling batch norm scales.
fn search_args() -> SearchArgs {
    SearchArgs {
        rate: 0.06,
        total: 1.3,
        topk: 1.0,
        criterion: CriterionArg::Bn,
        target_flops: None,
        target_params: None,
        target_ms: None,
        order: OrderArg::Flops,
        round_to: None,
        min_channels: 1,
        ignore: Vec::new(),
        images: None,
        seed: 0,
        faithful: false,
        scan: ScanArg::Exact,
        no_recover: false,
    }
}
