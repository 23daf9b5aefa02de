//! `bench`: its JSON, its page, what it claims about two models, and benches of several machines side by side.

use crate::bench::{BUNDLED, Bench, has_device, json, run, strs};
use crate::outputs::{has, list};
use crate::refused::refused;
use serde_json::{Value, json};
use std::fs;
use wgpu_pagcp::onnx;

/// A bench of the bundled and the small network at two batch sizes, as JSON.
fn measured(bench: &Bench) -> Value {
    json(&["bench", BUNDLED, &bench.text("small.onnx"), "--batch", "2,1", "--runs", "12", "--json"])
}

#[test]
fn every_model_at_every_batch_size() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let times = measured(&bench);
    has(&times["device"], &["name", "backend", "driver", "class"]);
    let peaks = ["gflops", "copy_gb_per_s"].map(|key| times["peaks"][key].as_f64().unwrap());
    assert!(peaks.iter().all(|peak| *peak > 0.1), "{peaks:?}");
    assert_eq!(times["build"], if cfg!(debug_assertions) { "debug" } else { "release" });
    let entries = [(BUNDLED, 2), (BUNDLED, 1), (&small, 2), (&small, 1)];
    assert_eq!(list(&times, "models").len(), 4);
    for (i, (model, (path, batch))) in list(&times, "models").iter().zip(entries).enumerate() {
        assert_eq!((model["path"].as_str(), &model["batch"]), (Some(path), &Value::from(batch)));
        has(model, &["dtype", "cold_ms", "warm_ms", "macs", "params", "peak_memory_bytes"]);
        has(&model["memory"], &["activations", "activations_bound", "slots", "constants", "externals"]);
        has(&model["layer_clock"], &["method", "empty_ms"]);
        let [min, median, p95] = ["min", "median", "p95"].map(|k| model["latency_ms"][k].as_f64().unwrap());
        let mut runs: Vec<f64> = list(model, "runs_ms").iter().map(|ms| ms.as_f64().unwrap()).collect();
        runs.sort_by(f64::total_cmp);
        assert_eq!((runs.len(), runs[0], runs[6], runs[10]), (12, min, median, p95));
        let inspected = json(&["inspect", path, "--json"]);
        assert_eq!((&model["macs"], &model["params"]), (&inspected["macs"], &inspected["params"]));
        let layers = list(model, "layers");
        layers.iter().for_each(|layer| has(layer, &["name", "op", "kernel", "ms", "macs", "bytes"]));
        let macs: u64 = layers.iter().map(|layer| layer["macs"].as_u64().unwrap()).sum();
        assert_eq!(macs, batch * model["macs"].as_u64().unwrap(), "{path}");
        assert_eq!(model.get("against_first").is_some(), i >= 2, "models are compared with the first");
    }
    // The small network has a hundredth of the work.
    for model in &list(&times, "models")[2..] {
        let against = &model["against_first"];
        assert_eq!(against["verdict"], "faster", "{against}");
        assert!(against["low"].as_f64() > Some(1.01) && against["ratio"].as_f64() > against["low"].as_f64());
    }
}

#[test]
fn a_model_is_not_called_faster_than_itself_nor_than_a_smaller_one() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let models = ["bench", &small, &small, BUNDLED, "--json"];
    // A claim of 99 % may be wrong, but not twice.
    let mut against = Vec::new();
    while against.len() < 2 {
        let times = json(&models);
        assert_eq!(times["models"][2]["against_first"]["verdict"], "slower");
        let itself = &times["models"][1]["against_first"];
        if itself["verdict"] != "faster" {
            break;
        }
        against.push(itself.clone());
    }
    assert!(against.len() < 2, "{against:?}");
    let text = run(&["bench", &small, BUNDLED, "--runs", "12"]).stdout;
    assert!(text.contains("not faster: takes ") && !text.contains("x faster"), "{text}");
    let text = run(&["bench", BUNDLED, &small, "--runs", "7"]).stdout;
    assert!(text.contains("too few runs to tell"), "{text}");
}

#[test]
fn layers_share_dispatches_where_that_is_asked_for() {
    if !has_device() {
        return;
    }
    let measured = |flag: &[&str]| json(&[&["bench", BUNDLED, "--runs", "2", "--json"], flag].concat());
    let [apart, asked] = [measured(&[]), measured(&["--chain"])];
    let [before, after] = [&apart, &asked].map(|times| times["models"][0]["dispatches"].as_u64().unwrap());
    let chains = apart["device"]["name"].as_str().unwrap().starts_with("llvmpipe")
        && apart["device"]["class"].as_str().unwrap().starts_with("broadcast");
    assert!(if chains { after < before } else { after == before }, "{before} {after}");
    let said = run(&["bench", BUNDLED, "--runs", "2", "--chain"]).stderr.contains("--chain");
    assert_eq!(said, !chains);
}

#[test]
fn a_page_for_one_machine_and_for_two() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let [a, b, page] = ["a.json", "b.json", "page.html"].map(|name| bench.text(name));
    let small = bench.text("small.onnx");
    let args = ["bench", &small, "--batch", "1,3", "--runs", "2", "--json", &a, "--html", &page];
    let done = run(&args);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.contains(&a) && done.stdout.contains(&page) && done.stdout.contains("measured peaks")
    );
    let first = fs::read_to_string(&page).unwrap();
    let mut other = bench.read_json("a.json");
    let layers = list(&other["models"][0], "layers").len();
    assert!(
        first.matches("<circle").count() > 2 && first.matches("class=\"bar\"").count() >= layers,
        "{first}"
    );
    other["device"]["name"] = json!("Voodoo <2>");
    other["peaks"]["gflops"] = json!(77_777.25);
    fs::write(&b, serde_json::to_vec(&other).unwrap()).unwrap();
    let done = run(&["bench", "--compare", &a, &b, "--html", &page]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("Voodoo <2>") && done.stdout.contains("77777.2 GFLOP/s"), "{}", done.stdout);
    let both = fs::read_to_string(&page).unwrap();
    assert!(
        both.contains("2 machines compared")
            && both.contains("Voodoo &lt;2&gt;")
            && !both.contains("Voodoo <2>")
    );
    assert_eq!(both.matches("<circle").count(), 2 * first.matches("<circle").count());
    for page in [first, both] {
        assert!(
            !page.contains("://") && !page.contains("NaN") && !page.contains("inf,"),
            "the page is whole"
        );
    }
}

#[test]
fn files_that_are_no_bench_are_named() {
    let bench = Bench::new();
    let [a, b, page] = ["a.json", "b.json", "page.html"].map(|name| bench.text(name));
    let compare = |culprits: &[&str]| {
        refused(&run(&["bench", "--compare", &a, &b, "--html", &page]), culprits);
        assert!(!bench.path("page.html").exists());
    };
    compare(&["a.json"]);
    for (text, culprit) in [
        ("{", "a.json"),
        (r#"{"version": 2}"#, "version 1, found version 2"),
        (r#"{"version": 1}"#, "not the JSON of bench"),
    ] {
        fs::write(&a, text).unwrap();
        compare(&["a.json", culprit]);
    }
    let small = bench.text("small.onnx");
    let whole = bench.read("small.onnx");
    for flag in ["--json", "--html"] {
        refused(&run(&["bench", BUNDLED, flag, &small]), &["small.onnx", "model"]);
        refused(&run(&["bench", BUNDLED, flag, &bench.text("no/out")]), &["no/out", "folder"]);
    }
    assert!(bench.read("small.onnx") == whole && onnx::load(&bench.path("small.onnx")).is_ok());
    refused(&run(&["bench", "--compare", &a]), &["--compare"]);
    refused(&run(&["bench", &small, "--compare", &a, &b]), &["--compare"]);
}

#[test]
fn a_search_by_latency_measures_once_and_resumes_by_the_same_times() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let more = ["--images", "3", "--order", "latency", "--target-ms", "1000", "--round-to", "auto", "--json"];
    let args = bench.prune(&small, "out", &more);
    let summary = json(&strs(&args));
    let table = bench.read_json("out/latency.json");
    let units = list(&json(&["inspect", &small, "--json"]), "units").len();
    assert_eq!((table["version"].as_u64(), list(&table, "units").len()), (Some(1), units));
    // A second is enough for the whole network.
    assert_eq!(list(&summary, "units").iter().filter(|unit| unit["kept"] != unit["channels"]).count(), 0);
    let predicted = summary["latency_ms"]["predicted"].as_f64();
    assert!((predicted.unwrap() / table["run_ms"].as_f64().unwrap() - 1.0).abs() < 1e-9, "nothing is pruned");
    assert_eq!(summary["options"]["order"], "latency");
    assert!([4, 8, 16, 32].contains(&summary["options"]["round_to"].as_u64().unwrap()));
    let target = format!("{}", predicted.unwrap() * 0.97);
    let more = ["--images", "3", "--order", "latency", "--target-ms", &target, "--rate", "0.5", "--json"];
    fs::create_dir(bench.path("less")).unwrap();
    fs::copy(bench.path("out/latency.json"), bench.path("less/latency.json")).unwrap();
    let args = bench.prune(&small, "less", &more);
    let less = json(&strs(&args));
    assert!(less["latency_ms"]["predicted"].as_f64() < predicted, "{}", less["latency_ms"]);
    assert!(bench.read("less/latency.json") == bench.read("out/latency.json"), "it was not measured again");
    let plan = bench.read("less/plan.json");
    fs::remove_file(bench.path("less/plan.json")).unwrap();
    let resumed: Vec<&str> = strs(&args).into_iter().chain(["--resume"]).collect();
    json(&resumed);
    assert!(bench.read("less/plan.json") == plan);
    let mut other = table;
    other["run_ms"] = json!(other["run_ms"].as_f64().unwrap() + 0.001);
    fs::write(bench.path("less/latency.json"), serde_json::to_vec(&other).unwrap()).unwrap();
    refused(&run(&resumed), &["journal.jsonl", "options"]);
}
