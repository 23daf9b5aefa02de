//! The rules that the source tree keeps: who may import whom, where wgpu may appear, and how long files may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For every module, the modules that it may import, as ARCHITECTURE.md has them.
pub const IMPORTS: &[(&str, &[&str])] = &[
    ("tensor", &[]),
    ("graph", &["tensor"]),
    ("reference", &["tensor", "graph"]),
    ("onnx", &["graph", "tensor"]),
    ("optimise", &["graph", "reference", "tensor"]),
    ("units", &["graph", "tensor"]),
    ("compact", &["units", "graph", "tensor"]),
    ("kernels", &["tensor"]),
    ("plan", &["units", "graph", "kernels", "tensor"]),
    ("gpu", &["plan", "kernels", "tensor"]),
    ("tasks", &["plan", "graph", "kernels", "tensor"]),
    ("scenes", &[]),
    ("recover", &["units", "graph", "tensor"]),
    ("search", &["recover", "units", "graph", "tasks", "compact", "tensor"]),
];

/// Modules that may import all but `cli`, and those that may import that too.
pub const UPPER: &[&str] = &["evaluate", "train"];
pub const TOP: &[&str] = &["cli", "lib", "main"];

/// The longest file, and the longest shader, in lines.
const LINES: usize = 500;
const SHADER_LINES: usize = 200;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file with one of `extensions` under the folders, by its path from the package's root.
fn files(folders: &[&str], extensions: &[&str]) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("the folder can be listed").path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| extensions.iter().any(|known| e == *known)) {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.insert(path.strip_prefix(root()).expect("it is inside").to_owned(), text);
            }
        }
    }
    found
}

/// The module of `src` that a file belongs to: its first folder, or its stem.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix("src").expect("a file of src");
    let first = inside.iter().next().expect("a file name");
    Path::new(first).file_stem().expect("a file name").to_string_lossy().into_owned()
}

/// The crate's own modules that a source text names: `crate::x`, and each of `crate::{x, y}`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let code =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (at, marker) in code.match_indices("crate::") {
        let after = &code[at + marker.len()..];
        let Some(list) = after.strip_prefix('{') else {
            found.insert(word(after));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    found.insert(word(&list[start..i]));
                    start = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

/// What a module imports against the table.
fn forbidden(module: &str, text: &str) -> Vec<String> {
    if TOP.contains(&module) {
        return Vec::new();
    }
    if UPPER.contains(&module) {
        return imports(text).into_iter().filter(|to| to == "cli").collect();
    }
    let allowed = IMPORTS.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
    let allowed = allowed.unwrap_or_else(|| panic!("module {module} is in no table of imports"));
    imports(text).into_iter().filter(|to| to != module && !allowed.contains(&to.as_str())).collect()
}

#[test]
fn modules_import_only_what_is_below_them() {
    let sources = files(&["src"], &["rs"]);
    assert!(sources.len() > 10, "the sources were not found");
    // Tests of a module may use what is above it.
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    for (path, text) in sources.iter().filter(|(path, _)| !is_test(path)) {
        let found = forbidden(&module(path), text);
        assert!(found.is_empty(), "{} imports {found:?}", path.display());
    }
}

#[test]
fn only_the_gpu_module_names_wgpu() {
    for (path, text) in files(&["src"], &["rs"]) {
        let allowed = path.starts_with("src/gpu") || path == Path::new("src/lib.rs");
        let named = text.lines().any(|line| line.contains("wgpu::") || line.contains("use wgpu;"));
        assert!(allowed || !named, "{} names wgpu", path.display());
    }
}

#[test]
fn files_are_short() {
    let folders = ["src", "shaders", "kernels-tests", "examples", "benches", "models", "scripts"];
    for (path, text) in files(&folders, &["rs", "wgsl", "py", "sh"]) {
        let shader = path.extension().is_some_and(|e| e == "wgsl");
        let limit = if shader { SHADER_LINES } else { LINES };
        let lines = text.lines().count();
        let generated = path.starts_with("src/onnx") && text.starts_with("// This file is @generated");
        assert!(generated || lines <= limit, "{} has {lines} lines, more than {limit}", path.display());
    }
}

#[test]
fn every_kernel_has_its_files() {
    for kernel in wgpu_pagcp::kernels::ALL {
        for path in [format!("shaders/{}.wgsl", kernel.name), format!("src/kernels/{}.rs", kernel.name)] {
            assert!(root().join(&path).is_file(), "{path} is missing");
        }
    }
    for path in files(&["shaders"], &["wgsl"]).into_keys().filter(|path| !path.starts_with("shaders/shared"))
    {
        let stem = path.file_stem().expect("a file name");
        let known = wgpu_pagcp::kernels::ALL.iter().any(|kernel| stem == kernel.name);
        assert!(known, "{} is the shader of no kernel", path.display());
    }
}

#[test]
fn a_forbidden_import_is_noticed() {
    assert_eq!(forbidden("graph", "use crate::tensor::Tensor;\nuse crate::gpu::Gpu;"), ["gpu"]);
    assert_eq!(forbidden("plan", "use crate::{graph::{Node, Op}, search::Rate, plan::Step};"), ["search"]);
    assert_eq!(forbidden("evaluate", "crate::cli::run()"), ["cli"]);
    assert!(forbidden("graph", "// crate::gpu\n").is_empty());
}
