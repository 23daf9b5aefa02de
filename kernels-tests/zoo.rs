//! Every network of `models/zoo`: ONNX Runtime's numbers at every batch and size; masked equal to compacted at random
//! prunings; and what is exported equal to what was compacted. The pruned files stay in `target/zoo`, where
//! `scripts/compare_zoo.py` finds them.

mod chained;
mod manifest;
mod memory;
mod table;
mod training;

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::random_graph::{Rng, random_counts, random_orders};
use manifest::{Case, Entry};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Graph, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::build;
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::{Keeps, Units, analyse};

/// How far an output may be from ONNX Runtime's, as a share of its largest value.
const BOUND: f64 = 1e-4;

/// Random prunings of each network.
const PRUNINGS: usize = 3;

fn session(gpu: &Gpu, graph: &Graph, units: &Units, sizes: &Sizes) -> Session {
    let optimised = optimise(graph, sizes).expect("the graph optimises").graph;
    let shapes = optimised.infer(sizes).expect("shapes agree");
    let plan = build(&optimised, &shapes, units, &gpu.plan_options(sizes.batch))
        .unwrap_or_else(|error| panic!("{error}"));
    let session = Session::new(gpu, plan, 1).expect("the plan fits");
    session.poison().expect("the device works");
    session
}

fn run(gpu: &Gpu, graph: &Graph, case: &Case) -> Vec<Vec<f32>> {
    let shapes = graph.infer(&case.sizes()).unwrap_or_else(|error| panic!("{error}"));
    let mut session = session(gpu, graph, &analyse(graph, &shapes), &case.sizes());
    session.run(&[&case.numbers()]).expect("the device works")
}

/// The largest difference as a share of `largest`; infinite where one is not a number.
fn error(found: impl Iterator<Item = f32>, expected: &[f32], largest: f64) -> f64 {
    let mut count = 0;
    let errors = found.zip(expected).map(|(found, expected)| {
        count += 1;
        let error = (f64::from(found) - f64::from(*expected)).abs() / largest;
        if error.is_nan() { f64::INFINITY } else { error }
    });
    let worst = errors.fold(0.0, f64::max);
    assert!(count > 0 && count == expected.len(), "{count} of {} numbers are there", expected.len());
    worst
}

/// The worst error of one case against ONNX Runtime.
fn case_error(gpu: &Gpu, graph: &Graph, case: &Case, golden: &[f32]) -> f64 {
    let found = run(gpu, graph, case);
    assert_eq!(found.len(), case.outputs.len());
    let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.value(id).name.as_str()).collect();
    let expected: Vec<&str> = case.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, expected);
    let mut worst = 0.0;
    for (found, output) in found.iter().zip(&case.outputs) {
        assert_eq!(
            found.len(),
            output.shape.iter().product::<usize>(),
            "{} has {:?}",
            output.name,
            output.shape
        );
        let samples = found.iter().copied().step_by(output.step);
        worst = f64::max(worst, error(samples, output.of(golden), output.largest));
    }
    worst
}

/// The graph with the largest of its weights scaled a little.
fn changed(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let constants = graph.values.iter_mut().filter_map(|value| value.constant.as_mut());
    let floats = constants.filter(|constant| constant.f32s().is_ok() && constant.shape().len() > 1);
    let weight = floats.max_by_key(|constant| constant.len()).expect("every network has weights");
    let values = weight.f32s().expect("only floats are left").iter().map(|value| value * 1.1).collect();
    let scaled = Tensor::from_f32(weight.shape().to_vec(), values).expect("as many numbers as before");
    *weight = Arc::new(scaled);
    graph
}

/// Prunes at random: masked equals compacted bit for bit, and the file that is written computes the same. Returns how far
/// it is from it, as a share of the largest value of an output.
fn check_pruned(gpu: &Gpu, entry: &Entry, graph: &Graph) -> f64 {
    let (case, mut rng) = (&entry.cases[0], Rng::new(entry.name.len() as u64));
    let (sizes, input) = (case.sizes(), case.numbers());
    let shapes = graph.infer(&sizes).expect("shapes agree");
    let units = analyse(graph, &shapes);
    assert!(!units.units.is_empty(), "something of {} can be pruned", entry.name);
    let ordered =
        compact(graph, &shapes, &units, &random_orders(&units, &mut rng)).expect("orders are legal");
    let mut masked = session(gpu, &ordered, &units, &sizes);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/zoo");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let mut worst = 0.0;
    for pruning in 0..PRUNINGS {
        let counts = random_counts(&units, &mut rng);
        let label = format!("{}, pruning {pruning}, which keeps {counts:?}", entry.name);
        let keeps = Keeps::prefix(&units, &counts);
        let small =
            compact(&ordered, &shapes, &units, &keeps).unwrap_or_else(|error| panic!("{label}: {error}"));
        masked.poison().expect("the device works");
        let found = masked.run_masked(&[&input], &counts).expect("the device works");
        let mut compacted = session(gpu, &small, &units.pruned(&keeps), &sizes);
        let expected = compacted.run(&[&input]).expect("the device works");
        let file = folder.join(format!("{}-{pruning}.onnx", entry.name));
        onnx::save(&small, &file).unwrap_or_else(|error| panic!("{label}: {error}"));
        let read = onnx::load(&file).unwrap_or_else(|error| panic!("{label}: {error}"));
        let again = run(gpu, &read, case);
        assert_eq!((found.len(), again.len()), (expected.len(), expected.len()), "{label}");
        for ((found, expected), again) in found.iter().zip(&expected).zip(again) {
            same_bits(&label, found, expected);
            let largest = expected.iter().fold(0.0, |largest, value| value.abs().max(largest));
            assert!(largest > 0.0 && largest.is_finite(), "{label}: the largest value is {largest}");
            worst = f64::max(worst, error(again.into_iter(), expected, largest.into()));
        }
    }
    worst
}

fn check(name: &str) {
    let entries = manifest::entries();
    let entry = entries.iter().find(|entry| entry.name == name).expect("the zoo has a file of this name");
    let graph = onnx::load(&entry.file()).unwrap_or_else(|error| panic!("{error}"));
    let Some([checked, unchecked]) = gpus() else { return };
    let golden = entry.golden();
    let errors: Vec<f64> =
        entry.cases.iter().map(|case| case_error(&unchecked, &graph, case, &golden)).collect();
    assert!(errors.iter().all(|&error| error < BOUND), "{name} differs from ONNX Runtime by {errors:?}");
    let wrong = case_error(&unchecked, &changed(&graph), &entry.cases[0], &golden);
    assert!(wrong > BOUND, "a changed weight of {name} changes only {wrong}");
    let pruned = check_pruned(&checked, entry, &graph);
    assert!(pruned < BOUND, "{name} exported differs from {name} compacted by {pruned}");
    table::record(entry, &graph, errors.into_iter().fold(pruned, f64::max));
}

macro_rules! networks {
    ($($(#[$ignored:meta])? $name:ident)*) => {
        $(
            #[test]
            $(#[$ignored])?
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_network_of_the_zoo_has_a_test() {
            let names: Vec<String> = manifest::entries().into_iter().map(|entry| entry.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

networks! {
    resnet18 vgg11 densenet mobilenet_v2 mobilenet_v3 efficientnet_b0
    shufflenet_v2
    resnext vit unet unet_padded
    deeplab_v3 hrnet yolov5n yolov8n yolox_nano cross_stitch mtan pad_net mti_net
}

#[test]
fn errors_are_noticed() {
    let expected = [1.0, -2.0];
    assert_eq!(error([1.0, -2.5].into_iter(), &expected, 2.0), 0.25);
    assert_eq!(error([f32::NAN, -2.0].into_iter(), &expected, 2.0), f64::INFINITY);
}
