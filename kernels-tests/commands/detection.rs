//! Detectors of every family and networks without labels, evaluated and pruned on a made data set.

use crate::bench::{Bench, has_device, json, run, strs};
use crate::network::Net;
use crate::refused::refused;
use image::{Rgb, RgbImage};
use serde_json::Value;
use std::fs;
use wgpu_pagcp::graph::{Builder, ValueId};
use wgpu_pagcp::onnx;
use wgpu_pagcp::tensor::Tensor;

/// Height and width of the networks' input.
const INPUT: [usize; 2] = [48, 64];

/// What a family's outputs are called, their channels at one stride, and its lines in the tasks file.
struct Kind {
    heads: &'static [(&'static str, usize)],
    lines: &'static str,
}

const YOLOV5: Kind = Kind {
    heads: &[("maps", 14)],
    lines: "family = \"yolov5\"\nclasses = 2\nanchors = [[12, 16, 24, 20], [30, 24, 40, 40]]",
};
const YOLOX: Kind = Kind {
    heads: &[("boxes", 4), ("objectness", 1), ("classes", 1)],
    lines: "family = \"yolox\"\nnames = [\"thing\"]",
};
const YOLOV8: Kind = Kind {
    heads: &[("boxes", 16), ("classes", 2)],
    lines: "family = \"yolov8\"\nclasses = 2\nreg_max = 4\nlimit_class = 0.2",
};

/// A backbone with heads at strides 8 and 16.
fn write_network(bench: &Bench, kind: &Kind) {
    let mut net = Net { b: Builder::new("detector"), state: 9 };
    let x = net.b.image("image", [3, INPUT[0], INPUT[1]]);
    let x = net.layer(x, [3, 8, 3, 2]);
    let x = net.layer(x, [8, 12, 3, 2]);
    let near = net.layer(x, [12, 16, 3, 2]);
    let far = net.layer(near, [16, 20, 3, 2]);
    let mut heads = |x: ValueId, inputs: usize, level: usize| {
        let x = net.layer(x, [inputs, 12, 3, 1]);
        for &(name, channels) in kind.heads {
            let y = net.conv(x, [12, channels, 1, 1]);
            net.b.output(y, &format!("{name}{level}"));
        }
    };
    heads(near, 16, 0);
    heads(far, 20, 1);
    onnx::save(&net.b.finish().unwrap(), &bench.path("detector.onnx")).unwrap();
}

/// Pictures of two sizes with bright rectangles, of which the last of a split has none, and the tasks file.
fn write_data(bench: &Bench, kind: &Kind) {
    for (split, pictures) in [("train", 4), ("val", 3)] {
        let folder = bench.path("boxes").join(split);
        fs::create_dir_all(folder.join("images")).unwrap();
        fs::create_dir_all(folder.join("labels")).unwrap();
        for number in 0..pictures {
            let (width, height) = if number % 2 == 0 { (80, 60) } else { (50, 70) };
            let mut picture =
                RgbImage::from_fn(width, height, |x, y| Rgb([(3 * x) as u8, (2 * y) as u8, 40]));
            let mut label = String::new();
            if number + 1 < pictures {
                let (left, top, side) = (8 + 4 * number, 10 + 3 * number, 20);
                for (x, y) in (0..side).flat_map(|x| (0..side).map(move |y| (x, y))) {
                    picture.put_pixel(left + x, top + y, Rgb([250, 240, 230]));
                }
                let share = |at: u32, of: u32| f64::from(at) / f64::from(of);
                let (x, y) = (share(left + side / 2, width), share(top + side / 2, height));
                label = format!("0 {x} {y} {} {}\n", share(side, width), share(side, height));
            }
            picture.save(folder.join(format!("images/{number}.png"))).unwrap();
            fs::write(folder.join(format!("labels/{number}.txt")), label).unwrap();
        }
    }
    let names = |level: usize| kind.heads.iter().map(move |(name, _)| format!("\"{name}{level}\""));
    let outputs: Vec<String> = names(0).chain(names(1)).collect();
    let tasks = format!(
        "[input]\nfit = \"letterbox\"\n[data]\ntrain = \"train\"\nval = \"val\"\n[[task]]\nname = \"cars\"\n\
         kind = \"detection\"\noutputs = [{}]\nstrides = [8, 16]\nlabels = \"labels\"\n{}\n\
         [[task]]\nname = \"same\"\nkind = \"agreement\"\noutput = {}\nmeasure = \"l1\"\nchannels = [0, 1]\n",
        outputs.join(", "),
        kind.lines,
        outputs[0],
    );
    fs::write(bench.path("boxes/tasks.toml"), tasks).unwrap();
}

fn prepared(kind: &Kind) -> Bench {
    let bench = Bench::empty();
    write_network(&bench, kind);
    write_data(&bench, kind);
    bench
}

fn names(result: &Value) -> Vec<&str> {
    result["tasks"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect()
}

fn prune_args(bench: &Bench, out: &str, more: &[&str]) -> Vec<String> {
    let (model, tasks, out) = (bench.text("detector.onnx"), bench.text("boxes/tasks.toml"), bench.text(out));
    let args = ["prune", &model, "--tasks", &tasks, "--out", &out, "--json", "--round-to", "1"];
    args.iter().chain(more).map(|&arg| arg.to_owned()).collect()
}

/// Evaluates and prunes; every part has a task, and the pruned model is measured against the unpruned one's targets.
fn whole(kind: &Kind, parts: &[&str]) {
    if !has_device() {
        return;
    }
    let bench = prepared(kind);
    let (model, tasks) = (bench.text("detector.onnx"), bench.text("boxes/tasks.toml"));
    let before = json(&["eval", &model, "--tasks", &tasks, "--json"]);
    assert_eq!(names(&before), parts);
    for task in before["tasks"].as_array().unwrap() {
        let loss = task["loss"].as_f64().unwrap();
        let agreement = task["kind"] == "agreement";
        assert!(if agreement { loss == 0.0 } else { loss > 0.0 }, "{task}");
        assert_eq!(task["metric"]["name"], if agreement { "agreement" } else { "map" });
        assert!((0.0..=1.0).contains(&task["metric"]["value"].as_f64().unwrap()), "{task}");
    }
    let summary = json(&strs(&prune_args(&bench, "out", &["--rate", "0.3", "--total", "4"])));
    assert_eq!(names(&summary), parts);
    assert!(summary["params"]["after"].as_f64() < summary["params"]["before"].as_f64());
    let pruned = bench.text("out/pruned.onnx");
    let after = json(&["eval", &pruned, "--tasks", &tasks, "--teacher", &model, "--json"]);
    for (found, expected) in
        after["tasks"].as_array().unwrap().iter().zip(summary["tasks"].as_array().unwrap())
    {
        assert_eq!(found["loss"], expected["loss"]["after"], "{found}");
        assert_eq!(found["metric"]["value"], expected["metric"]["after"], "{found}");
    }
    assert!(String::from_utf8(bench.read("out/report.html")).unwrap().contains("cars.box"));
    let again = json(&strs(&prune_args(&bench, "out", &["--rate", "0.3", "--total", "4", "--resume"])));
    assert_eq!(again["units"], summary["units"]);
}

#[test]
fn a_yolov5_detector() {
    whole(&YOLOV5, &["cars.box", "cars.objectness", "cars.class", "same"]);
}

#[test]
fn a_yolox_detector_of_one_class() {
    whole(&YOLOX, &["cars.box", "cars.objectness", "cars.class", "same"]);
}

#[test]
fn a_yolov8_detector() {
    whole(&YOLOV8, &["cars.box", "cars.class", "same"]);
}

/// A pruned detector learns what the unpruned one's cells answer for, in pictures that are mirrored too.
#[test]
fn a_detector_is_trained() {
    if !has_device() {
        return;
    }
    let bench = prepared(&YOLOX);
    let path = bench.path("boxes/tasks.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (model, tasks, out) =
        (bench.text("detector.onnx"), bench.text("boxes/tasks.toml"), bench.text("out"));
    let args = ["finetune", &model, "--tasks", &tasks, "--out", &out, "--batch", "4", "--flip", "--json"];
    let more = ["--epochs", "30", "--learning-rate", "0.01", "--teacher", &model];
    let args = [&args[..], &more].concat();
    refused(&run(&args), &["task same", "agreement is no goal"]);
    fs::write(&path, &text[..text.rfind("[[task]]").unwrap()]).unwrap();
    let summary = json(&args);
    let parts = ["cars.box", "cars.objectness", "cars.class"];
    assert_eq!(names(&summary), parts);
    let losses = |epoch: usize| -> Vec<f64> {
        let losses = summary["epochs"][epoch]["losses"].as_array().unwrap();
        losses.iter().map(|loss| loss.as_f64().unwrap()).collect()
    };
    let [first, last] = [losses(0), losses(29)];
    assert!(last[1] < 0.8 * first[1] && last.iter().sum::<f64>() < first.iter().sum(), "{first:?} {last:?}");
    let tuned = bench.text("out/finetuned.onnx");
    let after = json(&["eval", &tuned, "--tasks", &tasks, "--teacher", &model, "--json"]);
    for (found, expected) in
        after["tasks"].as_array().unwrap().iter().zip(summary["tasks"].as_array().unwrap())
    {
        assert_eq!(found["loss"], expected["loss"]["after"], "{found}");
    }
    assert!(String::from_utf8(bench.read("out/report.html")).unwrap().contains("cars.objectness"));
}

#[test]
fn targets_that_move_are_another_search() {
    if !has_device() {
        return;
    }
    let bench = prepared(&YOLOV5);
    let base = |out: &str, more: &[&str]| {
        json(&strs(&prune_args(&bench, out, more)));
        let journal = String::from_utf8(bench.read(&format!("{out}/journal.jsonl"))).unwrap();
        let records = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let base = records.into_iter().find(|record| record["record"] == "base").unwrap();
        base["losses"].as_array().unwrap().clone()
    };
    let (frozen, moving) = (base("frozen", &["--no-recover"]), base("moving", &["--faithful"]));
    // Of the unpruned network the targets are the same; one batch is the whole set.
    let mean = |loss: &Value| loss["sum"].as_f64().unwrap() / loss["count"].as_f64().unwrap();
    let [expected, found] = [&frozen, &moving].map(|losses| mean(&losses[1]));
    assert!((expected - found).abs() < 1e-5 * expected, "{expected} {found}");
    assert_eq!(moving[0]["count"], 4.0);
    assert!(frozen[0]["count"].as_f64() > Some(4.0));
}

#[test]
fn labels_that_cannot_be_used_are_named() {
    if !has_device() {
        return;
    }
    let bench = prepared(&YOLOV8);
    let label = bench.path("boxes/train/labels/1.txt");
    let prune = || run(&strs(&prune_args(&bench, "out", &[])));
    for (text, culprit) in [
        ("0 0.5 0.5 0.1", "five fields"),
        ("\n7 0.5 0.5 0.1 0.1", "line 2: class 7"),
        ("0 0.5 0.5 0.1 x", "h must be"),
        ("0 50 50 10 10", "cx must be"),
    ] {
        fs::write(&label, text).unwrap();
        refused(&prune(), &["train/labels/1.txt", culprit]);
    }
    fs::remove_file(&label).unwrap();
    refused(&prune(), &["train/labels/1.txt", "missing", "cars.box"]);
    for number in 0..4 {
        fs::write(bench.path(&format!("boxes/train/labels/{number}.txt")), "").unwrap();
    }
    refused(&prune(), &["cars.box", "nothing is labelled"]);
}

#[test]
fn outputs_of_another_form_and_losses_that_are_not_finite_are_named() {
    if !has_device() {
        return;
    }
    let bench = prepared(&YOLOX);
    let path = bench.path("boxes/tasks.toml");
    let tasks = fs::read_to_string(&path).unwrap();
    let prune = || run(&strs(&prune_args(&bench, "out", &[])));
    fs::write(&path, tasks.replace("names = [\"thing\"]", "classes = 3")).unwrap();
    refused(&prune(), &["tasks.toml", "task cars", "[N, 3, 6, 8]", "[N, 1, 6, 8]"]);
    fs::write(&path, tasks.replace("\"boxes1\"", "\"boxes7\"")).unwrap();
    refused(&prune(), &["tasks.toml", "no output boxes7", "objectness1"]);
    fs::write(&path, tasks).unwrap();
    let mut graph = onnx::load(&bench.path("detector.onnx")).unwrap();
    let weight = graph.nodes[0].inputs[1];
    let tensor = graph.constant(weight).unwrap();
    let values = vec![3e38; tensor.f32s().unwrap().len()];
    let tensor = Tensor::from_f32(tensor.shape().to_vec(), values).unwrap();
    graph.edit().set_constant(weight, tensor);
    onnx::save(&graph, &bench.path("detector.onnx")).unwrap();
    refused(&prune(), &["cars.", "loss of the unpruned network", "finite number"]);
}
