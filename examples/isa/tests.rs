//! The table in the repository is what the driver makes of the kernels, and the kernels are as good as they have to be.

use crate::choices::choices;
use crate::driver::{Driver, DriverError};
use crate::listing::hot_loop;
use crate::table::{self, Row};
use crate::{FILE, rows};
use std::sync::OnceLock;
use wgpu_pagcp::kernels::Spec;

/// The driver, opened once for all tests; none, and a note, where it is not installed.
fn driver() -> Option<&'static Driver> {
    static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
    let opened = DRIVER.get_or_init(|| match Driver::open() {
        Err(DriverError::Missing) if std::env::var("PAGCP_REQUIRE_RADV").is_err() => None,
        driver => Some(driver.expect("the driver opens")),
    });
    if opened.is_none() {
        eprintln!("SKIPPED: {}", DriverError::Missing);
    }
    opened.as_ref()
}

/// The share of multiply-adds in the hottest loop that a kernel must reach.
fn wanted(row: &Row) -> Option<f64> {
    let has = |part| row.to_string().contains(part);
    let window = has("form 2");
    match row.kernel {
        // What comes in 16 bits is widened on its way to workgroup memory.
        "conv_tiled" if has("half") => Some(0.83),
        "conv_tiled" => Some(0.85),
        // Pictures lack a lane in four, and are loaded with it.
        "conv_uniform" if window && has("depth 3") && has("half") => Some(0.79),
        "conv_uniform" if window => Some(0.80),
        _ => None,
    }
}

/// What is wrong with a row.
fn fault(row: &Row) -> Option<String> {
    let dense = ["conv_tiled", "conv_uniform"].contains(&row.kernel);
    let share = row.hot.map_or(0.0, |mix| mix.share());
    let poor = wanted(row).is_some_and(|wanted| share < wanted);
    let few = dense && row.statistics.waves < 8;
    let spills = row.spills() > 0;
    (poor || few || spills).then(|| format!("{row}: poor {poor}, few waves {few}, spills {spills}"))
}

#[test]
fn the_kernels_of_gpus_are_as_the_table_says() {
    let Some(driver) = driver() else { return };
    let rows = rows(driver).expect("all kernels compile");
    let faults: Vec<String> = rows.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.iter().filter(|row| wanted(row) == Some(0.85)).count() >= 3, "too few tiled kernels");
    assert!(rows.iter().filter(|row| wanted(row) == Some(0.80)).count() >= 3, "too few direct kernels");
    let kept = std::fs::read_to_string(FILE).expect("the table is in the repository");
    if !kept.contains(&format!("Driver: {}.\n", driver.name())) {
        eprintln!("SKIPPED: {FILE} is of another driver than {}; only limits were checked", driver.name());
        return;
    }
    let found = table::text(driver.name(), &rows);
    assert_eq!(kept, found, "docs/isa.md differs: cargo run --example isa -- --write");
}

#[test]
fn a_kernel_that_asks_for_too_much_is_noticed() {
    let Some(driver) = driver() else { return };
    let (kernel, spec) =
        choices().into_iter().find(|(kernel, _)| kernel.name == "conv_uniform").expect("GPUs run it");
    let greedy = spec.0.into_iter().map(|(name, value)| (name, if name == "np" { 16 } else { value }));
    let row = Row::new(driver, (kernel, Spec(greedy.collect()))).expect("it compiles");
    assert!(fault(&row).is_some(), "{row}");
}

const LISTING: &str = "
BB0:
    s_load_dwordx4 s[0:3], s[4:5], 0x0
BB1:
    v_mov_b32_e32 v0, 0
BB2:
    v_fmac_f32_e32 v0, s0, v1
    v_fmac_f32_e32 v0, s1, v2
    ds_read_b128 v[0:3], v4
    s_waitcnt lgkmcnt(0)
    s_cbranch_scc1 BB2
BB3:
    v_fmac_f32_e32 v0, s0, v1
    v_fmac_f32_e32 v0, s0, v1
    v_fmac_f32_e32 v0, s0, v1
    s_cbranch_scc1 BB1
    s_cbranch_scc0 BB4
BB4:
    s_endpgm
";

#[test]
fn the_hottest_loop_is_innermost() {
    let mix = hot_loop(LISTING).expect("there is a loop");
    assert_eq!((mix.all, mix.fma, mix.vector, mix.workgroup), (5, 2, 2, 1));
    assert!((mix.share() - 0.4).abs() < 1e-9);
    assert_eq!(hot_loop("BB0:\n v_fmac_f32_e32 v0, s0, v1\n s_endpgm"), None);
}
