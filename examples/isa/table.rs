//! The table of kernels.

use crate::choices::Choice;
use crate::driver::{Driver, DriverError, Statistics};
use crate::listing::{Mix, hot_loop};
use std::fmt::{self, Display};
use wgpu_pagcp::kernels::wgsl;

const INTRODUCTION: &str = "\
# What a GPU's compiler makes of the kernels

Written by `cargo run --example isa -- --write`, compared by `make test-isa`: every kernel that the planner picks on GPUs
for the bundled network and for the layers of ResNets (pictures of 224 by 224; batches 1 and 8), compiled for an AMD
navi21 by Mesa's RADV driver, without that GPU. Nothing here is a time.

**spills** are registers kept in memory or in other registers, **bytes** is workgroup memory, **waves** are those
that fit on a vector unit, as the driver counts them. The rest is the hottest loop, the innermost one with most
multiply-adds: how many instructions are issued, how many of them are multiply-adds (**FMA**), read scalar memory,
vector memory or workgroup memory, and the **share** of multiply-adds.

Every kernel stands here twice: with 32 bits, and with the tensors in 16 bits that the bits of **half** name.
";

/// A kernel and what became of it.
pub struct Row {
    /// The kernel's name.
    pub kernel: &'static str,
    /// Its specialisation in words.
    spec: String,
    /// What the driver tells.
    pub statistics: Statistics,
    /// Its hottest loop.
    pub hot: Option<Mix>,
    /// The disassembly.
    pub assembly: String,
}

impl Row {
    /// Compiles one.
    pub fn new(driver: &Driver, (kernel, spec): Choice) -> Result<Self, DriverError> {
        let source = wgsl(kernel, &spec).map_err(|error| DriverError::Source(error.to_string()))?;
        let (statistics, assembly) = driver.compile(&source)?;
        let words: Vec<String> = spec.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let hot = hot_loop(&assembly);
        Ok(Self { kernel: kernel.name, spec: words.join(", "), statistics, hot, assembly })
    }

    /// Registers that were spilled.
    pub fn spills(&self) -> u64 {
        self.statistics.spilled_vector + self.statistics.spilled_scalar
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Statistics { vector, workgroup, waves, .. } = self.statistics;
        write!(
            f,
            "| {} | {} | {vector} | {} | {workgroup} | {waves} |",
            self.kernel,
            self.spec,
            self.spills()
        )?;
        match &self.hot {
            None => write!(f, " | | | | | |"),
            Some(mix) => write!(
                f,
                " {} | {} | {} | {} | {} | {:.3} |",
                mix.all,
                mix.fma,
                mix.scalar_memory,
                mix.memory,
                mix.workgroup,
                mix.share()
            ),
        }
    }
}

/// The file.
pub fn text(driver: &str, rows: &[Row]) -> String {
    let mut text = format!("{INTRODUCTION}\nDriver: {driver}.\n\n");
    text += "| kernel | specialisation | VGPRs | spills | bytes | waves | loop | FMA | scalar | vector | workgroup | share |\n";
    text += "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for row in rows {
        text += &format!("{row}\n");
    }
    text
}
