//! Every network of the zoo as it is trained: every node of its training network within the bounds of the reference on a
//! device, and what it shows as a teacher.

use super::manifest::{self, Entry};
use crate::compare::same_bits;
use crate::harness::gpus;
use crate::random_graph::RandomGraph;
use crate::training_graph::Lesson;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::Dim;
use wgpu_pagcp::onnx;
use wgpu_pagcp::reference::Array;
use wgpu_pagcp::train::Tutor;
use wgpu_pagcp::units::analyse;

/// The network in its first case, with numbers for all sizes.
fn network(entry: &Entry, seed: u64) -> RandomGraph {
    let case = &entry.cases[0];
    let mut graph = onnx::load(&entry.file()).unwrap_or_else(|error| panic!("{error}"));
    let shapes = graph.infer(&case.sizes()).expect("shapes agree");
    graph.fix(&shapes);
    let fixed = case.input[1..].iter().map(|&extent| Dim::Fixed(extent));
    let image = graph.inputs[0];
    graph.values[image.0].dims = Some([Dim::Symbol("N".to_owned())].into_iter().chain(fixed).collect());
    let inputs = vec![Array::from_f32(case.input.clone(), &case.numbers()).expect("the input fits")];
    RandomGraph { seed, units: analyse(&graph, &shapes), batch: case.input[0], shapes, inputs, graph }
}

fn check(gpu: &Gpu, entry: &Entry, seed: u64) {
    let network = network(entry, seed);
    let lesson = Lesson::new(&network).expect("nothing of it is an index");
    lesson.check(&lesson.on(gpu));
    let (graph, sizes) = (&network.graph, entry.cases[0].sizes());
    let input = entry.cases[0].numbers();
    let mut tutor = Tutor::new(gpu, graph, &graph.outputs, &sizes)
        .unwrap_or_else(|error| panic!("{} as a teacher: {error}", entry.name));
    let shown = tutor.say(std::slice::from_ref(&input)).expect("the device works");
    let expected = super::run(gpu, graph, &entry.cases[0]);
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(&expected) {
        same_bits(&entry.name, shown, expected);
    }
}

/// Every second network from `first` on, so that two threads have them all.
fn check_from(first: usize) {
    let Some([gpu, _]) = gpus() else { return };
    for (seed, entry) in (0..).zip(manifest::entries()).skip(first).step_by(2) {
        check(&gpu, &entry, seed);
    }
}

#[test]
fn networks_train_1() {
    check_from(0);
}

#[test]
fn networks_train_2() {
    check_from(1);
}
