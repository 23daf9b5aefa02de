//! What candidates of one unit have in common runs once, on every network of the zoo: the losses are those of running
//! all of it, bit for bit.

use crate::harness::gpus;
use crate::network::numbers;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wgpu_pagcp::evaluate::{GpuEvaluator, Options};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Graph, Shapes, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::search::Evaluator;
use wgpu_pagcp::tasks::{Norm, Samples, Task, TaskKind};
use wgpu_pagcp::tensor::count;
use wgpu_pagcp::units::{Units, analyse};

const IMAGES: usize = 2;
/// Units of each network.
const UNITS: usize = 8;

/// The sizes of networks that take any.
fn symbols() -> BTreeMap<String, usize> {
    ["height", "width"].map(|name| (name.to_owned(), 64)).into()
}

/// A regression to arbitrary numbers for every output of a network.
fn evaluator(gpu: &Gpu, graph: &Graph, shapes: &Shapes) -> GpuEvaluator {
    let words = |seed: u32, shape: &[usize]| -> Vec<Vec<f32>> {
        (0..IMAGES as u32).map(|image| numbers(seed + image, count(&shape[1..]))).collect()
    };
    let bits = |images: Vec<Vec<f32>>| -> Vec<Vec<u32>> {
        images.iter().map(|image| image.iter().map(|v| v.to_bits()).collect()).collect()
    };
    let outputs = graph.outputs.iter();
    let samples = Samples {
        inputs: graph.inputs.iter().map(|id| words(1, &shapes[id.0])).collect(),
        labels: outputs.clone().map(|id| bits(words(9, &shapes[id.0]))).collect(),
        targets: vec![],
    };
    let task = |id: &wgpu_pagcp::graph::ValueId| {
        let name = graph.value(*id).name.clone();
        let kind = TaskKind::Regression(Norm::L1);
        Task { outputs: vec![name.clone()], name, kind, limit: None, names: vec![] }
    };
    let tasks = outputs.map(task).collect();
    let options = Options { batch: Some(IMAGES), symbols: symbols(), ..Options::default() };
    GpuEvaluator::new(gpu, tasks, samples, options).expect("there are images")
}

/// The share of the work that sharing leaves.
fn check(gpu: &Gpu, name: &str, graph: &Graph, (shapes, units): (&Shapes, &Units)) -> f64 {
    let [mut plain, mut sharing] = [(); 2].map(|()| evaluator(gpu, graph, shapes));
    plain.prepare(graph, units, None).unwrap_or_else(|error| panic!("{name}: {error}"));
    let whole: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
    for unit in (0..whole.len()).step_by(whole.len().div_ceil(UNITS)) {
        let keeps =
            [whole[unit], whole[unit].div_ceil(8) * 4, whole[unit] / 2 + 1, 1].map(|k| k.min(whole[unit]));
        let candidate = |keep: usize| {
            let mut counts = whole.clone();
            counts[unit] = keep;
            counts
        };
        let candidates = keeps.map(candidate);
        sharing.prepare(graph, units, Some(unit)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = sharing.score(&candidates).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = plain.score(&candidates).expect("it was prepared");
        let bits = |losses: &[Vec<wgpu_pagcp::tasks::Loss>]| -> Vec<u64> {
            losses.iter().flatten().flat_map(|loss| [loss.sum.to_bits(), loss.count.to_bits()]).collect()
        };
        let id = &units.units[unit].id;
        assert_eq!(bits(&found), bits(&expected), "{name}: {id} at {keeps:?}: {found:?} {expected:?}");
    }
    sharing.macs() as f64 / plain.macs() as f64
}

#[test]
fn what_is_shared_changes_no_bit_on_any_network_of_the_zoo() {
    let Some([gpu, _]) = gpus() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo");
    let files =
        fs::read_dir(folder).expect("the zoo is there").map(|file| file.expect("it can be read").path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|kind| kind == "onnx")).collect();
    files.sort();
    let mut shares = Vec::new();
    for file in files {
        let name = file.file_stem().expect("files have names").to_string_lossy().into_owned();
        let graph = onnx::load(&file).unwrap_or_else(|error| panic!("{error}"));
        let Ok(shapes) = graph.infer(&Sizes::new(1, symbols())) else { continue };
        let units = analyse(&graph, &shapes);
        let share = check(&gpu, &name, &graph, (&shapes, &units));
        shares.push((name, share));
    }
    let saved = shares.iter().filter(|(_, share)| *share < 0.8).count();
    assert!(shares.len() >= 15 && saved >= 15, "{saved}: {shares:?}");
}
