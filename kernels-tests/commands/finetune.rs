//! Training as a command: what it leaves, that it goes on after being killed, and what it refuses.

use crate::bench::{Bench, has_device, json, program, run, strs};
use crate::refused::refused;
use serde_json::Value;
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Arguments of a training of the small network on the four pictures of `train`.
fn finetune(bench: &Bench, out: &str, more: &[&str]) -> Vec<String> {
    let (small, tasks, out) = (bench.text("small.onnx"), bench.text("data/tasks.toml"), bench.text(out));
    let args = ["finetune", &small, "--tasks", &tasks, "--out", &out, "--batch", "2"];
    args.iter().chain(more).map(|&arg| arg.to_owned()).collect()
}

fn losses(epoch: &Value) -> Vec<f64> {
    epoch["losses"].as_array().unwrap().iter().map(|loss| loss.as_f64().unwrap()).collect()
}

#[test]
fn a_training_lowers_losses_and_leaves_a_network() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let teacher = bench.text("small.onnx");
    let more = [
        "--epochs",
        "12",
        "--learning-rate",
        "0.01",
        "--flip",
        "--json",
        "--teacher",
        &teacher,
        "--distil",
        "0.1",
    ];
    let printed = json(&strs(&finetune(&bench, "out", &more)));
    let summary = bench.read_json("out/summary.json");
    assert_eq!(printed, summary);
    let epochs = summary["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 12);
    let [first, last] = [losses(&epochs[0]), losses(&epochs[11])];
    assert_eq!(first.len(), 5);
    assert!(last.iter().sum::<f64>() < 0.8 * first.iter().sum::<f64>(), "{first:?} to {last:?}");
    let report = String::from_utf8(bench.read("out/report.html")).unwrap();
    // A curve for each task and one of the learning rate; a picture, a label and two outputs for each dense task.
    assert_eq!(report.matches("<polyline").count(), 6);
    assert!(report.contains("teacher small.onnx") && report.matches("<img").count() >= 2 * (1 + 4 * 3));
    let tasks = bench.text("data/tasks.toml");
    let eval = json(&["eval", &bench.text("out/finetuned.onnx"), "--tasks", &tasks, "--json"]);
    for (task, measured) in summary["tasks"].as_array().unwrap().iter().zip(eval["tasks"].as_array().unwrap())
    {
        assert_eq!(task["loss"]["after"], measured["loss"], "{}", task["name"]);
    }
}

#[test]
fn balanced_tasks_count_by_the_losses_of_the_teacher() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let (teacher, tasks) = (bench.text("small.onnx"), bench.text("data/tasks.toml"));
    let more =
        ["--epochs", "1", "--balance", "--weight", "room=0", "--weight", "depth=2", "--teacher", &teacher];
    let done = run(&strs(&finetune(&bench, "out", &more)));
    assert!(done.code == Some(0) && done.stderr.contains("weights of the tasks: segmentation "), "{done:?}");
    let weights = bench.read_json("out/summary.json")["settings"]["weights"].clone();
    let losses = json(&["eval", &teacher, "--tasks", &tasks, "--split", "train", "--json"])["tasks"].clone();
    let counts = |at: usize| weights[at].as_f64().unwrap() * losses[at]["loss"].as_f64().unwrap();
    let [segmentation, depth, normals, edges] = [0, 1, 2, 3].map(counts);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * b;
    assert!(near(depth, 2.0 * segmentation) && near(normals, segmentation) && near(edges, segmentation));
    let sum: f64 = (0..5).map(|at| weights[at].as_f64().unwrap()).sum();
    assert!(weights[4] == 0.0 && near(sum, 5.0), "{weights}");
}

/// The small network itself as teacher: nothing is cut, so maps are compared. A network of other names has none.
#[test]
fn maps_inside_of_a_teacher_are_compared_where_there_are_any() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let teacher = bench.text("small.onnx");
    let more = ["--epochs", "1", "--flip", "--distil-features", "0.5", "--distil", "0", "--teacher"];
    let done = run(&strs(&finetune(&bench, "out", &[&more[..], &[&teacher]].concat())));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("with the teacher's"), "{}", done.stderr);
    assert_eq!(bench.read_json("out/summary.json")["settings"]["distil_features"], 0.5);
    let alone = finetune(&bench, "alone", &more[..more.len() - 1]);
    refused(&run(&strs(&alone)), &["--distil-features", "--teacher"]);
    let mut renamed = wgpu_pagcp::onnx::load(&bench.path("small.onnx")).unwrap();
    for output in renamed.nodes.iter().map(|node| node.outputs[0]).collect::<Vec<_>>() {
        if !renamed.is_output(output) {
            renamed.values[output.0].name.push_str(" of another network");
        }
    }
    fs::write(bench.path("renamed.onnx"), wgpu_pagcp::onnx::encode(&renamed).unwrap()).unwrap();
    let renamed = bench.text("renamed.onnx");
    let none = run(&strs(&finetune(&bench, "none", &[&more[..], &[&renamed]].concat())));
    refused(&none, &["features", "no map inside of the network"]);
}

#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let more = ["--epochs", "6", "--flip", "--color", "1"];
    let whole = run(&strs(&finetune(&bench, "whole", &more)));
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let mut killed = program(&strs(&finetune(&bench, "killed", &more)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let checkpoint = bench.path("killed/checkpoint.bin");
    let start = Instant::now();
    while !checkpoint.exists() && start.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(checkpoint.exists() && !bench.path("killed/finetuned.onnx").exists());
    let resumed = [&more[..], &["--resume"]].concat();
    let done = run(&strs(&finetune(&bench, "killed", &resumed)));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("going on after epoch"), "{}", done.stderr);
    assert_eq!(bench.read("killed/finetuned.onnx"), bench.read("whole/finetuned.onnx"));
    // With other settings that checkpoint is none.
    let other = [&resumed[..], &["--decay", "0.5"]].concat();
    refused(&run(&strs(&finetune(&bench, "killed", &other))), &["checkpoint.bin", "other settings"]);
    fs::write(&checkpoint, b"PAGC").unwrap();
    refused(&run(&strs(&finetune(&bench, "killed", &resumed))), &["checkpoint.bin"]);
}

#[test]
fn settings_that_cannot_train_are_named() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let cases: [(&[&str], &[&str]); 13] = [
        (&["--epochs", "0"], &["--epochs 0"]),
        (&["--batch", "5"], &["--batch 5", "4 pictures"]),
        (&["--learning-rate=-1"], &["--learning-rate -1"]),
        (&["--learning-rate", "nan"], &["--learning-rate"]),
        (&["--warm-up", "20"], &["--warm-up 20"]),
        (&["--distil-features=-1"], &["--distil-features -1"]),
        (&["--weight", "colour=1"], &["--weight colour=1", "segmentation"]),
        (&["--weight", "depth"], &["--weight depth", "TASK=WEIGHT"]),
        (&["--zoom", "9"], &["scale 9"]),
        (&["--freeze", "a[b"], &["--freeze a[b"]),
        (&["--freeze", "*"], &["nothing to train"]),
        (&["--memory", "0"], &["a step needs", "bytes of device memory"]),
        (&["--batch-norm", "none"], &["--batch-norm", "none"]),
    ];
    for (more, culprits) in cases {
        let mut args = finetune(&bench, "out", &[]);
        args.retain(|arg| !(more[0] == "--batch" && (arg == "--batch" || arg == "2")));
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        refused(&run(&strs(&args)), culprits);
        assert!(!bench.path("out/finetuned.onnx").exists(), "{more:?} left something");
    }
    let pruned = bench.prune(
        &bench.text("small.onnx"),
        "out",
        &["--finetune", "2", "--batch", "2", "--learning-rate=-1"],
    );
    refused(&run(&strs(&pruned)), &["--learning-rate"]);
    assert!(!bench.path("out/journal.jsonl").exists(), "the search began");
}

#[test]
fn a_training_that_diverges_says_so_and_keeps_its_checkpoint() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let more =
        ["--epochs", "200", "--learning-rate", "1000", "--optimiser", "sgd", "--clip", "0", "--warm-up", "0"];
    let done = run(&strs(&finetune(&bench, "out", &more)));
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("diverged") && done.stderr.contains("learning rate"), "{}", done.stderr);
    assert!(!bench.path("out/finetuned.onnx").exists());
}

#[test]
fn a_pruned_network_is_trained_in_rounds() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let more = [
        "--target-flops",
        "0.3",
        "--total",
        "3",
        "--rate",
        "0.1",
        "--finetune",
        "2",
        "--batch",
        "2",
        "--rounds",
        "2",
        "--json",
    ];
    let printed = json(&strs(&bench.prune(&small, "out", &more)));
    let summary = bench.read_json("out/summary.json");
    assert_eq!(printed, summary);
    let [first, second] =
        ["out/round-1/summary.json", "out/round-2/summary.json"].map(|name| bench.read_json(name));
    let flops = |summary: &Value, when: &str| summary["flops"][when].as_f64().unwrap();
    assert_eq!(flops(&summary, "before"), flops(&first, "before"));
    assert_eq!(flops(&summary, "after"), flops(&second, "after"));
    assert_eq!(flops(&second, "before"), flops(&first, "after"));
    assert!(flops(&summary, "after") < 0.75 * flops(&summary, "before"));
    assert_eq!(second["training"]["epochs"], 2);
    assert_eq!(bench.read("out/pruned.onnx"), bench.read("out/round-2/pruned.onnx"));
    assert_eq!(summary["training"]["course"].as_array().unwrap().len(), 4);
    let report = String::from_utf8(bench.read("out/report.html")).unwrap();
    assert!(report.contains("round-2/report.html") && report.contains("learning rate"));
    // What is left of every unit is named by channels of the unpruned network.
    let plan = bench.read_json("out/plan.json");
    let inspected = json(&["inspect", &bench.text("out/pruned.onnx"), "--json"]);
    for (unit, left) in plan["units"].as_array().unwrap().iter().zip(inspected["units"].as_array().unwrap()) {
        let kept: Vec<u64> = unit["kept"].as_array().unwrap().iter().map(|at| at.as_u64().unwrap()).collect();
        assert_eq!(kept.len() as u64, left["channels"].as_u64().unwrap(), "{}", unit["id"]);
        assert!(
            kept.is_sorted_by(|a, b| a < b) && kept.iter().all(|at| *at < unit["channels"].as_u64().unwrap())
        );
    }
    for (wrong, culprits) in [
        (&["--max-drop=-1"][..], &["--max-drop", "at least 0"][..]),
        (&["--rate-slope=-0.2"], &["--rate-slope", "round 2", "rate must be"]),
        (&["--total-slope=-2"], &["--total-slope", "round 2", "total must be"]),
    ] {
        let none = [&more[..], wrong].concat();
        refused(&run(&strs(&bench.prune(&small, "none", &none))), culprits);
        assert!(!bench.path("none").exists(), "{wrong:?} left something");
    }
}

/// Of two tasks, one with a limit of its own in the tasks file that the first round breaks.
#[test]
fn rounds_end_where_a_task_loses_more_than_its_own_share() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let path = bench.path("data/tasks.toml");
    let tasks = fs::read_to_string(&path).unwrap();
    let prune = |out: &str, drops: [&str; 2], rate: &str| {
        let [first, second] = drops;
        let mut text = tasks.replacen("[[task]]\n", &format!("[[task]]\n{first}\n"), 1);
        text = text.replacen("kind = \"depth\"", &format!("kind = \"depth\"\n{second}"), 1);
        fs::write(&path, text).unwrap();
        let args = [
            "--target-flops",
            "0.3",
            "--total",
            "3",
            "--rate",
            "0.1",
            "--finetune",
            "1",
            "--batch",
            "2",
            "--rounds",
            "2",
            "--learning-rate",
            rate,
            "--rate-slope",
            "0.05",
            "--max-drop",
            "1e9",
        ];
        run(&strs(&bench.prune(&small, out, &args)))
    };
    // Steps so long that every task is worse after them.
    let none = prune("none", ["", "max_drop = 0.0"], "0.5");
    assert_eq!(none.code, Some(1), "{none:?}");
    let said = none.stderr.contains("round 1 is not taken: depth lost") && none.stderr.contains("max_drop");
    assert!(said, "{}", none.stderr);
    assert!(!bench.path("none/pruned.onnx").exists() && bench.path("none/round-1/pruned.onnx").exists());
    let all = prune("all", ["", "max_drop = 1e12"], "0.001");
    assert_eq!(all.code, Some(0), "{all:?}");
    let rate = |round: usize| {
        bench.read_json(&format!("all/round-{round}/summary.json"))["options"]["rate"].as_f64().unwrap()
    };
    assert!(rate(1) == 0.1 && (rate(2) - 0.15).abs() < 1e-12);
    let wrong = prune("wrong", ["max_drop = -0.5", ""], "0.001");
    refused(&wrong, &["tasks.toml", "max_drop must be a share"]);
}
