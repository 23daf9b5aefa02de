//! The parts that need no device.

use crate::budget::Budget;
use crate::cells::{Baseline, Cell, Key, Method, Row, Seconds, Store, keys};
use crate::controls::{Control, decisions, global_counts, largest, uniform_counts};
use crate::document;
use crate::plot::{step, ticks};
use crate::scratch::forget;
use crate::searches::{next_rate, total};
use crate::statistics::{Metric, Spread, mean_drop};
use crate::tables::{Cells, Stage};
use std::fs;
use std::path::Path;
use wgpu_pagcp::graph::Sizes;
use wgpu_pagcp::search::{Options, Problem, counts};
use wgpu_pagcp::units::{analyse, cost, cost_kept};

fn budget() -> Budget {
    Budget {
        points: vec![30.0, 50.0],
        seeds: 2,
        search_images: 4,
        images: 16,
        epochs: 1,
        batch: 8,
        learning_rate: 1e-3,
        val: 4,
        first_rate: 0.03,
    }
}

fn baseline() -> Baseline {
    let metric = |task: &str, higher_is_better, value| Metric {
        task: task.to_owned(),
        name: "m".to_owned(),
        higher_is_better,
        value,
    };
    let tasks = vec![metric("seg", true, 0.5), metric("depth", false, 2.0)];
    Baseline { tasks, flops: 1000, params: 100, device: "test".to_owned() }
}

fn cell(method: Method, point: f64, (seed, drop): (u64, f64)) -> Cell {
    let row = Row { method, recovered: true };
    let values = vec![0.5 * (1.0 - drop), 2.0 * (1.0 + drop)];
    Cell {
        key: Key { row, point, seed },
        flops: 1.0 - point / 100.0,
        params: Some(0.5),
        reached: true,
        rate: None,
        searches: 0,
        pruned: values.clone(),
        trained: values,
        seconds: Seconds::default(),
    }
}

#[test]
fn the_largest_that_fits_is_found() {
    for most in 0..20 {
        for border in 0..=most {
            assert_eq!(largest(most, |n| n <= border), Some(border), "{border} of {most}");
        }
    }
    assert_eq!(largest(5, |_| false), None);
}

#[test]
fn shares_are_rounded_and_global_ranks_see_scores_relative_to_their_unit() {
    assert_eq!(uniform_counts(&[10, 7, 4], &[1, 1, 3], 5000), [5, 4, 3]);
    let scores = [vec![100.0, 300.0], vec![0.2, 0.9, 0.1, 0.8]];
    // Relative to their means: 0.5, 1.5 and 0.4, 1.8, 0.2, 1.6.
    assert_eq!(global_counts(&scores, &[0, 0], 2), [0, 2]);
    assert_eq!(global_counts(&scores, &[0, 0], 4), [2, 2]);
    assert_eq!(global_counts(&scores, &[1, 1], 0), [1, 1]);
}

/// On the bundled network every control ends below its target, and within a few channels of it.
#[test]
fn controls_end_just_below_their_target() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/scenes/scenes.onnx");
    let graph = wgpu_pagcp::onnx::load(&path).expect("the bundled network");
    let shapes = graph.infer(&Sizes::batch(1)).expect("shapes");
    let units = analyse(&graph, &shapes);
    let problem = Problem { graph: &graph, shapes: &shapes, units: &units };
    let whole = cost(&graph, &shapes).macs as f64;
    for control in [Control::Random(1), Control::Uniform, Control::Global] {
        let mut before = f64::INFINITY;
        for left in [0.7, 0.45, 0.2] {
            let decisions = decisions(&problem, control, left, true);
            let mut keep: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
            decisions.iter().for_each(|decision| keep[decision.unit] = decision.keep);
            let found = cost_kept(&graph, &shapes, &units, &keep).macs as f64 / whole;
            assert!(found <= left && found > left - 0.03, "{control:?}: {found} of {left}");
            assert!(found < before);
            before = found;
            for decision in &decisions {
                let channels = units.units[decision.unit].channels;
                let least = counts(channels, &Options::default()).last().copied().unwrap_or(channels);
                assert!(decision.keep >= least && decision.keep < channels && decision.recovered);
                let mut order = decision.order.clone();
                order.sort_unstable();
                assert!(order.into_iter().eq(0..channels));
            }
        }
    }
    let [one, two] = [1, 2].map(|seed| decisions(&problem, Control::Random(seed), 0.5, false));
    assert!(one.iter().zip(&two).any(|(a, b)| a.order != b.order), "seeds differ");
}

#[test]
fn drops_are_shares_of_what_was_there() {
    let Baseline { tasks, .. } = baseline();
    assert_eq!(mean_drop(&tasks, &[0.25, 2.0]), Some(0.25));
    assert_eq!(mean_drop(&tasks, &[0.5, 3.0]), Some(0.25));
    assert!(mean_drop(&tasks, &[0.6, 1.9]).is_some_and(|drop| drop < 0.0));
    assert_eq!(mean_drop(&tasks, &[0.5]), None);
    let spread = Spread::of(&[1.0, 2.0, 3.0]).expect("numbers");
    assert_eq!((spread.mean, spread.deviation, spread.count), (2.0, 1.0, 3));
    assert_eq!(Spread::of(&[]), None);
    let other = |mean, deviation| Spread { mean, deviation, count: 3 };
    assert!(spread.exceeds(&other(0.9, 0.5)) && !spread.exceeds(&other(1.0, 0.5)));
    assert!(!spread.exceeds(&other(0.9, 1.2)));
}

#[test]
fn limits_grow_towards_what_is_wanted() {
    let growth = [1.2, 2.5];
    assert_eq!(next_rate(&[], 0.5, 0.03, growth), 0.03);
    assert_eq!(next_rate(&[(0.03, 0.2)], 0.5, 0.03, growth), 0.06);
    let line = next_rate(&[(0.03, 0.2), (0.06, 0.3)], 0.4, 0.03, growth);
    assert!((line - 0.12).abs() < 1e-9, "{line}");
    assert_eq!(next_rate(&[(0.03, 0.2), (0.06, 0.2)], 0.4, 0.03, growth), 0.06 * 2.5);
    assert_eq!(next_rate(&[(0.03, 0.2), (0.06, 0.3999)], 0.4, 0.03, growth), 0.06 * 1.2);
    assert!((total(0.06, 69) - 6.0_f64).abs() < 1.5 && total(0.5, 1) > 1.5);
}

#[test]
fn ticks_are_round_and_hold_the_range() {
    assert_eq!(step(0.0, 100.0, 5.0), 20.0);
    assert_eq!(step(0.0, 0.3, 4.0), 0.1);
    assert_eq!(ticks(31.0, 79.0, 10.0), [30.0, 40.0, 50.0, 60.0, 70.0, 80.0]);
    assert_eq!(ticks(0.0, 40.0, 20.0), [0.0, 20.0, 40.0]);
}

#[test]
fn what_starts_from_scratch_has_weights_of_its_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/scenes/scenes.onnx");
    let graph = wgpu_pagcp::onnx::load(&path).expect("the bundled network");
    let [one, again, other] = [1, 1, 2].map(|seed| {
        let mut graph = graph.clone();
        forget(&mut graph, seed);
        graph
    });
    assert!(one == again && one != other && one != graph);
    for value in &one.values {
        let Some(values) = value.constant.as_ref().and_then(|tensor| tensor.f32s().ok()) else { continue };
        assert!(values.iter().all(|v| v.is_finite()), "{}", value.name);
        let before = graph.values.iter().find(|other| other.name == value.name);
        let before = before.and_then(|other| other.constant.as_ref()).and_then(|tensor| tensor.f32s().ok());
        assert!(values.len() < 24 || before != Some(values), "{} is as trained", value.name);
    }
}

#[test]
fn cells_survive_and_budgets_are_not_mixed() {
    let folder = tempfile::tempdir().expect("a folder");
    let budget = budget();
    budget.check().expect("a good budget");
    assert!(Budget { points: vec![50.0, 30.0], ..budget.clone() }.check().is_err());
    let store = Store::open(folder.path(), &budget).expect("a new folder");
    assert!(store.cells(&budget).is_err() && store.baseline().is_err());
    let cell = cell(Method::Pagcp, 30.0, (1, 0.1));
    store.put(&cell).expect("written");
    let store = Store::open(folder.path(), &budget).expect("the same budget");
    assert_eq!(store.cells(&budget).expect("one cell"), std::slice::from_ref(&cell));
    let torn = folder.path().join("cells/pagcp-recovered-30-seed1.json");
    let text = fs::read_to_string(&torn).expect("the cell's file");
    fs::write(&torn, &text[..text.len() / 2]).expect("cut");
    assert_eq!(store.cell(&cell.key), None);
    assert!(Store::open(folder.path(), &Budget { images: 32, ..budget.clone() }).is_err());
    assert_eq!(keys(&budget).len(), 2 * 2 * 11);
}

#[test]
fn the_document_marks_what_is_better_and_keeps_reasons() {
    let folder = tempfile::tempdir().expect("a folder");
    let (budget, baseline) = (budget(), baseline());
    let mut cells = Vec::new();
    for (seed, noise) in [(0, -0.01), (1, 0.01)] {
        cells.push(cell(Method::Pagcp, 30.0, (seed, 0.10 + noise)));
        cells.push(cell(Method::Uniform, 30.0, (seed, 0.05 + noise)));
        cells.push(cell(Method::Global, 30.0, (seed, 0.095 + noise)));
        cells.push(Cell { reached: false, params: None, ..cell(Method::Faithful, 50.0, (seed, 0.1)) });
    }
    let all = Cells { budget: &budget, baseline: &baseline, cells: &cells };
    let beaten = all.beaten();
    let uniform = Row { method: Method::Uniform, recovered: true };
    assert_eq!(beaten.keys().copied().collect::<Vec<_>>(), Stage::BOTH.map(|stage| (stage, uniform)));
    document::write(folder.path(), &budget, &baseline, &cells).expect("written");
    let path = folder.path().join("results.md");
    let text = fs::read_to_string(&path).expect("the document");
    assert!(text.contains("| uniform ratio, recovered | 5.0 ± 1.4 † |  |"), "{text}");
    assert!(text.contains("| L1, global, recovered | 9.5 ± 1.4 |  |"), "{text}");
    assert!(text.contains("2 ends at 50 %") && text.contains("8 of 44 cells are done"), "{text}");
    let reason = "<!-- reason trained-uniform-recovered -->";
    let given = text.replace(&format!("{reason}no reason is given."), &format!("{reason}because."));
    assert_ne!(given, text);
    fs::write(&path, &given).expect("a reason");
    document::write(folder.path(), &budget, &baseline, &cells).expect("written again");
    assert_eq!(fs::read_to_string(&path).expect("the document"), given);
    let svg = fs::read_to_string(folder.path().join("results/trained.svg")).expect("a plot");
    assert_eq!(svg.matches("<polyline").count(), 3);
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    let csv = fs::read_to_string(folder.path().join("results/cells.csv")).expect("the cells");
    assert_eq!(csv.lines().count(), 1 + cells.len());
}
