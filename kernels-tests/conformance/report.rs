//! What a run found: one line for each operator, what is left out and why, what failed, and the table of
//! `docs/operators.md`.

use crate::case::Case;
use crate::claim::{COUNTED, DEFINED, LEAST, OPERATORS, left_out};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Every case of the definition and what became of it.
#[derive(Default)]
pub struct Report {
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    operators: BTreeSet<String>,
    counted: bool,
    left_out: Option<&'static str>,
    result: Result<(), String>,
}

#[derive(Default)]
struct Row {
    passed: usize,
    total: usize,
    left_out: BTreeMap<&'static str, Vec<String>>,
}

impl Report {
    /// Takes up a case and its result.
    pub fn add(&mut self, case: &Case, result: Result<(), String>) {
        self.entries.push(Entry {
            name: case.name.clone(),
            operators: case.operators.clone(),
            counted: case.opset() >= COUNTED,
            left_out: left_out(case),
            result,
        });
    }

    /// Passed and all of the cases that the definition counts.
    fn counted(&self) -> (usize, usize) {
        let counted = || self.entries.iter().filter(|entry| entry.counted);
        (counted().filter(|entry| entry.result.is_ok()).count(), counted().count())
    }

    fn rows(&self) -> BTreeMap<&'static str, Row> {
        let mut rows: BTreeMap<&str, Row> = OPERATORS.iter().map(|&op| (op, Row::default())).collect();
        for entry in &self.entries {
            for operator in &entry.operators {
                let Some(row) = rows.get_mut(operator.as_str()) else { continue };
                row.total += 1;
                row.passed += usize::from(entry.result.is_ok());
                if let Some(reason) = entry.left_out {
                    row.left_out.entry(reason).or_default().push(entry.name.clone());
                }
            }
        }
        OPERATORS.iter().map(|&op| (op, rows.remove(op).unwrap_or_default())).collect()
    }

    /// The text that a run prints.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (operator, row) in self.rows() {
            let _ = writeln!(text, "{operator}: {} of {} cases pass", row.passed, row.total);
        }
        for entry in &self.entries {
            let _ = match (&entry.result, entry.left_out) {
                (Ok(()), _) => Ok(()),
                (Err(found), Some(reason)) => writeln!(text, "left out ({reason}): {}: {found}", entry.name),
                (Err(found), None) => writeln!(text, "FAILED {}: {found}", entry.name),
            };
        }
        let (passed, total) = self.counted();
        let older = self.entries.len() - total;
        let older_passed = self.entries.iter().filter(|entry| !entry.counted && entry.result.is_ok()).count();
        let _ = writeln!(
            text,
            "{passed} of {total} cases pass, and {older_passed} of {older} of older operator sets"
        );
        text
    }

    /// What is wrong with the run; empty where nothing is.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for entry in &self.entries {
            match (&entry.result, entry.left_out) {
                (Err(found), None) => {
                    complaints.push(format!("{} is claimed and fails: {found}", entry.name))
                }
                (Ok(()), Some(_)) => complaints.push(format!("{} is left out and passes", entry.name)),
                (Ok(()), None) | (Err(_), Some(_)) => {}
            }
        }
        let (passed, total) = self.counted();
        if total != DEFINED {
            complaints.push(format!("expected {DEFINED} cases of the definition, found {total}"));
        }
        if passed < LEAST {
            complaints.push(format!("expected at least {LEAST} cases to pass, found {passed}"));
        }
        complaints
    }

    /// The table of the documentation.
    pub fn table(&self) -> String {
        let (passed, total) = self.counted();
        let mut text = format!(
            "| operator | cases that pass | left out |\n|---|---|---|\n| **all** | **{passed} of {total}** | |\n"
        );
        for (operator, row) in self.rows() {
            let cases = match row.total {
                0 => "none with float32 in and out".to_owned(),
                total => format!("{} of {total}", row.passed),
            };
            let reasons: Vec<String> =
                row.left_out.iter().map(|(reason, names)| format!("{reason}: {}", names.len())).collect();
            let _ = writeln!(text, "| {operator} | {cases} | {} |", reasons.join("; "));
        }
        text
    }
}
