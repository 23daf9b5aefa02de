//! The table of `docs/zoo.md`: what a run finds of every network. `PAGCP_WRITE_ZOO=1` writes it.

use super::manifest::{self, Entry};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use wgpu_pagcp::graph::Graph;
use wgpu_pagcp::onnx;
use wgpu_pagcp::units::{Units, analyse};

const HEAD: &str = "\
# The zoo

What a run of the tests finds of the networks of `models/zoo`, which `models/zoo/README.md` describes. Nodes are those of the
graph as imported, where Shape arithmetic is folded; units are the sets of channels that go together; channels are those that
convolutions and matrix products compute. The worst error is the largest difference from ONNX Runtime at batch 1, at batch 3
and, where rows and columns are symbolic, at another size, and of three random prunings from their exported files, as a share
of the output's largest value, on Mesa's llvmpipe. `PAGCP_WRITE_ZOO=1 cargo test --test kernels zoo` writes this file.

| network | nodes | units | channels prunable | worst error |
|---|---|---|---|---|
";

/// The networks of the table.
fn listed() -> Vec<Entry> {
    manifest::entries()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/zoo.md")
}

fn writes() -> bool {
    std::env::var("PAGCP_WRITE_ZOO").is_ok_and(|value| value == "1")
}

/// How many channels units hold where nodes compute them, and how many are computed in all.
pub fn prunable(units: &Units) -> (usize, usize) {
    let channels = |unit: &wgpu_pagcp::units::Unit| -> usize {
        let members = unit.producers.iter().map(|producer| &unit.members[producer.member]);
        members.map(|member| member.starts.len() * member.block).sum()
    };
    let free: usize = units.units.iter().map(channels).sum();
    let pinned: usize = units.pinned.iter().map(|pinned| pinned.channels).sum();
    (free, free + pinned)
}

/// The columns that no device changes.
fn stable(entry: &Entry, graph: &Graph) -> String {
    let shapes = graph.infer(&entry.cases[0].sizes()).expect("shapes agree");
    let units = analyse(graph, &shapes);
    let (free, all) = prunable(&units);
    let share = 100.0 * free as f64 / all as f64;
    format!("| {} | {} | {} | {share:.0} % |", entry.name, graph.nodes.len(), units.units.len())
}

/// Takes up the worst error of a network; the last of them all writes the table.
pub fn record(entry: &Entry, graph: &Graph, worst: f64) {
    static ROWS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let row = format!("{} {worst:.0e} |\n", stable(entry, graph));
    let mut rows = ROWS.lock().expect("no other test has failed here");
    rows.insert(entry.name.clone(), row);
    let entries = listed();
    if writes() && rows.len() == entries.len() {
        let body: String = entries.iter().map(|entry| rows[&entry.name].as_str()).collect();
        fs::write(path(), format!("{HEAD}{body}")).expect("the folder is there");
    }
}

#[test]
fn the_table_of_the_zoo_is_what_a_run_finds() {
    if writes() {
        return;
    }
    let text = fs::read_to_string(path()).expect("the table is there");
    let rows: Vec<&str> = text.strip_prefix(HEAD).expect("the table begins as written").lines().collect();
    let entries = listed();
    assert_eq!(rows.len(), entries.len());
    for (row, entry) in rows.iter().zip(&entries) {
        let graph = onnx::load(&entry.file()).expect("every network loads");
        let expected = stable(entry, &graph);
        assert!(row.starts_with(&expected), "docs/zoo.md has {row}, a run finds {expected}");
        let error = row[expected.len()..].trim_matches([' ', '|']).parse::<f64>();
        assert!(error.is_ok_and(|error| error < super::BOUND), "{row}");
    }
}
