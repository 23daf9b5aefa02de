//! `models/zoo/zoo.toml` and what lies beside it: files, inputs, and what ONNX Runtime computes.

use crate::network::numbers;
use serde::Deserialize;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use wgpu_pagcp::graph::Sizes;
use wgpu_pagcp::tensor::count;

/// A network of the zoo.
#[derive(Debug, Deserialize)]
pub struct Entry {
    pub name: String,
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One run of it.
#[derive(Debug, Deserialize)]
pub struct Case {
    seed: u32,
    pub input: Vec<usize>,
    #[serde(rename = "output")]
    pub outputs: Vec<Expected>,
}

/// Elements 0, `step`, 2 `step` ... of an output.
#[derive(Debug, Deserialize)]
pub struct Expected {
    pub name: String,
    pub shape: Vec<usize>,
    pub step: usize,
    first: usize,
    count: usize,
    /// The largest absolute value of the whole output.
    pub largest: f64,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    network: Vec<Entry>,
}

/// Where the zoo lies.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo")
}

/// The networks that `text` lists; an error where it lists none, or one without a case.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| error.to_string())?;
    if manifest.network.is_empty() {
        return Err("the zoo is empty".to_owned());
    }
    match manifest.network.iter().find(|entry| entry.cases.len() < 2) {
        Some(entry) => Err(format!("{} has less than two cases", entry.name)),
        None => Ok(manifest.network),
    }
}

/// The networks of the zoo.
pub fn entries() -> Vec<Entry> {
    let text = fs::read_to_string(folder().join("zoo.toml")).expect("the zoo has a list");
    parse(&text).expect("the list is sound")
}

impl Entry {
    /// Its ONNX file.
    pub fn file(&self) -> PathBuf {
        folder().join(format!("{}.onnx", self.name))
    }

    /// What ONNX Runtime computes, all cases in a row.
    pub fn golden(&self) -> Vec<f32> {
        let path = folder().join("golden").join(format!("{}.npy", self.name));
        let file = BufReader::new(File::open(path).expect("every network has a golden file"));
        npyz::NpyFile::new(file).expect("it is NumPy's").into_vec().expect("it holds numbers")
    }
}

impl Case {
    /// The sizes behind the input's symbols.
    pub fn sizes(&self) -> Sizes {
        let symbols = [("height".to_owned(), self.input[2]), ("width".to_owned(), self.input[3])];
        Sizes::new(self.input[0], symbols.into())
    }

    /// The input's elements.
    pub fn numbers(&self) -> Vec<f32> {
        numbers(self.seed, count(&self.input))
    }
}

impl Expected {
    /// Its part of the golden file.
    pub fn of<'a>(&self, golden: &'a [f32]) -> &'a [f32] {
        assert_eq!(self.count, count(&self.shape).div_ceil(self.step), "{} is sampled as a whole", self.name);
        &golden[self.first..self.first + self.count]
    }
}

#[test]
fn an_empty_zoo_is_noticed() {
    assert_eq!(parse("").unwrap_err(), "the zoo is empty");
    let single = "[[network]]\nname = \"lonely\"\n[[network.case]]\nseed = 1\ninput = [1]\noutput = []\n";
    assert_eq!(parse(single).unwrap_err(), "lonely has less than two cases");
}
