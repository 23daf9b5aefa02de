//! Models and data that cannot be used: one clear error that names the file and what is wrong, exit code 2.

use crate::bench::{BUNDLED, Bench, has_device, run, strs};
use crate::refused::{nothing_finished, refused};
use std::fs;
use wgpu_pagcp::onnx;
use wgpu_pagcp::tensor::Tensor;

/// Runs every command that reads a model on one that cannot be read.
fn refused_model(bench: &Bench, name: &str, bytes: &[u8], culprits: &[&str]) {
    let model = bench.text(name);
    fs::write(&model, bytes).unwrap();
    let picture = bench.text("data/val/images/000000.png");
    let (tasks, out) = (bench.text("data/tasks.toml"), bench.text("out"));
    let culprits = [&[name], culprits].concat();
    refused(&run(&["inspect", &model]), &culprits);
    refused(&run(&["run", &model, "--input", &picture, "--output", &out]), &culprits);
    refused(&run(&["eval", &model, "--tasks", &tasks]), &culprits);
    refused(&run(&["bench", BUNDLED, &model]), &culprits);
    refused(&run(&["verify", &model]), &culprits);
    refused(&run(&strs(&bench.prune(&model, "out", &[]))), &culprits);
    assert!(!bench.path("out").exists(), "nothing was written");
}

#[test]
fn truncated_models() {
    let bench = Bench::new();
    let whole = fs::read(BUNDLED).unwrap();
    for part in [7, whole.len() / 3, whole.len() - 1] {
        refused_model(&bench, "truncated.onnx", &whole[..part], &[]);
    }
    let small = bench.read("small.onnx");
    for part in (0..small.len()).step_by(small.len() / 40) {
        fs::write(bench.path("part.onnx"), &small[..part]).unwrap();
        refused(&run(&["inspect", &bench.text("part.onnx")]), &["part.onnx"]);
    }
}

#[test]
fn files_that_are_no_models() {
    let bench = Bench::new();
    refused_model(&bench, "empty.onnx", b"", &[]);
    let garbage: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    refused_model(&bench, "garbage.onnx", &garbage, &[]);
    refused_model(&bench, "text.onnx", b"{\"layers\": []}", &[]);
    refused_model(&bench, "picture.onnx", &bench.read("data/val/images/000000.png"), &[]);
    for command in ["inspect", "bench", "verify"] {
        refused(&run(&[command, &bench.text("missing.onnx")]), &["missing.onnx", "No such file"]);
        refused(&run(&[command, &bench.text("data")]), &[&bench.text("data"), "cannot be read"]);
    }
}

#[test]
fn trap_51_an_operator_that_is_not_known() {
    let bench = Bench::new();
    let mut bytes = bench.read("small.onnx");
    // Field 4 of a node, four bytes long: its operator.
    let field = b"\x22\x04Relu";
    let at = bytes.windows(field.len()).position(|window| window == field).unwrap();
    bytes[at + 2..at + field.len()].copy_from_slice(b"Erfx");
    refused_model(&bench, "unknown.onnx", &bytes, &["Erfx", "node "]);
}

#[test]
fn a_weight_that_is_not_finite() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut graph = onnx::load(&bench.path("small.onnx")).unwrap();
        let weight = graph.nodes[0].inputs[1];
        let tensor = graph.constant(weight).unwrap();
        let (shape, mut values) = (tensor.shape().to_vec(), tensor.f32s().unwrap().to_vec());
        values[17] = value;
        graph.edit().set_constant(weight, Tensor::from_f32(shape, values).unwrap());
        onnx::save(&graph, &bench.path("broken.onnx")).unwrap();
        let done = run(&strs(&bench.prune(&bench.text("broken.onnx"), "out", &[])));
        refused(&done, &["broken.onnx", &graph.value(weight).name, "element 17", name]);
        nothing_finished(&bench, "out");
    }
}

/// Runs `eval` and `prune` on a data set that `spoil` has spoilt.
fn refused_data(split: &str, culprits: &[&str], spoil: impl Fn(&Bench)) {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    spoil(&bench);
    let tasks = bench.text("data/tasks.toml");
    refused(&run(&["eval", &small, "--tasks", &tasks, "--split", split]), culprits);
    refused(&run(&strs(&bench.prune(&small, "out", &[]))), culprits);
    nothing_finished(&bench, "out");
    assert!(!bench.path("out/journal.jsonl").exists(), "the search began");
}

#[test]
fn labels_of_the_wrong_size() {
    for split in ["train", "val"] {
        let file = format!("{split}/seg/000001.png");
        refused_data(split, &[&file, "128x96", "64x96"], |bench| {
            image::GrayImage::new(64, 96).save(bench.path("data").join(&file)).unwrap();
        });
    }
}

#[test]
fn classes_out_of_range() {
    for split in ["train", "val"] {
        let file = format!("{split}/seg/000000.png");
        refused_data(split, &[&file, "class 13", "(5, 2)", "0 to 12"], |bench| {
            let path = bench.path("data").join(&file);
            let mut labels = image::open(&path).unwrap().into_luma8();
            labels.put_pixel(5, 2, image::Luma([13]));
            labels.save(&path).unwrap();
        });
        let file = format!("{split}/room.csv");
        refused_data(split, &[&file, "6"], |bench| {
            fs::write(bench.path("data").join(&file), "000000,1\n000001,6\n000002,0\n000003,0\n").unwrap();
        });
    }
}

#[test]
fn labels_that_are_missing() {
    for (file, task) in [("train/depth/000002.png", "depth"), ("val/normals/000001.png", "normals")] {
        refused_data(&file[..file.find('/').unwrap()], &[file, task], |bench| {
            fs::remove_file(bench.path("data").join(file)).unwrap();
        });
    }
    refused_data("val", &["val/room.csv"], |bench| fs::remove_file(bench.path("data/val/room.csv")).unwrap());
    refused_data("val", &["val/room.csv", "000001"], |bench| {
        fs::write(bench.path("data/val/room.csv"), "000000,1\n").unwrap();
    });
    refused_data("train", &["train/images"], |bench| {
        fs::remove_dir_all(bench.path("data/train/images")).unwrap();
    });
}

#[test]
fn pictures_that_are_none() {
    refused_data("train", &["train/images/000001.png"], |bench| {
        fs::write(bench.path("data/train/images/000001.png"), "no picture").unwrap();
    });
    refused_data("val", &["val/edges/000000.png"], |bench| {
        let path = bench.path("data/val/edges/000000.png");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    });
}

#[test]
fn tasks_files_that_do_not_fit() {
    let replace = |from: &'static str, to: &'static str| {
        move |bench: &Bench| {
            let path = bench.path("data/tasks.toml");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            fs::write(&path, text.replace(from, to)).unwrap();
        }
    };
    let file = "tasks.toml";
    let output = replace("output = \"depth\"", "output = \"distance\"");
    refused_data("val", &[file, "task depth", "distance", "seg, depth, normals, edges, room"], output);
    refused_data("val", &[file, "depht"], replace("kind = \"depth\"", "kind = \"depht\""));
    refused_data("val", &[file, "wieght"], replace("positive_weight", "positive_wieght"));
    refused_data("val", &[file, "meen"], replace("mean =", "meen ="));
    refused_data("val", &[file, "[[tsk]]"], replace("[[task]]", "[[tsk]]"));
    refused_data("val", &[file, "line"], replace("[data]", "[data"));
    refused_data(
        "val",
        &[file, "task depth, output seg", "found 13 channels"],
        replace("output = \"depth\"", "output = \"seg\""),
    );
    refused_data("val", &["valley"], replace("val = \"val\"", "val = \"valley\""));
    let bench = Bench::new();
    let missing = bench.text("missing.toml");
    refused(&run(&["eval", &bench.text("small.onnx"), "--tasks", &missing]), &[&missing]);
}

#[test]
fn inputs_of_the_wrong_form() {
    let bench = Bench::new();
    let (small, out) = (bench.text("small.onnx"), bench.text("out"));
    let npy = bench.text("x.npy");
    let array = |shape: &[u64]| {
        use npyz::WriterBuilder;
        let file = fs::File::create(&npy).unwrap();
        let mut writer =
            npyz::WriteOptions::new().default_dtype().shape(shape).writer(file).begin_nd().unwrap();
        writer.extend((0..shape.iter().product()).map(|i| i as f32)).unwrap();
        writer.finish().unwrap();
    };
    array(&[3, 96, 100]);
    let given = |file: &str| run(&["run", &small, "--input", file, "--output", &out]);
    refused(&given(&npy), &["x.npy", "[3, 96, 128]", "[3, 96, 100]"]);
    refused(&given(&bench.text("missing.png")), &["missing.png"]);
    refused(&given(&bench.text("data/tasks.toml")), &["tasks.toml"]);
    refused(&given(&format!("picture={npy}")), &["x.npy"]);
    assert!(!bench.path("out").exists());
}
