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

/// A regression to arbitrary numbers for every output of a network, over `images` pictures, `batch` in a run.
fn evaluator(gpu: &Gpu, (graph, shapes): (&Graph, &Shapes), [images, batch]: [usize; 2]) -> GpuEvaluator {
    let words = |seed: u32, shape: &[usize]| -> Vec<Vec<f32>> {
        (0..images as u32).map(|image| numbers(seed + image, count(&shape[1..]))).collect()
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
    let options = Options { batch: Some(batch), symbols: symbols(), ..Options::default() };
    GpuEvaluator::new(gpu, tasks, samples, options).expect("there are images")
}

/// The share of the work that sharing leaves.
fn check(gpu: &Gpu, name: &str, graph: &Graph, (shapes, units): (&Shapes, &Units)) -> f64 {
    let [mut plain, mut sharing] = [(); 2].map(|()| evaluator(gpu, (graph, shapes), [IMAGES; 2]));
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

/// The losses of candidates of a network that differ in one unit, when the first of them are asked for before.
fn probe(gpu: &Gpu, (graph, shapes): (&Graph, &Shapes), units: &Units) -> usize {
    let whole: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
    let prepared = |sizes, unit| {
        let mut evaluator = evaluator(gpu, (graph, shapes), sizes);
        evaluator.prepare(graph, units, Some(unit)).expect("the network can be prepared");
        evaluator
    };
    let mut unmoved = 0;
    for unit in [0, whole.len() - 1] {
        let candidates = [whole[unit] / 2 + 1, whole[unit]].map(|keep| {
            let mut counts = whole.clone();
            counts[unit] = keep;
            counts
        });
        let [mut probing, mut scoring] = [(); 2].map(|()| prepared([3, 1], unit));
        let mut first = prepared([1, 1], unit);
        let alone = first.score(&candidates).expect("it was prepared");
        let together = scoring.score(&candidates).expect("it was prepared");
        for (candidate, alone) in candidates.iter().zip(&alone) {
            let part = probing.probe(candidate).expect("it was prepared").expect("there are more pictures");
            assert_eq!(probing.probe(candidate).expect("it was prepared").as_ref(), Some(&part), "again");
            unmoved += part.iter().filter(|loss| loss.is_none()).count();
            for (found, expected) in part.iter().zip(alone) {
                assert!(found.is_none_or(|found| found == *expected), "{found:?}, expected {expected:?}");
            }
        }
        for (candidate, together) in candidates.iter().zip(&together) {
            let found = probing.score(std::slice::from_ref(candidate)).expect("it was prepared");
            assert_eq!(&found[0], together);
        }
        assert_eq!(probing.macs(), scoring.macs(), "what was probed does not run again");
        assert_eq!(first.probe(&candidates[0]).expect("it was prepared"), None, "one picture has no part");
    }
    unmoved
}

#[test]
fn a_probe_is_the_first_part_of_a_score() {
    let Some([gpu, _]) = gpus() else { return };
    let mut unmoved = 0;
    for name in ["cross_stitch", "mtan", "resnet18"] {
        let path = format!("{}/models/zoo/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        let graph = onnx::load(path.as_ref()).unwrap_or_else(|error| panic!("{error}"));
        let shapes = graph.infer(&Sizes::new(1, symbols())).expect("it has shapes");
        unmoved += probe(&gpu, (&graph, &shapes), &analyse(&graph, &shapes));
    }
    assert!(unmoved > 0, "some unit reaches only one of several tasks");
}
