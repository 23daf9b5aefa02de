//! `prune`: the search, and everything it leaves in the output folder.

use super::args::{CriterionArg, DeviceArgs, OrderArg, PruneArgs, RoundTo, SearchArgs, Split, TrainArgs};
use super::model::{Model, open};
use super::outcome::{Pruned, finish, print, remove_results};
use super::progress::SearchProgress;
use super::{Failure, eval, files, finetune, latency, rounds};
use crate::evaluate::{EvaluateError, GpuEvaluator, Options as EvaluateOptions};
use crate::gpu::Gpu;
use crate::graph::Graph;
use crate::search::saliency::Criterion;
use crate::search::schedule::Schedule;
use crate::search::{
    self, Header, Journal, Options, Order, Outcome, Problem, ScanMode, SearchError, Times, fingerprint,
    search,
};
use crate::tasks::{Dataset, Samples, Source, Task};
use globset::{Glob, GlobSetBuilder};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// Batches of a search that judges candidates by the first of them where that is enough.
const PARTS: usize = 8;

/// Images in a batch of the reference code's validation, where its losses depend on it: twice its batch size of 16.
const FAITHFUL_BATCH: usize = 32;

/// What is to be pruned, by what, and where the results go.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The model.
    pub model: &'a Model,
    /// The tasks file.
    pub tasks: &'a Path,
    /// The output folder.
    pub out: &'a Path,
    /// Whether to go on with a journal that is there.
    pub resume: bool,
    /// The search's options.
    pub search: &'a SearchArgs,
    /// Epochs of training after it, and how.
    pub training: Option<(usize, &'a TrainArgs)>,
    /// The network whose outputs training learns beside the labels.
    pub teacher: &'a Graph,
}

/// Runs the command.
pub fn run(args: &PruneArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let model = Model::load(&args.model, 1, &args.sizes)?;
    let training = args.finetune.map(|epochs| (epochs, &args.train));
    let (tasks, out) = (args.tasks.as_path(), args.out.as_path());
    let (resume, search) = (args.resume, &args.search);
    let job = Job { model: &model, tasks, out, resume, search, training, teacher: &model.graph };
    let gpu = open(device)?;
    let rounds = args.rounds != 1 || args.max_drop.is_some();
    let summary = if rounds { rounds::rounds(&gpu, &model, args)? } else { prune(&gpu, &job)? };
    if args.json {
        return files::print_json(&summary);
    }
    print(&summary, &args.out);
    Ok(())
}

/// Searches, writes every result, and gives the summary.
pub fn prune(gpu: &Gpu, job: &Job) -> Result<super::summary::Summary, Failure> {
    check_weights(job.model)?;
    let mut options = options(job.search, job.model)?;
    let val = eval::open_data(job.tasks, Split::Val, job.model)?;
    let mut train = eval::open_data(job.tasks, Split::Train, job.model)?;
    check_limits(train.tasks(), &options)?;
    if let Some((epochs, args)) = job.training {
        finetune::settings(args, epochs, (job.model, &train))?;
    }
    check_labels(&val)?;
    if let Some(images) = job.search.images {
        train.subset(images, job.search.seed);
    }
    let samples = train.load(0..train.len()).map_err(Failure::input)?;
    files::output_folder(job.out)?;
    measure_times(gpu, job, &mut options)?;
    let header = header(gpu, job.model, &train, (&samples, &options));
    let path = job.out.join("journal.jsonl");
    let journal = if job.resume { Journal::resume(&path, header) } else { Journal::create(&path, header) };
    let mut journal = journal.map_err(Failure::input)?;
    if journal.last().is_none() {
        remove_results(job.out)?;
    }
    let start = Instant::now();
    let (outcome, images) = run_search(gpu, job.model, (train.tasks(), samples), (&options, &mut journal))?;
    let pruned = Pruned { outcome, options, images, seconds: start.elapsed().as_secs_f64() };
    finish(gpu, job, &val, &pruned)
}

/// Measures how long the network takes with fewer channels, where the search depends on it.
fn measure_times(gpu: &Gpu, job: &Job, options: &mut Options) -> Result<(), Failure> {
    let auto = job.search.round_to == Some(RoundTo::Auto);
    let timed = options.order == Order::Latency || options.target_ms.is_some();
    if !(auto || timed) {
        return Ok(());
    }
    let table = latency::table(gpu, job.model, job.out)?;
    if auto {
        let found = table.granularity();
        options.round_to = found.channels;
        eprintln!(
            "--round-to auto: multiples of {}; {:.0} % of the time that fewer channels free is freed at them, in {} units",
            found.channels,
            100.0 * found.share,
            found.units
        );
    }
    if timed {
        options.times = Some(Times::new(table));
    }
    Ok(())
}

/// The search's outcome, and the pictures that candidates were scored on.
fn run_search(
    gpu: &Gpu,
    model: &Model,
    (tasks, samples): (&[Task], Samples),
    (options, journal): (&Options, &mut Journal),
) -> Result<(Outcome, usize), Failure> {
    let fits = options.recover || options.criterion == Criterion::Energy;
    let [fitting, judging] =
        if fits && samples.len() > 1 { samples.halves() } else { [Samples::default(), samples] };
    let measure = EvaluateOptions {
        batch: options.faithful.then_some(FAITHFUL_BATCH),
        most: (options.scan == ScanMode::Bracket).then_some(judging.len() / PARTS),
        mean_of_batches: options.faithful,
        symbols: model.sizes.symbols.clone(),
    };
    let tasks = tasks.iter().map(|task| if options.faithful { task.moving() } else { task.clone() });
    let evaluator = GpuEvaluator::new(gpu, tasks.collect(), judging, measure);
    let mut evaluator = evaluator.map_err(eval::failure)?.fitting(fitting);
    evaluator.teach(&model.graph).map_err(eval::failure)?;
    let problem = Problem { graph: &model.graph, shapes: &model.shapes, units: &model.units };
    let mut progress = SearchProgress::new();
    let outcome = search(problem, options, &mut evaluator, journal, &mut progress);
    progress.finish();
    Ok((outcome.map_err(search_failure)?, evaluator.images()))
}

fn search_failure(error: SearchError<EvaluateError>) -> Failure {
    match error {
        SearchError::Evaluate(error) => eval::failure(error),
        SearchError::Compact(error) => Failure::work(error),
        SearchError::Journal(_)
        | SearchError::Schedule { .. }
        | SearchError::Base { .. }
        | SearchError::Unlabelled { .. }
        | SearchError::Journalled(_)
        | SearchError::Nothing(_) => Failure::input(error),
    }
}

/// Dead channels are multiplied by zero: that gives zero for finite weights only.
fn check_weights(model: &Model) -> Result<(), Failure> {
    for value in &model.graph.values {
        let floats = value.constant.as_ref().and_then(|tensor| tensor.f32s().ok()).unwrap_or(&[]);
        if let Some(at) = floats.iter().position(|v| !v.is_finite()) {
            let reason = format!(
                "constant {}: element {at} is {}, pruning needs finite weights",
                value.name, floats[at]
            );
            return Err(Failure::file(&model.path, reason));
        }
    }
    Ok(())
}

/// What the search would refuse, before there is a journal that only the same options continue.
fn check_limits(tasks: &[Task], options: &Options) -> Result<(), Failure> {
    for task in tasks {
        let solved = Schedule::solve(task.limit.unwrap_or(options.rate), options.total, 1);
        solved.map_err(|error| Failure::input(format!("task {}: {error}", task.name)))?;
    }
    Ok(())
}

/// Reads what is needed only after the search, so that a fault in it shows before.
fn check_labels(val: &Dataset) -> Result<(), Failure> {
    (0..val.len()).try_for_each(|image| val.load(image..image + 1).map(drop)).map_err(Failure::input)
}

fn options(args: &SearchArgs, model: &Model) -> Result<Options, Failure> {
    let share = |name: &str, value: Option<f64>| match value {
        Some(v) if !(v > 0.0 && v <= 1.0) => {
            Err(Failure::input(format!("--{name} {v}: expected a share over 0 and at most 1")))
        }
        _ => Ok(()),
    };
    share("topk", Some(args.topk))?;
    share("target-flops", args.target_flops)?;
    share("target-params", args.target_params)?;
    if args.images == Some(0) || args.round_to == Some(RoundTo::Count(0)) {
        return Err(Failure::input("--images and --round-to must be at least 1"));
    }
    if let Some(ms) = args.target_ms.filter(|ms| !(*ms > 0.0 && ms.is_finite())) {
        return Err(Failure::input(format!("--target-ms {ms}: expected milliseconds over 0")));
    }
    if args.faithful && args.criterion == CriterionArg::Energy {
        return Err(Failure::input(
            "--faithful has no --criterion energy: the reference code looks at weights alone",
        ));
    }
    if args.faithful && args.target_ms.is_some() {
        return Err(Failure::input("--faithful visits every unit: it cannot stop at --target-ms"));
    }
    let mut globs = GlobSetBuilder::new();
    for pattern in &args.ignore {
        globs.add(Glob::new(pattern).map_err(|e| Failure::input(format!("--ignore {pattern}: {e}")))?);
    }
    let globs = globs.build().map_err(Failure::input)?;
    let ids = model.units.units.iter().map(|unit| unit.id.clone());
    let ignore: BTreeSet<String> = ids.filter(|id| globs.is_match(id)).collect();
    if ignore.len() == model.units.units.len() {
        let nothing = SearchError::<EvaluateError>::Nothing(model.units.pinned.len());
        return Err(Failure::file(&model.path, nothing));
    }
    Ok(Options {
        rate: args.rate,
        total: args.total,
        topk: args.topk,
        criterion: args.criterion.into(),
        min_channels: args.min_channels,
        round_to: match args.round_to {
            Some(RoundTo::Count(count)) => count,
            Some(RoundTo::Auto) => 4,
            None if args.faithful => 1,
            None => 4,
        },
        ignore,
        target_flops: args.target_flops,
        target_params: args.target_params,
        target_ms: args.target_ms,
        order: match args.order {
            OrderArg::Flops => Order::Flops,
            OrderArg::Latency => Order::Latency,
        },
        times: None,
        recover: !(args.no_recover || args.faithful),
        seed: args.seed,
        faithful: args.faithful,
        scan: args.scan.into(),
        width: 1,
    })
}

fn header(gpu: &Gpu, model: &Model, data: &Dataset, (samples, options): (&Samples, &Options)) -> Header {
    let info = gpu.info();
    Header {
        version: 1,
        network: fingerprint(&model.graph),
        data: samples_hash(samples),
        device: format!("{}, {} {}, {}", info.name, info.driver, info.driver_info, gpu.class_name()),
        tasks: data.tasks().iter().map(|task| format!("{task:?}")).collect(),
        options: options.clone(),
    }
}

fn samples_hash(samples: &Samples) -> String {
    let inputs = samples.inputs.iter().flatten().flatten().map(|v| v.to_bits());
    let labels = samples.labels.iter().flatten().flatten().copied();
    let mut hash = search::Hash::default();
    inputs.chain(labels).for_each(|word| hash.feed(&word.to_le_bytes()));
    hash.hex()
}
