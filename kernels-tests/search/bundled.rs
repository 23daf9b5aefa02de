//! The search on the bundled network: what it shares between candidates and visits changes no decision, and saves much
//! of the work.

use crate::harness::gpus;
use wgpu_pagcp::evaluate::{EvaluateError, GpuEvaluator, Options as EvaluateOptions};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Graph, Sizes, ValueId};
use wgpu_pagcp::onnx;
use wgpu_pagcp::scenes::render;
use wgpu_pagcp::search::{
    Evaluator, Grams, Journal, Observer, Options, Outcome, Problem, ScanMode, Silent, TaskLimit, Visit,
    search,
};
use wgpu_pagcp::tasks::{Loss, Samples, Task, TaskKind, UNLABELLED};
use wgpu_pagcp::units::{Units, analyse};

/// Pictures of which every second one judges.
const PICTURES: usize = 8;

fn tasks() -> Vec<Task> {
    let task = |(name, kind): (&str, TaskKind)| Task {
        name: name.to_owned(),
        kind,
        outputs: vec![name.to_owned()],
        limit: None,
        names: vec![],
    };
    let kinds = [
        ("seg", TaskKind::Segmentation),
        ("depth", TaskKind::Depth),
        ("normals", TaskKind::Normals),
        ("edges", TaskKind::Edges { positive_weight: 3.0 }),
        ("room", TaskKind::Classification),
    ];
    kinds.into_iter().map(task).collect()
}

/// Rendered rooms with their labels, as the data set on disk would have them.
fn samples(pictures: usize) -> Samples {
    let mut samples = Samples { inputs: vec![vec![]], labels: vec![vec![]; 5], targets: vec![] };
    for index in 0..pictures as u64 {
        let picture = render(2, index);
        let [mean, deviation] = [[0.48, 0.45, 0.40], [0.15; 3]];
        let plane =
            |c: usize| picture.image.iter().skip(c).step_by(3).map(move |&v| (c, f32::from(v) / 255.0));
        let input = (0..3).flat_map(plane).map(|(c, v)| (v - mean[c]) / deviation[c]);
        samples.inputs[0].push(input.collect());
        let class = |&class: &u8| if class == 255 { UNLABELLED } else { u32::from(class) };
        samples.labels[0].push(picture.seg.iter().map(class).collect());
        let metres = |&d: &u16| if d == 0 { UNLABELLED } else { (f32::from(d) * 0.001).to_bits() };
        samples.labels[1].push(picture.depth.iter().map(metres).collect());
        let axis = |c: usize| {
            picture.normals.chunks(3).map(move |n| match n {
                [0, 0, 0] => UNLABELLED,
                _ => (f32::from(n[c]) / 127.5 - 1.0).to_bits(),
            })
        };
        samples.labels[2].push((0..3).flat_map(axis).collect());
        samples.labels[3].push(picture.edges.iter().map(|&edge| u32::from(edge > 127)).collect());
        samples.labels[4].push(vec![u32::from(picture.room)]);
    }
    samples
}

pub fn evaluator(gpu: &Gpu, pictures: usize, batch: Option<usize>) -> GpuEvaluator {
    let [fitting, judging] = samples(pictures).halves();
    let options = EvaluateOptions { batch, ..EvaluateOptions::default() };
    GpuEvaluator::new(gpu, tasks(), judging, options).expect("there are pictures").fitting(fitting)
}

/// Runs the whole network for every candidate and every fit, and keeps nothing.
struct Everything {
    gpu: Gpu,
    inner: GpuEvaluator,
    macs: u64,
}

impl Everything {
    fn fresh(&mut self) -> &mut GpuEvaluator {
        self.macs += self.inner.macs();
        self.inner = evaluator(&self.gpu, PICTURES, Some(2));
        &mut self.inner
    }
}

impl Evaluator for Everything {
    type Error = EvaluateError;

    fn tasks(&self) -> &[TaskLimit] {
        self.inner.tasks()
    }

    fn prepare(&mut self, graph: &Graph, units: &Units, _: Option<usize>) -> Result<(), EvaluateError> {
        self.fresh().prepare(graph, units, None)
    }

    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, EvaluateError> {
        self.inner.score(candidates)
    }

    fn grams(&mut self, graph: &Graph, units: &Units, values: &[ValueId]) -> Result<Grams, EvaluateError> {
        self.fresh().grams(graph, units, values)
    }

    fn macs(&self) -> u64 {
        self.macs + self.inner.macs()
    }
}

pub struct Bundled {
    graph: Graph,
    shapes: Vec<Vec<usize>>,
    pub units: Units,
}

impl Bundled {
    pub fn new() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");
        let graph = onnx::load(path.as_ref()).expect("the bundled network is sound");
        let shapes = graph.infer(&Sizes::batch(1)).expect("it has shapes");
        let units = analyse(&graph, &shapes);
        Self { graph, shapes, units }
    }

    fn search<E: Evaluator>(&self, evaluator: &mut E, options: &Options) -> Outcome {
        self.search_watched(evaluator, options, &mut Silent)
    }

    pub fn search_watched<E: Evaluator>(
        &self,
        evaluator: &mut E,
        options: &Options,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let problem = Problem { graph: &self.graph, shapes: &self.shapes, units: &self.units };
        let mut journal = Journal::in_memory();
        search(problem, options, evaluator, &mut journal, observer).expect("the search ends")
    }
}

#[test]
fn sharing_changes_no_decision_and_saves_work() {
    let Some([_, gpu]) = gpus() else { return };
    let bundled = Bundled::new();
    let options = Options::default();
    let found = bundled.search(&mut evaluator(&gpu, PICTURES, Some(2)), &options);
    let mut everything = Everything { gpu: gpu.clone(), inner: evaluator(&gpu, PICTURES, Some(2)), macs: 0 };
    let expected = bundled.search(&mut everything, &options);
    assert_eq!(found.keeps, expected.keeps);
    assert_eq!(found.visits, expected.visits);
    assert_eq!((&found.before, &found.after), (&expected.before, &expected.after));
    assert!(found.graph == expected.graph, "recovered weights are the same");
    let same = |outcome: &Outcome| (outcome.scan_macs, outcome.reference_macs);
    assert_eq!(same(&found), same(&expected));
    let [scan, reference] = [found.scan_macs, found.reference_macs].map(|macs| macs * PICTURES as u64 / 2);
    // Beside the scan, it fits recovery and measures the final network.
    assert!(expected.macs > scan, "{} of {scan}", expected.macs);
    assert!(3 * found.macs <= reference, "{} of {reference}", found.macs);
    assert!(5 * found.macs <= 3 * scan, "{} of {scan}", found.macs);
    assert!(2 * found.macs <= expected.macs, "{} of {}", found.macs, expected.macs);
}

#[test]
fn a_bracket_takes_a_fraction_of_the_reference_scan() {
    let Some([_, gpu]) = gpus() else { return };
    let options = Options { scan: ScanMode::Bracket, ..Options::default() };
    let pictures = 8 * PICTURES;
    let found = Bundled::new().search(&mut evaluator(&gpu, pictures, Some(1)), &options);
    let [scan, reference] = [found.scan_macs, found.reference_macs].map(|macs| macs * pictures as u64 / 2);
    assert!(6 * found.macs <= reference, "{} of {reference}", found.macs);
    assert!(3 * found.macs <= scan, "{} of {scan}", found.macs);
    let judged = |visit: &Visit| visit.candidates.iter().any(|scored| Some(scored.keep) == visit.accepted);
    assert!(found.visits.iter().all(|visit| visit.accepted.is_none() || judged(visit)));
}
