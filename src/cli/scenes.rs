//! `scenes`: writes the built-in multitask data set.

use super::args::ScenesArgs;
use super::{Failure, files, progress};
use crate::scenes::{SceneOptions, write_dataset};
use std::path::Path;

/// Runs the command.
pub fn run(args: &ScenesArgs) -> Result<(), Failure> {
    write(&args.out, &SceneOptions { train: args.train, val: args.val, seed: args.seed })?;
    println!("{}", args.out.join("tasks.toml").display());
    Ok(())
}

/// Renders a data set into `out`, with a progress bar.
pub fn write(out: &Path, options: &SceneOptions) -> Result<(), Failure> {
    files::output_folder(out)?;
    let bar = progress::bar(options.train + options.val, "pictures");
    let result = write_dataset(out, options, &|done, _| bar.set_position(done as u64));
    bar.finish_and_clear();
    result.map_err(Failure::input)
}
