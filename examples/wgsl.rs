//! Writes kernels as a JSON list of [name, WGSL] to standard output, as browsers take them: `scripts/test-tint.sh` has
//! Chromium judge them. Of every kernel at most `EACH` variants are written, spread over all.

use wgpu_pagcp::kernels::{ALL, TemplateError, wgsl};

const EACH: usize = 60;

/// Every kernel with some of its variants. Browsers want subgroups enabled, by a line that naga does not know yet.
fn kernels() -> Result<Vec<(String, String)>, TemplateError> {
    let mut found = Vec::new();
    for kernel in ALL {
        let variants = (kernel.variants)();
        for spec in variants.iter().step_by(variants.len().div_ceil(EACH)) {
            let text = wgsl(kernel, spec)?;
            let enable = if text.contains("subgroup_invocation_id") { "enable subgroups;\n" } else { "" };
            let words: Vec<String> = spec.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
            found.push((format!("{} {}", kernel.name, words.join(", ")), format!("{enable}{text}")));
        }
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    serde_json::to_writer(std::io::stdout().lock(), &kernels()?)?;
    Ok(())
}
