//! What a GPU's compiler makes of the kernels, without the GPU: Mesa's RADV driver compiles them for an AMD navi21 that
//! need not be present. Prints registers, spills, workgroup memory, waves, and how much of the hottest loop multiplies.
//!
//! `cargo run --example isa` prints `docs/isa.md`, `--write` also writes it, `--asm WORDS` prints the assembly of the rows
//! that hold all WORDS. `cargo test --example isa` compares the file. `scripts/test-isa.sh` installs the driver.

mod choices;
mod driver;
mod listing;
mod table;
#[cfg(test)]
mod tests;

use choices::choices;
use driver::{Driver, DriverError};
use std::process::ExitCode;
use table::Row;

/// The table as it stands in the repository.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/isa.md");

/// Compiles every chosen kernel.
fn rows(driver: &Driver) -> Result<Vec<Row>, DriverError> {
    choices().into_iter().map(|choice| Row::new(driver, choice)).collect()
}

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let driver = Driver::open()?;
    match arguments {
        [] => print!("{}", table::text(driver.name(), &rows(&driver)?)),
        [write] if write == "--write" => {
            let text = table::text(driver.name(), &rows(&driver)?);
            print!("{text}");
            std::fs::write(FILE, text)?;
        }
        [asm, words @ ..] if asm == "--asm" => {
            for choice in choices() {
                let row = Row::new(&driver, choice)?;
                let line = row.to_string();
                if words.iter().all(|word| line.contains(word.as_str())) {
                    println!("{line}\n{}", row.assembly);
                }
            }
        }
        _ => return Err("expected no argument, --write, or --asm WORDS".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isa: {error}");
            ExitCode::FAILURE
        }
    }
}
