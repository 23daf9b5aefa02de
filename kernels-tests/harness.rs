//! What the tests share: one device in both kinds of checks, or a loud skip.

use std::sync::OnceLock;
use wgpu_pagcp::gpu::{Checks, Gpu, GpuError, Selector};

/// The device of this test run with and without runtime checks; `None`, and a note on standard error, where the
/// machine has none.
///
/// # Panics
/// If the machine has no adapter and `PAGCP_REQUIRE_GPU=1`, or if opening one fails.
pub fn gpus() -> Option<[Gpu; 2]> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    let opened = GPU.get_or_init(|| match Gpu::open(&Selector::Best) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter) if !required() => None,
        Err(error) => panic!("{error}"),
    });
    if opened.is_none() {
        eprintln!("SKIPPED: {}", GpuError::NoAdapter);
    }
    let gpu = opened.as_ref()?;
    Some([Checks::Checked, Checks::Unchecked].map(|checks| gpu.with_checks(checks)))
}

fn required() -> bool {
    std::env::var("PAGCP_REQUIRE_GPU").is_ok_and(|value| value == "1")
}
