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
