//! What the documents name exists: files, and the table of imports.

use crate::layers::{IMPORTS, TOP, UPPER};
use std::fs;
use std::path::Path;

/// The text of a document at the package's root; empty where it is not there.
fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
}

/// What stands between backticks in a text, outside fenced blocks.
fn quoted(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// Whether a quoted word is the path of a file or folder of this package: one in a folder that it has, or one of a
/// kind of which all are in it. A word in capitals in it stands for many files.
fn is_path(word: &str) -> bool {
    const KINDS: [&str; 6] = [".rs", ".wgsl", ".sh", ".py", ".md", ".yml"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let stands_for_many = word.split(['/', '.']).any(|part| part == "NAME");
    let inside = word.split_once('/').is_some_and(|(first, _)| root.join(first).is_dir());
    plain && !stands_for_many && (inside || KINDS.iter().any(|kind| word.ends_with(kind)))
}

/// The paths of a text that do not exist.
fn missing(text: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    quoted(text).into_iter().filter(|word| is_path(word) && !root.join(word).exists()).collect()
}

#[test]
fn paths_in_documents_exist() {
    for name in ["ARCHITECTURE.md", "CHANGELOG.md", "README.md"] {
        assert_eq!(missing(&document(name)), Vec::<String>::new(), "in {name}");
    }
    let paths = quoted(&document("ARCHITECTURE.md")).into_iter().filter(|word| is_path(word)).count();
    assert!(paths > 10, "ARCHITECTURE.md names files, only {paths} were found");
}

#[test]
fn a_missing_path_is_noticed() {
    let text = "See `src/lib.rs`, `src/nowhere.rs`, `nothing.wgsl`, `pruned.onnx` and `shaders/NAME.wgsl`.\n\
                ```\n`src/fenced.rs`\n```\n";
    assert_eq!(missing(text), ["src/nowhere.rs", "nothing.wgsl"]);
}

#[test]
fn the_architecture_is_short_and_its_table_is_the_one_that_is_checked() {
    let text = document("ARCHITECTURE.md");
    assert!(text.lines().count() <= 150, "ARCHITECTURE.md has {} lines", text.lines().count());
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches(" |").split(" | ").collect();
        Some((cells.first()?.trim_end_matches('`').to_owned(), cells.last()?.trim().to_owned()))
    });
    let listed = |names: &[&str]| if names.is_empty() { "–".to_owned() } else { names.join(", ") };
    let mut expected: Vec<(String, String)> =
        IMPORTS.iter().map(|(module, names)| ((*module).to_owned(), listed(names))).collect();
    expected.extend(UPPER.iter().map(|module| ((*module).to_owned(), "all but `cli`".to_owned())));
    let top = TOP.iter().filter(|module| !["lib", "main"].contains(module));
    expected.extend(top.map(|module| ((*module).to_owned(), "anything".to_owned())));
    let mut found: Vec<(String, String)> = rows.collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// The text of every Rust file under `folder`.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}

/// What is wrong with a table of traps: a row for each of 1 to 53, with tests that exist or a reason of some length.
fn complaints_about_traps(table: &str, sources: &str) -> Vec<String> {
    let row = |line: &str| -> Option<(usize, String)> {
        let mut cells = line.strip_prefix("| ")?.splitn(3, " | ");
        let number = cells.next()?.parse().ok()?;
        Some((number, cells.nth(1)?.trim_end_matches(" |").to_owned()))
    };
    let rows: Vec<(usize, String)> = table.lines().filter_map(row).collect();
    let mut complaints = Vec::new();
    if rows.iter().map(|(number, _)| *number).ne(1..=53) {
        complaints.push(format!("expected the rows 1 to 53 in order, found {} rows", rows.len()));
    }
    for (number, cell) in rows {
        let names: Vec<&str> = cell
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains('_') && !name.contains(' '))
            .collect();
        let missing = names.iter().filter(|name| !sources.contains(&format!("#[test]\nfn {name}()")));
        complaints.extend(missing.map(|name| format!("trap {number}: no test {name}")));
        let named = names.iter().any(|name| name.starts_with(&format!("trap_{number}_")));
        if !named && cell.split(' ').count() < 10 {
            complaints.push(format!("trap {number}: neither a test of its name nor a reason: {cell}"));
        }
    }
    complaints
}

#[test]
fn every_trap_has_a_test_of_its_name_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&root.join("src")) + &sources(&root.join("kernels-tests"));
    let sources: String = sources.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    assert_eq!(complaints_about_traps(&document("docs/traps.md"), &sources), Vec::<String>::new());
}

#[test]
fn a_trap_without_a_test_is_noticed() {
    let rows = (1..=53).map(|n| format!("| {n} | a trap | `trap_{n}_is_tested` |\n")).collect::<String>();
    let tests = (1..=52).map(|n| format!("#[test]\nfn trap_{n}_is_tested() {{\n")).collect::<String>();
    assert_eq!(complaints_about_traps(&rows, &tests), ["trap 53: no test trap_53_is_tested"]);
    assert_eq!(complaints_about_traps(&rows.replace("| 7 |", "| 8 |"), &tests).len(), 3);
}
