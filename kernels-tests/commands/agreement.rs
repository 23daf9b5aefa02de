//! Agreement in place of labels, on the bundled network.

use crate::bench::{BUNDLED, Bench, has_device, json, strs};
use serde_json::Value;
use std::fs;

/// Ranks of values, none of which are equal.
fn ranks(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| values.iter().filter(|other| *other < value).count() as f64).collect()
}

/// Spearman's rank correlation.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let both: f64 = a.iter().zip(&b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
    let squares = |x: &[f64], mean: f64| x.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    both / (squares(&a, mean_a) * squares(&b, mean_b)).sqrt()
}

fn means(losses: &Value) -> Vec<f64> {
    let mean = |loss: &Value| loss["sum"].as_f64().unwrap() / loss["count"].as_f64().unwrap();
    losses.as_array().unwrap().iter().map(mean).collect()
}

#[test]
fn trap_42_agreement_is_not_flat_and_ranks_candidates_as_labels_do() {
    if !has_device() {
        return;
    }
    let bench = Bench::new();
    let tasks = bench.path("data/tasks.toml");
    let agreement = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/agreement.toml");
    let text = fs::read_to_string(&tasks).unwrap() + &fs::read_to_string(agreement).unwrap();
    fs::write(&tasks, text).unwrap();
    let more = ["--rate", "0.4", "--total", "1e40", "--no-recover", "--ignore", "*/stage*", "--json"];
    let summary = json(&strs(&bench.prune(BUNDLED, "out", &more)));
    assert_eq!(summary["tasks"].as_array().unwrap().len(), 10);
    let journal = String::from_utf8(bench.read("out/journal.jsonl")).unwrap();
    let records: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &'static str| records.iter().filter(move |record| record["record"] == kind);
    let mut base = means(&of("base").next().unwrap()["losses"]);
    assert!(base[5..].iter().all(|loss| *loss < 1e-6), "the network agrees with itself: {base:?}");
    let mut rises: Vec<Vec<f64>> = vec![vec![]; 10];
    for visit in of("visit") {
        let candidates = visit["candidates"].as_array().unwrap();
        for scored in candidates {
            let losses = means(&scored["losses"]);
            rises
                .iter_mut()
                .zip(losses.iter().zip(&base))
                .for_each(|(rises, (loss, base))| rises.push(loss - base));
        }
        if let Some(accepted) = candidates.iter().find(|scored| scored["keep"] == visit["accepted"]) {
            base = means(&accepted["losses"]);
        }
    }
    assert!(rises[0].len() >= 20, "only {} candidates", rises[0].len());
    for (task, name) in ["segmentation", "depth", "normals", "edges"].iter().enumerate() {
        let correlation = spearman(&rises[task], &rises[task + 5]);
        assert!(correlation > 0.6, "{name}: {correlation}");
    }
}
