//! A folder for one test, with data in it, and runs of the program.

use crate::network;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use wgpu_pagcp::scenes::{SceneOptions, write_dataset};

/// Pictures to search on and to report on.
pub const DATA: SceneOptions = SceneOptions { train: 4, val: 2, seed: 7 };

/// The bundled network.
pub const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");

/// A folder that goes with the test.
pub struct Bench {
    folder: TempDir,
}

/// What a run left.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Whether there is a device to run on; a note on standard error where there is none.
///
/// # Panics
/// If there is none and `PAGCP_REQUIRE_GPU=1`.
pub fn has_device() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        let devices = run(&["devices"]);
        let has = devices.code == Some(0);
        assert!(has || std::env::var("PAGCP_REQUIRE_GPU").as_deref() != Ok("1"), "{devices:?}");
        if !has {
            eprintln!("SKIPPED: {}", devices.stderr);
        }
        has
    })
}

/// The program with arguments.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgpu-pagcp"));
    command.args(args).stdin(Stdio::null()).env("PAGCP_NO_CACHE", "1");
    // Mesa writes to standard error where it is not set.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    command
}

/// Runs the program.
pub fn run(args: &[&str]) -> Done {
    finish(program(args))
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// What a run that must succeed prints.
pub fn json(args: &[&str]) -> Value {
    let done = run(args);
    assert_eq!(done.code, Some(0), "{args:?}: {}", done.stderr);
    let value: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(value["version"], 1, "{args:?}");
    value
}

/// The files of the data set, with paths relative to it; rendered once.
fn data() -> &'static [(PathBuf, Vec<u8>)] {
    static DATA_SET: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
    DATA_SET.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        write_dataset(folder.path(), &DATA, &|_, _| ()).unwrap();
        let mut files = Vec::new();
        gather(folder.path(), folder.path(), &mut files);
        files
    })
}

fn gather(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, files);
        } else {
            files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
}

impl Bench {
    /// A folder with the data set in `data` and the small network in `small.onnx`.
    pub fn new() -> Self {
        let bench = Self::empty();
        bench.write_data("data");
        network::write(&bench.path("small.onnx"));
        bench
    }

    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Writes the data set into a folder.
    pub fn write_data(&self, name: &str) {
        for (path, bytes) in data() {
            let path = self.path(name).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The contents of a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The contents of a JSON file.
    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Arguments of a pruning of `model` into the folder `out`.
    pub fn prune(&self, model: &str, out: &str, more: &[&str]) -> Vec<String> {
        let args = ["prune", model, "--tasks", &self.text("data/tasks.toml"), "--out", &self.text(out)];
        args.iter().chain(more).map(|&arg| arg.to_owned()).collect()
    }
}

/// Borrowed arguments.
pub fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}
