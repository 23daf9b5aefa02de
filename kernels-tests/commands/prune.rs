//! A whole pruning: what it writes, and that the same seed writes it again.

use crate::bench::{BUNDLED, Bench, has_device, json, run, strs};
use serde_json::Value;

/// Leaves most of the bundled network's units alone.
const FEW_UNITS: [&str; 7] = ["--images", "3", "--ignore", "*/stage*", "--ignore", "*conv1*", "--json"];

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is a number in {value}"))
}

#[test]
fn a_pruning_of_the_bundled_network_is_complete() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let args = bench.prune(BUNDLED, "out", &FEW_UNITS);
    let printed = json(&strs(&args));
    let summary = bench.read_json("out/summary.json");
    assert_eq!(printed, summary);
    for cost in ["flops", "macs", "params"] {
        let [before, after] = ["before", "after"].map(|when| number(&summary, &format!("/{cost}/{when}")));
        assert!(0.0 < after && after < before, "{cost}: {before} {after}");
    }
    check_costs(&summary, &bench.text("out/pruned.onnx"));
    check_tasks(&summary, &bench);
    check_units(&summary, &bench.read_json("out/plan.json"));
    for path in ["/latency_ms/before", "/latency_ms/after", "/search/macs", "/search/seconds"] {
        assert!(number(&summary, path) > 0.0);
    }
    // Of three pictures two fit recovery and one judges.
    assert_eq!(number(&summary, "/search/images"), 1.0);
    assert!(summary["latency_ms"]["device"].is_string() && summary["options"]["rate"].is_number());
    let journal = String::from_utf8(bench.read("out/journal.jsonl")).unwrap();
    let records: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let visits: Vec<&Value> = records.iter().filter(|record| record["record"] == "visit").collect();
    assert_eq!(number(&summary, "/search/units") as usize, visits.len());
    let scored: usize = visits.iter().map(|visit| visit["candidates"].as_array().unwrap().len()).sum();
    assert_eq!(number(&summary, "/search/candidates") as usize, scored);
    assert!(String::from_utf8(bench.read("out/report.html")).unwrap().contains("<svg"));
    let again = run(&strs(&args));
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains(&bench.text("out/journal.jsonl")), "{}", again.stderr);
    assert!(again.stderr.contains("--resume"), "{}", again.stderr);
}

fn check_costs(summary: &Value, pruned: &str) {
    for (model, when) in [(BUNDLED, "before"), (pruned, "after")] {
        let inspected = json(&["inspect", model, "--json"]);
        assert_eq!(number(summary, &format!("/flops/{when}")), 2.0 * number(&inspected, "/macs"));
        assert_eq!(summary["macs"][when], inspected["macs"]);
        assert_eq!(summary["params"][when], inspected["params"]);
    }
}

/// The losses and metrics are those that `eval` measures of both files.
fn check_tasks(summary: &Value, bench: &Bench) {
    let tasks = bench.text("data/tasks.toml");
    for (model, when) in [(BUNDLED, "before"), (&bench.text("out/pruned.onnx"), "after")] {
        let eval = json(&["eval", model, "--tasks", &tasks, "--json"]);
        let measured = eval["tasks"].as_array().unwrap();
        for (task, measured) in summary["tasks"].as_array().unwrap().iter().zip(measured) {
            assert_eq!((&task["name"], &task["kind"]), (&measured["name"], &measured["kind"]));
            assert_eq!(task["loss"][when], measured["loss"], "{}", task["name"]);
            assert_eq!(task["metric"][when], measured["metric"]["value"], "{}", task["name"]);
            assert_eq!(task["metric"]["name"], measured["metric"]["name"]);
        }
    }
}

fn check_units(summary: &Value, plan: &Value) {
    assert_eq!(plan["version"], 1);
    let (units, planned) = (summary["units"].as_array().unwrap(), plan["units"].as_array().unwrap());
    assert!(units.len() >= 20 && units.len() == planned.len());
    for (unit, planned) in units.iter().zip(planned) {
        for key in ["id", "channels", "limited_by"] {
            assert_eq!(unit[key], planned[key]);
        }
        assert_eq!(number(unit, "/kept") as usize, planned["kept"].as_array().unwrap().len());
        let left_alone = ["stage", "conv1"].iter().any(|part| unit["id"].as_str().unwrap().contains(part));
        assert!(!left_alone || unit["kept"] == unit["channels"], "{unit}");
    }
}

#[test]
fn the_same_seed_prunes_the_same() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let prune = |out: &str, seed: &str| {
        let more =
            ["--criterion", "random", "--rate", "0.02", "--round-to", "1", "--images", "2", "--seed", seed];
        let done = run(&strs(&bench.prune(&small, out, &more)));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        ["plan.json", "pruned.onnx", "journal.jsonl"].map(|file| bench.read(&format!("{out}/{file}")))
    };
    let first = prune("first", "11");
    assert!(first == prune("second", "11"), "the files of two runs differ");
    assert!(first[0] != prune("third", "12")[0], "another seed gives another plan");
}

#[test]
fn a_pruning_by_energy_fits_on_half_of_the_pictures_and_resumes() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    for recover in [&[][..], &["--no-recover"]] {
        let out = format!("out{}", recover.len());
        let more = [&["--criterion", "energy", "--rate", "0.02", "--images", "4"], recover].concat();
        let args = bench.prune(&small, &out, &more);
        let done = run(&strs(&args));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let summary = bench.read_json(&format!("{out}/summary.json"));
        assert_eq!(
            (number(&summary, "/search/images"), &summary["options"]["criterion"]),
            (2.0, &"energy".into())
        );
        assert!(summary["units"].as_array().unwrap().iter().all(|unit| unit.get("ranked_by").is_none()));
        let plan = bench.read(&format!("{out}/plan.json"));
        let done = run(&strs(&bench.prune(&small, &out, &[&more[..], &["--resume"]].concat())));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(bench.read(&format!("{out}/plan.json")) == plan);
    }
    // One picture cannot do both.
    let done = run(&strs(&bench.prune(&small, "one", &["--criterion", "energy", "--images", "1"])));
    assert!(done.code == Some(0) && done.stderr.contains("ranked by l2"), "{}", done.stderr);
    let summary = bench.read_json("one/summary.json");
    assert!(summary["units"].as_array().unwrap().iter().any(|unit| unit["ranked_by"] == "l2"));
    assert!(String::from_utf8(bench.read("one/report.html")).unwrap().contains("ranked by l2"));
}

#[test]
fn a_finished_search_resumes_to_the_same_result_and_another_one_not_at_all() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let small = bench.text("small.onnx");
    let prune = |more: &[&str]| run(&strs(&bench.prune(&small, "out", more)));
    assert_eq!(prune(&["--rate", "0.02"]).code, Some(0));
    let plan = bench.read("out/plan.json");
    assert_eq!(prune(&["--rate", "0.02", "--resume"]).code, Some(0));
    assert!(bench.read("out/plan.json") == plan);
    for (other, what) in [(["--rate", "0.03"], "options"), (["--images", "2"], "scoring set")] {
        let done = prune(&[&other[..], &["--resume"]].concat());
        assert_eq!(done.code, Some(2));
        assert!(done.stderr.contains("journal.jsonl") && done.stderr.contains(what), "{}", done.stderr);
    }
}
