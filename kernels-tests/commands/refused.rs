//! Arguments, devices and folders that cannot be used: one clear error, exit code 2, nothing that looks finished.

use crate::bench::{BUNDLED, Bench, Done, finish, has_device, program, run, strs};
use std::fs;
use wgpu_pagcp::onnx;
use wgpu_pagcp::tensor::Tensor;

/// Panics unless a run failed with exit code 2 and one error that names everything of `culprits`.
pub fn refused(done: &Done, culprits: &[&str]) {
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stdout.is_empty(), "{done:?}");
    assert_eq!(done.stderr.matches("error: ").count(), 1, "{done:?}");
    assert!(!done.stderr.contains("panicked") && !done.stderr.contains("RUST_BACKTRACE"), "{done:?}");
    for culprit in culprits {
        assert!(done.stderr.contains(culprit), "{culprit} is not named: {done:?}");
    }
}

/// Panics if a folder holds a result.
pub fn nothing_finished(bench: &Bench, out: &str) {
    for file in ["summary.json", "plan.json", "pruned.onnx", "report.html"] {
        assert!(!bench.path(out).join(file).exists(), "{file} was written");
    }
}

#[test]
fn arguments_out_of_range_are_named() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let cases: [(&[&str], &[&str]); 16] = [
        (&["--topk", "1.5"], &["--topk 1.5", "at most 1"]),
        (&["--topk", "0"], &["--topk 0"]),
        (&["--topk", "half"], &["--topk", "half"]),
        (&["--target-flops", "1.5"], &["--target-flops"]),
        (&["--images", "0"], &["--images"]),
        (&["--round-to", "0"], &["--round-to"]),
        (&["--round-to", "some"], &["--round-to", "some", "auto"]),
        (&["--order", "size"], &["--order", "size"]),
        (&["--target-ms", "0"], &["--target-ms 0", "milliseconds"]),
        (&["--target-ms", "5", "--faithful"], &["--target-ms", "--faithful"]),
        (&["--ignore", "a[b"], &["--ignore a[b"]),
        (&["--criterion", "magic"], &["--criterion", "magic"]),
        (&["--criterion", "energy", "--faithful"], &["--criterion energy", "--faithful"]),
        (&["--rate", "0"], &["task segmentation", "rate must be"]),
        (&["--total", "1.05"], &["task segmentation", "total must be", "1.05"]),
        (&["--ignore", "*"], &["small.onnx", "no unit"]),
    ];
    for (more, culprits) in cases {
        refused(&run(&strs(&bench.prune(&small, "out", more))), culprits);
        assert!(!bench.path("out").exists(), "{more:?} left something");
    }
    refused(&run(&["bench", &small, "--runs", "0"]), &["--runs"]);
    refused(&run(&["bench", &small, "--batch", "1,0"]), &["--batch"]);
    refused(&run(&["bench"]), &["<MODELS>"]);
    refused(&run(&["bench", &small, "--dtype", "f32,f64"]), &["--dtype", "f64"]);
    refused(&run(&["verify", &small, "--dtype", "i8"]), &["--dtype", "expected f32 or f16", "i8"]);
    refused(&run(&["verify", &small, "--batch", "0"]), &["--batch"]);
    refused(&run(&["prune", &small]), &["--tasks"]);
    refused(&run(&["shrink", &small]), &["shrink"]);
}

#[test]
fn dimensions_that_are_none_are_named() {
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    refused(&run(&["inspect", &small, "--dim", "width"]), &["--dim width", "NAME=N"]);
    refused(&run(&["inspect", &small, "--dim", "width=wide"]), &["--dim width=wide", "NAME=N"]);
    refused(&run(&["inspect", &small, "--dim", "width=128"]), &["--dim width=128", "small.onnx"]);
    refused(&run(&["bench", BUNDLED, "--dim", "batch=2"]), &["--dim batch=2", "--batch"]);
}

#[test]
fn devices_that_are_none_are_named() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    refused(&run(&["bench", &small, "--device", "Voodoo 2"]), &["Voodoo 2", "found"]);
    refused(&run(&["--device", "99", "verify", &small]), &["99", "found"]);
    refused(&run(&strs(&bench.prune(&small, "out", &["--device", "Voodoo 2"]))), &["Voodoo 2"]);
    nothing_finished(&bench, "out");
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_adapters_is_told_what_to_install() {
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let prune = bench.prune(&small, "out", &[]);
    for args in [&["devices"][..], &["doctor"], &["bench", &small], &strs(&prune)] {
        let mut command = program(args);
        command.env("VK_ICD_FILENAMES", "/nonexistent").env("VK_DRIVER_FILES", "/nonexistent");
        refused(&finish(command), &["no GPU adapter", "mesa-vulkan-drivers"]);
    }
    nothing_finished(&bench, "out");
}

/// A file where a folder should be: what a full or read-only place looks like to a test that may run as root.
#[test]
fn folders_that_cannot_be_written_are_named() {
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    fs::write(bench.path("file"), "in the way").unwrap();
    let picture = bench.text("data/val/images/000000.png");
    for folder in ["file", "file/below"] {
        let out = bench.text(folder);
        refused(&run(&["scenes", "--out", &out, "--train", "1", "--val", "1"]), &[&out]);
        if has_device() {
            refused(&run(&["run", &small, "--input", &picture, "--output", &out]), &[&out]);
            refused(&run(&strs(&bench.prune(&small, folder, &[]))), &[&out]);
            refused(&run(&["demo", "--model", &small, "--out", &out]), &[&out]);
        }
    }
    assert_eq!(bench.read("file"), b"in the way");
}

/// The last file that a pruning writes cannot be written: what is there does not look finished.
#[test]
fn a_result_that_cannot_be_written_leaves_nothing_that_looks_finished() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    fs::create_dir_all(bench.path("out/plan.json/in-the-way")).unwrap();
    let done = run(&strs(&bench.prune(&small, "out", &["--images", "1"])));
    refused(&done, &[&bench.text("out/plan.json")]);
    assert!(!bench.path("out/summary.json").exists() && !bench.path("out/report.html").exists());
    fs::remove_dir_all(bench.path("out/plan.json")).unwrap();
    let done = run(&strs(&bench.prune(&small, "out", &["--images", "1", "--resume"])));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(bench.path("out/summary.json").exists());
}

/// A new search in a folder whose journal was deleted: the old result goes before it starts. This one ends early: the
/// network's numbers are larger than f32 holds.
#[test]
fn a_new_search_takes_the_old_result_away() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let mut graph = crate::network::graph();
    let weight = graph.nodes[0].inputs[1];
    let shape = graph.constant(weight).unwrap().shape().to_vec();
    let values = vec![f32::MAX; shape.iter().product()];
    graph.edit().set_constant(weight, Tensor::from_f32(shape, values).unwrap());
    onnx::save(&graph, &bench.path("large.onnx")).unwrap();
    fs::create_dir_all(bench.path("out")).unwrap();
    fs::write(bench.path("out/summary.json"), "{}").unwrap();
    let done = run(&strs(&bench.prune(&bench.text("large.onnx"), "out", &[])));
    refused(&done, &["task segmentation", "loss of the unpruned network"]);
    nothing_finished(&bench, "out");
}
