//! Every network of `models/zoo` from a file to a pruned and trained one, as a user does it: whatever its operators, a search
//! ends in a network, and the unpruned one teaches it.

use crate::bench::{Bench, has_device, run};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use wgpu_pagcp::graph::{Dim, Graph, Sizes, ValueId};
use wgpu_pagcp::onnx;

/// Rows and columns of inputs that have none in the file.
const SIZE: [(&str, usize); 2] = [("height", 64), ("width", 64)];

/// The files of the zoo.
fn networks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|e| e == "onnx")).collect();
    files.sort();
    assert!(files.len() >= 20, "{} networks", files.len());
    files
}

/// Numbers as labels of every output of `graph` for the pictures of the data set, and the tasks file that names them.
fn write_labels(bench: &Bench, graph: &Graph) -> String {
    let symbols: BTreeMap<String, usize> = SIZE.map(|(name, size)| (name.to_owned(), size)).into();
    let shapes = graph.infer(&Sizes::new(1, symbols)).unwrap();
    let mut text = "[data]\ntrain = \"train\"\nval = \"val\"\n".to_owned();
    for &output in &graph.outputs {
        let (name, shape) = (&graph.value(output).name, &shapes[output.0][1..]);
        write!(
            text,
            "[[task]]\nname = \"{name}\"\nkind = \"regression\"\noutput = \"{name}\"\nloss = \"l2\"\n"
        )
        .unwrap();
        writeln!(text, "labels = \"own_{name}\"").unwrap();
        for split in ["train", "val"] {
            let folder = bench.path(&format!("data/{split}/own_{name}"));
            fs::create_dir_all(&folder).unwrap();
            for picture in fs::read_dir(bench.path(&format!("data/{split}/images"))).unwrap() {
                let stem = picture.unwrap().path().file_stem().unwrap().to_owned();
                write_npy(&folder.join(stem).with_extension("npy"), shape);
            }
        }
    }
    let path = bench.path("data/own.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn write_npy(path: &Path, shape: &[usize]) {
    use npyz::WriterBuilder;
    let shape: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
    let file = fs::File::create(path).unwrap();
    let writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file);
    let mut writer = writer.begin_nd().unwrap();
    writer.extend((0..shape.iter().product()).map(|at| (at * 7 % 11) as f32 / 11.0)).unwrap();
    writer.finish().unwrap();
}

fn check(model: &Path) {
    let bench = Bench::new();
    let graph = onnx::load(model).unwrap();
    let tasks = write_labels(&bench, &graph);
    let is_named = |dim: &Dim, name: &str| matches!(dim, Dim::Symbol(symbol) if symbol == name);
    let dims = |&id: &ValueId| graph.value(id).dims.iter().flatten();
    let named = |name: &str| graph.inputs.iter().flat_map(dims).any(|dim| is_named(dim, name));
    let dims: Vec<String> =
        SIZE.iter().filter(|(name, _)| named(name)).map(|(n, size)| format!("{n}={size}")).collect();
    let dims: Vec<&str> = dims.iter().flat_map(|dim| ["--dim", dim]).collect();
    let (name, out, tuned) = (model.to_str().unwrap(), bench.text("out"), bench.text("tuned"));
    let odd = ["--rate", "0.5", "--total", "50", "--round-to", "1", "--images", "2"];
    let search = ["prune", name, "--out", &out, "--tasks", &tasks];
    let done = run(&[&search[..], &odd, &dims].concat());
    assert_eq!(done.code, Some(0), "{name}: {}", done.stderr);
    assert!(!done.stderr.contains("keep the moments"), "{name}: {}", done.stderr);
    let pruned = bench.text("out/pruned.onnx");
    let training = ["finetune", &pruned, "--out", &tuned, "--tasks", &tasks, "--teacher", name];
    let done = run(&[&training[..], &["--epochs", "1", "--batch", "2"], &dims].concat());
    assert_eq!(done.code, Some(0), "{name}: {}", done.stderr);
    let [before, after] = [name, &bench.text("tuned/finetuned.onnx")].map(|file| weights(Path::new(file)));
    assert!(after < before, "{name}: {before} weights became {after}");
}

/// The numbers in the constants of a file.
fn weights(file: &Path) -> usize {
    onnx::load(file).unwrap().values.iter().filter_map(|value| value.constant.as_ref()).map(|c| c.len()).sum()
}

/// Every second network from `first` on, so that two threads have them all.
fn check_from(first: usize) {
    if !has_device() {
        return;
    }
    networks().iter().skip(first).step_by(2).for_each(|model| check(model));
}

#[test]
fn every_network_is_pruned_and_trained_1() {
    check_from(0);
}

#[test]
fn every_network_is_pruned_and_trained_2() {
    check_from(1);
}
