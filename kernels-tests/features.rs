//! Features of a teacher: which maps are compared, and that a step goes down the mean squared difference from the
//! teacher's over the teacher's mean square.

use crate::harness::gpus;
use crate::lectures::{Pictures, pictures, value};
use crate::trainer::{BATCH, SIZE, learned, network, samples, settings, tasks};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Graph, LossKind, Op, Sizes};
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::train::{
    Lectures, Lesson, Normalisation, Rule, Settings, TrainError, Trainer, Tutor, batch, features, prepared,
    set_weights, weights,
};

/// What every feature counts.
const WEIGHT: f64 = 0.75;

/// A student with folded normalisations, and a teacher with other weights.
fn networks() -> (Graph, Graph) {
    let student = prepared(&network(), &Sizes::batch(BATCH), Normalisation::Fold).unwrap();
    let mut teacher = student.clone();
    for node in &student.nodes {
        if let Op::Conv(_) = node.op {
            let weight = node.inputs[1];
            let own = weights(&student, &[weight]).unwrap();
            let other: Vec<f32> =
                own.iter().enumerate().map(|(i, w)| w * (0.8 + 0.1 * (i % 5) as f32)).collect();
            set_weights(&mut teacher, &[weight], &other);
        }
    }
    (student, teacher)
}

/// The mean squared difference of `lessons` over the pictures that begin `source`, each over the mean square of the
/// teacher's, in f64.
fn loss((student, teacher): (&Graph, &Graph), lessons: &[Lesson], source: &Pictures) -> f64 {
    let mut sum = 0.0;
    for lesson in lessons {
        let (mut apart, mut squares) = (0.0, 0.0);
        for picture in &source.0[..BATCH] {
            let [own, said] = [student, teacher].map(|graph| value(graph, &lesson.goal.output, picture).data);
            apart += own.iter().zip(&said).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            squares += said.iter().map(|b| b * b).sum::<f64>();
        }
        sum += WEIGHT * apart / squares;
    }
    sum
}

/// The network one step of plain descent at rate 1 further, by features alone, and the lessons.
fn step(gpu: &Gpu, (student, teacher): (&Graph, &Graph), source: &Pictures) -> (Graph, Vec<Lesson>) {
    let sizes = Sizes::batch(BATCH);
    let (more, shown) = features((student, teacher), &[], WEIGHT, &sizes).unwrap();
    let mut lessons = learned(&[0.0; 3]);
    lessons.extend(more.clone());
    let mut tutor = Tutor::new(gpu, teacher, &shown, &sizes).unwrap();
    let path = std::env::temp_dir().join(format!("features-{}.bin", std::process::id()));
    let lectures = Lectures::hear(&mut tutor, source, &lessons, &path, |_| ()).unwrap();
    let mut made = samples();
    made.inputs = vec![source.0[..BATCH].to_vec()];
    let mut batch = batch(&made, &lessons);
    lectures.fill(&mut batch, &lessons, &[0, 1, 2], None).unwrap();
    let plain = Rule::Sgd { momentum: 0.0 };
    let settings = Settings { decay: 0.0, clip: 0.0, ..settings(plain, Normalisation::Fold) };
    let mut trainer = Trainer::new(gpu, student, &tasks(), lessons, (&settings, &sizes)).unwrap();
    assert!(trainer.step(&batch, 1.0, false).unwrap().finite);
    (trainer.graph(false).unwrap(), more)
}

#[test]
fn one_map_of_every_resolution_is_compared() {
    let graph = network();
    let sizes = Sizes::batch(BATCH);
    let (lessons, shown) = features((&graph, &graph), &[], WEIGHT, &sizes).unwrap();
    let [height, width] = SIZE;
    let shapes: Vec<&[usize]> = lessons.iter().map(|lesson| lesson.goal.shape.as_slice()).collect();
    assert_eq!(shapes, [&[6, height, width][..], &[6, height / 2, width / 2], &[7, height / 4, 3]]);
    for (lesson, &shown) in lessons.iter().zip(&shown) {
        assert!(lesson.relative && lesson.taught && lesson.goal.loss == LossKind::Square);
        assert_eq!((lesson.goal.output.as_str(), lesson.weight), (graph.value(shown).name.as_str(), WEIGHT));
        // All that follows a sum or a normalisation is in it.
        let position = graph.producers()[shown.0].unwrap();
        assert!(matches!(graph.nodes[position].op, Op::Activation(_)), "{}", lesson.name);
    }
    // What is compared already is not compared twice.
    let (others, _) = features((&graph, &graph), &lessons[1..2], WEIGHT, &sizes).unwrap();
    assert!(others.iter().all(|lesson| lesson.goal.output != lessons[1].goal.output));
}

#[test]
fn maps_that_pruning_cut_are_not_compared() {
    let graph = network();
    let sizes = Sizes::batch(BATCH);
    let (lessons, shown) = features((&graph, &graph), &[], WEIGHT, &sizes).unwrap();
    let mut teacher = graph.clone();
    for &value in &shown[1..] {
        teacher.values[value.0].name.push_str(" of another shape");
    }
    let (left, _) = features((&graph, &teacher), &[], WEIGHT, &sizes).unwrap();
    assert!(left.contains(&lessons[0]) && lessons[1..].iter().all(|lesson| !left.contains(lesson)));
    teacher.nodes.iter().for_each(|node| teacher.values[node.outputs[0].0].name.push_str(" elsewhere"));
    let nothing = features((&graph, &teacher), &[], WEIGHT, &sizes).unwrap_err();
    assert!(matches!(nothing, TrainError::Features) && nothing.to_string().contains("--distil-features"));
}

/// The change of the loss along a step is the square of its length.
#[test]
fn a_step_follows_the_gradient_of_relative_differences() {
    let Some(gpus) = gpus() else { return };
    let (student, teacher) = networks();
    let source = pictures();
    for gpu in &gpus {
        let (stepped, lessons) = step(gpu, (&student, &teacher), &source);
        let constants: Vec<_> = student
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| {
                value.constant.as_ref().is_some_and(|tensor: &std::sync::Arc<Tensor>| tensor.f32s().is_ok())
            })
            .map(|(at, _)| wgpu_pagcp::graph::ValueId(at))
            .collect();
        let before = weights(&student, &constants).unwrap();
        let after = weights(&stepped, &constants).unwrap();
        let gradient: Vec<f64> =
            before.iter().zip(&after).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let squares: f64 = gradient.iter().map(|g| g * g).sum();
        let length = squares.sqrt();
        assert!(length > 1e-3, "{length}");
        let along = |distance: f64| {
            let mut moved = student.clone();
            let weights: Vec<f32> = before
                .iter()
                .zip(&gradient)
                .map(|(w, g)| (f64::from(*w) + distance * g / length) as f32)
                .collect();
            set_weights(&mut moved, &constants, &weights);
            loss((&moved, &teacher), &lessons, &source)
        };
        let slope = (along(1e-3) - along(-1e-3)) / 2e-3;
        assert!((slope - length).abs() < 1e-2 * length, "{slope} instead of {length}");
    }
}
