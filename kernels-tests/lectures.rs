//! What a teacher says: which values, for every picture, and changed as the pictures are.

use crate::harness::gpus;
use crate::network::numbers;
use crate::trainer::{BATCH, SIZE, learned, network, samples, tasks};
use std::convert::Infallible;
use std::ops::Range;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Graph, LossKind, Sizes};
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::tasks::{Samples, Source};
use wgpu_pagcp::tensor::count;
use wgpu_pagcp::train::{Augment, Augmenter, Lectures, Lesson, Picture, Tutor, batch, taught};

/// Pictures that fill one batch and a part of another.
const IMAGES: usize = 5;

pub struct Pictures(pub Vec<Vec<f32>>);

impl Source for Pictures {
    type Error = Infallible;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn load(&self, images: Range<usize>) -> Result<Samples, Infallible> {
        Ok(Samples { inputs: vec![self.0[images].to_vec()], ..Samples::default() })
    }
}

pub fn pictures() -> Pictures {
    Pictures((0..IMAGES).map(|image| numbers(image as u32 + 70, 3 * count(&SIZE))).collect())
}

/// Lessons of labels and of a teacher that is the network itself, and what that says of `source`.
fn heard(gpu: &Gpu, graph: &Graph, source: &Pictures, file: &str) -> (Vec<Lesson>, Vec<String>, Lectures) {
    let sizes = Sizes::batch(BATCH);
    let mut lessons = learned(&[1.0, 0.5, 2.0]);
    let (more, shown) = taught(&tasks(), (&lessons, 0.5), (graph, graph), &sizes).unwrap();
    let names = shown.iter().map(|id| graph.value(*id).name.clone()).collect();
    let mut tutor = Tutor::new(gpu, graph, &shown, &sizes).unwrap();
    lessons.extend(more);
    let path = std::env::temp_dir().join(format!("{file}-{}.bin", std::process::id()));
    let mut done = Vec::new();
    let lectures = Lectures::hear(&mut tutor, source, &lessons, &path, |images| done.push(images)).unwrap();
    assert_eq!(done, [BATCH, IMAGES]);
    assert_eq!(path.metadata().unwrap().len(), lectures.bytes(IMAGES));
    (lessons, names, lectures)
}

/// The value called `name` of a picture, in f64.
pub fn value(graph: &Graph, name: &str, picture: &[f32]) -> Array {
    let shapes = graph.infer(&Sizes::batch(1)).unwrap();
    let input = Array::from_f32(vec![1, 3, SIZE[0], SIZE[1]], picture).unwrap();
    let at = graph.values.iter().position(|value| value.name == name).unwrap();
    run(graph, &shapes, &[input]).unwrap()[at].clone().unwrap()
}

#[test]
fn lessons_look_before_what_both_networks_upsample() {
    let graph = network();
    let lessons = learned(&[1.0, 0.5, 2.0]);
    let (more, shown) = taught(&tasks(), (&lessons, 0.5), (&graph, &graph), &Sizes::batch(BATCH)).unwrap();
    let [height, width] = SIZE.map(|side| side / 2);
    let shapes: Vec<&[usize]> = more.iter().map(|lesson| lesson.goal.shape.as_slice()).collect();
    assert_eq!(shapes, [&[5, height, width][..], &[1, height, width], &[4]]);
    assert_eq!(more[0].goal.loss, LossKind::Divergence);
    assert!(
        more.iter().zip(&lessons).all(|(more, lesson)| more.taught && more.weight == 0.5 * lesson.weight)
    );
    assert!(!graph.outputs.contains(&shown[0]) && graph.outputs.contains(&shown[2]));
}

#[test]
fn lectures_are_the_teacher_s_outputs_of_every_picture() {
    let Some([gpu, _]) = gpus() else { return };
    let (graph, source) = (network(), pictures());
    let (lessons, names, lectures) = heard(&gpu, &graph, &source, "plain");
    let mut made = batch(&samples(), &lessons);
    let chosen = [4, 0, 3];
    lectures.fill(&mut made, &lessons, &chosen, None).unwrap();
    for (at, name) in names.iter().enumerate() {
        let labels = &made.inputs[1 + 2 * (3 + at)];
        let expected: Vec<f64> =
            chosen.iter().flat_map(|&image| value(&graph, name, &source.0[image]).data).collect();
        assert_eq!(labels.len(), expected.len());
        let off = labels.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-4, "{name}: {off}");
        let other = value(&graph, name, &source.0[1]).data;
        assert!(labels.iter().zip(&other).any(|(a, b)| (f64::from(*a) - b).abs() > 1e-2), "{name}");
    }
}

#[test]
fn what_is_said_of_a_picture_is_mirrored_with_it() {
    let Some([gpu, _]) = gpus() else { return };
    let (graph, source) = (network(), pictures());
    let (lessons, names, lectures) = heard(&gpu, &graph, &source, "mirrored");
    let picture = Picture { size: [3, SIZE[0], SIZE[1]], mean: vec![], std: vec![], white: 1.0 };
    let sizes = [[5, SIZE[0], SIZE[1]], [1, SIZE[0], SIZE[1]], [4, 1, 1]];
    let flip = Augment { flip: true, ..Augment::default() };
    let augmenter = Augmenter::new(flip, 3, vec![picture], (&tasks(), &sizes)).unwrap();
    let mut seen = [0, 0];
    for epoch in 0..6 {
        let mut changed = samples();
        changed.inputs = vec![source.0[..BATCH].to_vec()];
        augmenter.change(epoch, &[0, 1, 2], &mut changed);
        let mut made = batch(&changed, &lessons);
        lectures.fill(&mut made, &lessons, &[0, 1, 2], Some((&augmenter, epoch))).unwrap();
        for image in 0..BATCH {
            let mirrored = changed.inputs[0][image] != source.0[image];
            seen[usize::from(mirrored)] += 1;
            let said = value(&graph, &names[0], &source.0[image]);
            let width = said.shape[3];
            let labels = &made.inputs[1 + 2 * 3][image * said.data.len()..][..said.data.len()];
            for (row, labels) in said.data.chunks(width).zip(labels.chunks(width)) {
                let turned = |at: usize| if mirrored { row[width - 1 - at] } else { row[at] };
                assert!(labels.iter().enumerate().all(|(at, x)| (f64::from(*x) - turned(at)).abs() < 1e-4));
            }
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}
