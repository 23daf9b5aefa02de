//! The node tests that the Python package `onnx` ships, on the device. `scripts/test-conformance.sh` installs the
//! package and names its folder in `PAGCP_ONNX_NODE_TESTS`; without it the cases are not run.

#![expect(clippy::unwrap_used, reason = "every function here is part of a test")]

mod case;
mod claim;
#[path = "../harness.rs"]
mod harness;
#[path = "../../src/onnx/proto.rs"]
mod proto;
mod report;
mod run;

use case::Case;
use report::Report;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the table of a run stands in the documentation.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operators.md");
const BEGIN: &str = "<!-- the table is written by scripts/test-conformance.sh --write -->\n";
const END: &str = "<!-- end of the table -->\n";

/// The cases of the definition; `None`, and a note on standard error, where the package is not there.
fn cases() -> Option<Vec<Case>> {
    let Some(root) = std::env::var_os("PAGCP_ONNX_NODE_TESTS") else {
        eprintln!("SKIPPED: PAGCP_ONNX_NODE_TESTS is not set, scripts/test-conformance.sh sets it");
        return None;
    };
    let cases: Vec<Case> = case::cases(&PathBuf::from(root)).into_iter().filter(claim::is_ours).collect();
    assert!(!cases.is_empty(), "the folder has no case of the definition");
    Some(cases)
}

#[test]
fn every_claimed_case_passes_and_the_documentation_says_so() {
    let Some(cases) = cases() else { return };
    let Some([gpu, _]) = harness::gpus() else { return };
    let mut report = Report::default();
    for case in &cases {
        report.add(case, case.ready().and_then(|ready| run::run(&gpu, &ready)));
    }
    print!("{}", report.text());
    assert_eq!(report.complaints(), Vec::<String>::new());
    if std::env::var_os("PAGCP_WRITE").is_some() {
        fs::write(DOCUMENT, with_table(&document(), &report.table())).unwrap();
    }
    assert_eq!(
        document(),
        with_table(&document(), &report.table()),
        "docs/operators.md is not what this run found: scripts/test-conformance.sh --write"
    );
}

fn document() -> String {
    fs::read_to_string(Path::new(DOCUMENT)).unwrap()
}

/// The document with `table` between its marks.
fn with_table(document: &str, table: &str) -> String {
    let (before, rest) = document.split_once(BEGIN).expect("the document marks the beginning of its table");
    let (_, after) = rest.split_once(END).expect("the document marks the end of its table");
    format!("{before}{BEGIN}\n{table}\n{END}{after}")
}

/// One output element off by a hundredth of the largest, in each case that has any, must be noticed.
#[test]
fn a_wrong_output_is_noticed() {
    let Some(cases) = cases() else { return };
    let Some([gpu, _]) = harness::gpus() else { return };
    let mut noticed = 0;
    for case in cases.iter().filter(|case| case.name.starts_with("test_conv_")) {
        let mut ready = case.ready().unwrap();
        run::run(&gpu, &ready).unwrap();
        let output = &mut ready.outputs[0].1;
        let largest = output.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        *output.last_mut().unwrap() += largest / 100.0;
        let error = run::run(&gpu, &ready).unwrap_err();
        assert!(error.starts_with("output 0: element "), "{}: {error}", case.name);
        noticed += 1;
    }
    assert!(noticed > 0, "there are cases of Conv");
}

#[test]
fn a_table_replaces_the_one_before_it() {
    let document = format!("a\n{BEGIN}\nold\n\n{END}z\n");
    assert_eq!(with_table(&document, "new\n"), format!("a\n{BEGIN}\nnew\n\n{END}z\n"));
}
