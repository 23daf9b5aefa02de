//! Every pruning method at every size, before and after the same training: `docs/results.md` and its plots, for the
//! bundled network on the built-in data set.
//!
//! `make results` runs it. A cell is a method, with or without recovery, at one size and one seed. Cells are computed one
//! after another, and each is a file as soon as it is done: a run that was killed goes on with the next one.
//! `--write-only` writes the documents of the cells that are there.

mod budget;
mod cells;
mod controls;
mod document;
mod plot;
mod scratch;
mod searches;
mod statistics;
mod tables;
#[cfg(test)]
mod tests;
mod work;
mod world;

use budget::Budget;
use cells::{Store, keys};
use clap::Parser;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use work::Work;
use world::World;

/// Whatever went wrong, in words.
type Fallible<T> = Result<T, Box<dyn Error>>;

/// Compares pruning methods on the bundled network and writes docs/results.md.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder of data, searches and cells; one that is there is gone on with.
    #[arg(long, default_value = "target/results", value_name = "DIR")]
    out: PathBuf,
    /// The folder that gets results.md and a folder of plots.
    #[arg(long, default_value = "docs", value_name = "DIR")]
    docs: PathBuf,
    /// The model.
    #[arg(long, default_value = "models/scenes/scenes.onnx", value_name = "FILE")]
    model: PathBuf,
    /// The device, by a part of its name.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Writes the documents of the cells that are there, and computes none.
    #[arg(long)]
    write_only: bool,
    #[command(flatten)]
    budget: Budget,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("results: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Fallible<()> {
    let Arguments { out, docs, budget, .. } = arguments;
    budget.check()?;
    let store = Store::open(out, budget)?;
    if !arguments.write_only {
        let world = World::open((&arguments.model, arguments.device.as_deref()), out, budget)?;
        compute(&world, &store)?;
    }
    let (baseline, cells) = (store.baseline()?, store.cells(budget)?);
    document::write(docs, budget, &baseline, &cells)?;
    println!("{}", docs.join("results.md").display());
    Ok(())
}

/// Computes every cell that is not there.
fn compute(world: &World, store: &Store) -> Fallible<()> {
    if store.baseline().is_err() {
        store.put_baseline(&world.baseline()?)?;
    }
    let baseline = store.baseline()?;
    let keys = keys(&world.budget);
    let missing: Vec<_> = keys.iter().filter(|key| store.cell(key).is_none()).collect();
    let mut left: f64 = missing.iter().map(|key| key.weight()).sum();
    let all = left;
    let (start, mut work) = (Instant::now(), Work::new(world, store));
    for (done, key) in missing.iter().enumerate() {
        let cell = work.cell(key)?;
        store.put(&cell)?;
        left -= key.weight();
        let spent = start.elapsed().as_secs_f64();
        let rest = Duration::from_secs((spent * left / (all - left)) as u64);
        let number = keys.len() - missing.len() + done + 1;
        eprintln!(
            "{number} of {}: {}; {:.0} min left",
            keys.len(),
            cell.told(&baseline),
            rest.as_secs_f64() / 60.0
        );
    }
    Ok(())
}
