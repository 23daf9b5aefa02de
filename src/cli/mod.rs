//! The command line: one file per subcommand. Results go to standard output, progress and errors to standard error.

mod args;
mod balance;
mod bench;
mod demo;
mod devices;
mod doctor;
mod error;
mod eval;
mod files;
mod finetune;
mod improve;
mod inspect;
mod latency;
mod model;
mod outcome;
mod progress;
mod prune;
mod report;
mod rounds;
mod run;
mod scenes;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod train_args;
mod training;
mod verify;

use args::{Arguments, Command};
use clap::Parser;
pub use error::Failure;
use std::process::ExitCode;

/// Parses the process's arguments and runs the command. Exit codes: 0 done, 1 failed, 2 wrong arguments or unreadable
/// input. Where nobody reads what it prints any more, as behind `head`, the process ends by the signal for that.
pub fn main() -> ExitCode {
    sigpipe::reset();
    let arguments = Arguments::parse();
    init_logging();
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn init_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PAGCP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error,wgpu_pagcp=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let device = &arguments.device;
    match arguments.command {
        Command::Devices(args) => devices::run(&args),
        Command::Doctor(args) => doctor::run(&args, device),
        Command::Inspect(args) => inspect::run(&args),
        Command::Run(args) => run::run(&args, device),
        Command::Eval(args) => eval::run(&args, device),
        Command::Prune(args) => prune::run(&args, device),
        Command::Finetune(args) => finetune::run(&args, device),
        Command::Bench(args) => bench::run(&args, device),
        Command::Verify(args) => verify::run(&args, device),
        Command::Scenes(args) => scenes::run(&args),
        Command::Demo(args) => demo::run(&args, device),
    }
}
