//! Every command on the bundled network, and the fields of its JSON that users may rely on.

use crate::bench::{BUNDLED, Bench, DATA, has_device, json, program, run};
use crate::refused::refused;
use serde_json::Value;
use std::fs;
use std::process::Stdio;
use wgpu_pagcp::tasks::read_npy;

pub fn has(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some_and(|v| !v.is_null()), "no {key} in {value}");
    }
}

pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value[key].as_array().unwrap_or_else(|| panic!("{key} is a list"));
    assert!(!list.is_empty(), "{key} has entries");
    list
}

#[test]
fn devices_and_doctor() {
    if !has_device() {
        return;
    }
    let devices = json(&["devices", "--json"]);
    for device in list(&devices, "devices") {
        has(device, &["index", "name", "backend", "type", "driver", "tier", "features", "limits"]);
    }
    let name = devices["devices"][0]["name"].as_str().unwrap();
    for device in [name, "0"] {
        let doctor = json(&["doctor", "--json", "--device", device]);
        assert_eq!((&doctor["good"], &doctor["device"]), (&Value::Bool(true), &Value::from(name)));
        assert!(list(&doctor, "layers").len() > 15);
    }
    assert!(run(&["devices"]).stdout.contains(name));
    assert!(run(&["doctor"]).stdout.contains("good"));
}

#[test]
fn inspect() {
    let model = json(&["inspect", BUNDLED, "--json"]);
    for port in list(&model, "inputs").iter().chain(list(&model, "outputs")) {
        has(port, &["name", "shape"]);
    }
    let sum =
        |key: &str| list(&model, "layers").iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((model["macs"].as_u64(), model["params"].as_u64()), (Some(sum("macs")), Some(sum("params"))));
    for unit in list(&model, "units") {
        has(unit, &["id", "channels", "members"]);
        has(&list(unit, "members")[0], &["value", "starts", "block"]);
    }
    for pinned in list(&model, "pinned") {
        has(pinned, &["node", "channels", "reason"]);
    }
    let text = run(&["inspect", BUNDLED, "--why"]).stdout;
    let unit = model["units"][0]["id"].as_str().unwrap();
    assert!(text.contains("scenes.onnx") && text.contains(unit) && text.contains("pinned: "), "{text}");
}

#[test]
fn run_writes_every_output() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let pictures = ["0", "1"].map(|i| bench.text(&format!("data/val/images/00000{i}.png")));
    let (tasks, both) = (bench.text("data/tasks.toml"), bench.text("both"));
    let args = ["run", BUNDLED, "--json", "--tasks", &tasks, "--input"];
    let outputs = json(&[&args[..], &[&pictures[0], &pictures[1], "--output", &both]].concat());
    assert_eq!(outputs["images"], 2);
    for output in list(&outputs, "outputs") {
        has(output, &["name", "shape", "min", "max", "file"]);
    }
    for (i, picture) in pictures.iter().enumerate() {
        let alone = bench.text("alone");
        json(&[&args[..], &[picture, "--output", &alone]].concat());
        for name in ["seg", "depth", "normals", "edges", "room"] {
            let (shape, values) = read_npy(&bench.path(&format!("alone/{name}.npy"))).unwrap();
            let (pair, all) = read_npy(&bench.path(&format!("both/{name}.npy"))).unwrap();
            assert_eq!((shape[0], pair[0], &shape[1..]), (1, 2, &pair[1..]));
            assert!(values == all[i * values.len()..][..values.len()], "{name} of picture {i} in a batch");
        }
    }
}

#[test]
fn eval_of_both_splits() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    for (split, images) in [("train", DATA.train), ("val", DATA.val)] {
        let tasks = bench.text("data/tasks.toml");
        let eval = json(&["eval", BUNDLED, "--tasks", &tasks, "--split", split, "--json"]);
        assert_eq!(eval["images"], images);
        let names: Vec<&str> =
            list(&eval, "tasks").iter().map(|task| task["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["segmentation", "depth", "normals", "edges", "room"]);
        for task in list(&eval, "tasks") {
            has(task, &["kind", "loss", "metric"]);
            has(&task["metric"], &["name", "value", "higher_is_better"]);
            assert!(task["loss"].as_f64().unwrap() > 0.0);
        }
    }
    let few = json(&["eval", BUNDLED, "--tasks", &bench.text("data/tasks.toml"), "--images", "1", "--json"]);
    assert_eq!(few["images"], 1);
}

#[test]
fn verify_of_two_models() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    for args in [&[BUNDLED][..], &[&small, "--batch", "3", "--seed", "4"]] {
        let verified = json(&[&["verify", "--json"], args].concat());
        assert_eq!(verified["first_bad"], Value::Null);
        for layer in list(&verified, "layers") {
            has(layer, &["name", "op", "error_over_bound", "good"]);
        }
    }
}

#[test]
fn networks_are_stored_in_16_bits() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let verified = run(&["verify", "--json", &small, "--dtype", "f16"]);
    if verified.code == Some(2) {
        // SwiftShader has none.
        refused(&verified, &["--dtype f16", "no 16-bit floats"]);
        refused(&run(&["bench", &small, "--dtype", "f16"]), &["--dtype f16"]);
        return;
    }
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!((&verified["dtype"], &verified["first_bad"]), (&"f16".into(), &Value::Null));
    let outputs = list(&verified, "outputs");
    assert!(!outputs.is_empty());
    for output in outputs {
        let [size, difference, largest] =
            ["size", "difference", "largest"].map(|key| output[key].as_f64().unwrap());
        assert!(0.0 < difference && difference <= largest && largest < 0.05 * size, "{output}");
    }
    let picture = bench.text("data/val/images/000000.png");
    let stored = |dtype: &str| {
        let folder = bench.text(dtype);
        run(&["run", BUNDLED, "--input", &picture, "--output", &folder, "--dtype", dtype]);
        bench.read(&format!("{dtype}/depth.npy"))
    };
    let (wide, narrow) = (stored("f32"), stored("f16"));
    assert!(wide.len() == narrow.len() && wide != narrow);
    let json = json(&["bench", &small, "--dtype", "f32,f16", "--runs", "2", "--json"]);
    let models = list(&json, "models");
    let bytes = |model: &Value| model["memory"]["activations"].as_u64().unwrap();
    assert_eq!([&models[0]["dtype"], &models[1]["dtype"]], ["f32", "f16"]);
    assert!(bytes(&models[1]) * 100 <= bytes(&models[0]) * 60, "{models:?}");
}

#[test]
fn scenes_are_those_of_the_library() {
    let bench = Bench::new();
    let out = bench.text("again");
    let [train, val, seed] = [DATA.train as u64, DATA.val as u64, DATA.seed].map(|n| n.to_string());
    let done = run(&["scenes", "--out", &out, "--train", &train, "--val", &val, "--seed", &seed]);
    assert_eq!((done.code, done.stdout.trim()), (Some(0), bench.text("again/tasks.toml").as_str()));
    for file in ["tasks.toml", "val/room.csv", "train/images/000003.png", "train/normals/000001.png"] {
        assert!(bench.read(&format!("again/{file}")) == bench.read(&format!("data/{file}")), "{file}");
    }
}

#[test]
fn the_demo_goes_from_data_to_report() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    bench.write_data("demo/data");
    let (out, model) = (bench.text("demo"), bench.text("small.onnx"));
    let demo = ["demo", "--out", &out, "--model", &model];
    for (more, trained) in [(&["--epochs", "0"][..], false), (&[], true)] {
        let done = run(&[&demo[..], more].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert_eq!(done.stderr.contains("epoch 12 of 12"), trained, "{}", done.stderr);
        for row in ["segmentation: miou", "room: top1", "FLOPs", "parameters", "latency"] {
            assert!(done.stdout.contains(row), "{}", done.stdout);
        }
        assert!(!done.stdout.contains("NaN"), "{}", done.stdout);
        assert!(done.stdout.contains(&bench.text("demo/pruned/report.html")), "{}", done.stdout);
    }
    let page = fs::read_to_string(bench.path("demo/pruned/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("data:image/png;base64,"));
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
}

/// Behind `head`, say: no panic, no word.
#[cfg(unix)]
#[test]
fn a_reader_that_leaves_ends_the_program() {
    use std::os::unix::process::ExitStatusExt;
    const SIGPIPE: i32 = 13;

    if !has_device() {
        return;
    }
    let mut command = program(&["inspect", "--why", BUNDLED]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(SIGPIPE), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
