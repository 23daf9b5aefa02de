//! Losses of outputs that are enlarged from a smaller map: as though the outputs had been stored, to the bit.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::loss::Numbers;
use crate::network::tensor;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Builder, Coordinates, Graph, Interpolation, Resize, Rounding, Sizes, Target};
use wgpu_pagcp::plan::{Plan, PlanOptions, build};
use wgpu_pagcp::tasks::{Norm, Task, TaskKind, UNLABELLED, attach};
use wgpu_pagcp::units::{Segment, Units};

const BATCH: usize = 2;
const SIZE: [usize; 2] = [6, 5];

/// A map of `channels` channels and its enlargement, which is the output.
fn graph(channels: usize, scale: [f32; 2], interpolation: Interpolation) -> Graph {
    let coordinates = match interpolation {
        Interpolation::Linear => Coordinates::HalfPixel,
        Interpolation::Nearest(_) | Interpolation::Filter(_) => Coordinates::Asymmetric,
    };
    let mut b = Builder::new("enlarged");
    let x = b.image("x", [channels, SIZE[0], SIZE[1]]);
    let y = b.resize(x, Resize { target: Target::Scales(scale), coordinates, interpolation });
    b.output(y, "y");
    b.finish().expect("the graph is sound")
}

/// A plan with the task's loss; where all values are kept, that reads the output as it is stored.
fn plan(gpu: &Gpu, graph: &Graph, (task, segments): (&Task, &[usize]), keep_all: bool) -> (Plan, [usize; 3]) {
    let shapes = graph.infer(&Sizes::batch(BATCH)).expect("shapes agree");
    let mut start = 0;
    let segment = |&channels: &usize| {
        start += channels;
        Segment { unit: None, channels: (start - channels..start).collect() }
    };
    let segments: Vec<Segment> = segments.iter().map(segment).collect();
    let units = Units { segments: vec![segments; graph.values.len()], ..Units::default() };
    let options = PlanOptions { keep_all, ..gpu.plan_options(BATCH) };
    let mut plan = build(graph, &shapes, &units, &options).expect("it can be planned");
    let scoring = attach(&mut plan, std::slice::from_ref(task), 1).expect("the task fits");
    let label = &scoring.labels[0];
    (plan, [label.external, label.words, scoring.results])
}

/// The sums and counts of a task's loss on numbers that look random.
fn losses(gpu: &Gpu, graph: &Graph, (task, segments): (&Task, &[usize]), keep_all: bool) -> Vec<f32> {
    let (plan, [labels, words, results]) = plan(gpu, graph, (task, segments), keep_all);
    assert_eq!(plan.outputs[0].enlarged.is_some(), !keep_all);
    let mut numbers = Numbers(7);
    let channels: usize = segments.iter().sum();
    let plane = words / channels;
    let mut word = |at: usize| match (numbers.next() % 5, &task.kind) {
        // A pixel has a normal where the first number is labelled.
        (0, TaskKind::Normals) if at % words >= plane => 0,
        (0, _) => UNLABELLED,
        (_, TaskKind::Segmentation) => (numbers.next() % channels as u64) as u32,
        (_, TaskKind::Edges { .. }) => (numbers.next() % 2) as u32,
        _ => numbers.float(2.0).to_bits(),
    };
    let words: Vec<u32> = (0..BATCH * words).map(&mut word).collect();
    let mut session = Session::new(gpu, plan, 1).expect("the device takes it");
    session.poison().expect("the device works");
    session.write_external(labels, bytemuck::cast_slice(&words)).expect("it is as long");
    let x = tensor(5, &[BATCH, channels, SIZE[0], SIZE[1]]);
    session.upload(&[x.f32s().expect("it is floats")], &[]).expect("it fits");
    session.score(&[vec![]]).expect("it runs");
    session.read_external(results).expect("it can be read")
}

#[test]
fn losses_enlarge_outputs_as_though_they_were_stored() {
    let Some(gpus) = gpus() else { return };
    let kinds: [(TaskKind, &[&[usize]]); 5] = [
        (TaskKind::Segmentation, &[&[3], &[13], &[32], &[33], &[5, 2, 6]]),
        (TaskKind::Depth, &[&[1]]),
        (TaskKind::Regression(Norm::L2), &[&[6], &[1, 4]]),
        (TaskKind::Normals, &[&[3]]),
        (TaskKind::Edges { positive_weight: 3.0 }, &[&[1]]),
    ];
    let nearest = Interpolation::Nearest(Rounding::Floor);
    let scales =
        [([4.0, 4.0], Interpolation::Linear), ([2.0, 8.0], nearest), ([8.0, 4.0], Interpolation::Linear)];
    let mut compared = 0;
    for (kind, cuts) in kinds {
        let name = format!("{kind:?}");
        let task = Task { name: "t".into(), kind, outputs: vec!["y".into()], limit: None, names: vec![] };
        for (at, segments) in cuts.iter().enumerate() {
            for (scale, interpolation) in scales {
                let gpu = &gpus[at % 2];
                let graph = graph(segments.iter().sum(), scale, interpolation);
                let [found, stored] = [false, true].map(|keep| losses(gpu, &graph, (&task, segments), keep));
                assert!(found.chunks(2).any(|pair| pair[0] > 0.0 && pair[1] > 0.0), "{name}: {found:?}");
                same_bits(&format!("{name} {segments:?} {scale:?}"), &found, &stored);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 30);
}
