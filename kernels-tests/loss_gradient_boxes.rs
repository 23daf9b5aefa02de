//! Gradients of a detector's losses: kernels against the reference, and the reference against finite differences of the
//! loss of every family, layout and part.

use crate::case::{Case, random, whole};
use crate::compare::within;
use crate::harness::gpus;
use crate::loss_detection::every_case;
use crate::loss_detection::made::Made;
use wgpu_pagcp::graph::{BoxCode, BoxLoss, LossKind, Op, Training};
use wgpu_pagcp::reference::{Array, bound, execute};
use wgpu_pagcp::tasks::detection::Part;
use wgpu_pagcp::tasks::{Goal, Task};
use wgpu_pagcp::tensor::Tensor;

const CODES: [BoxCode; 5] = [
    BoxCode::Anchors { anchor: [20.0, 31.0] },
    BoxCode::Exponential,
    BoxCode::Distribution { bins: 5 },
    BoxCode::Distribution { bins: 16 },
    BoxCode::Pixels,
];

/// Rows and columns of cells of 8 pixels.
const GRID: [usize; 2] = [5, 6];

fn op(loss: LossKind) -> Op {
    Op::Training(Training::Loss(loss))
}

/// Output and labels of two images: boxes of about the size and at about the place of the labelled ones.
fn boxes(code: BoxCode) -> [Tensor; 2] {
    let cells = GRID[0] * GRID[1];
    let channels = if let BoxCode::Distribution { bins } = code { 4 * bins } else { 4 };
    let noise = random(&[2, 5, GRID[0], GRID[1]], 7).f32s().unwrap().to_vec();
    let mut output = random(&[2, channels, GRID[0], GRID[1]], 8).f32s().unwrap().to_vec();
    let mut labels = noise.clone();
    for at in 0..2 * cells {
        let (image, cell) = (at / cells, at % cells);
        let place = |channels: usize, channel: usize| (image * channels + channel) * cells + cell;
        let middle = [(cell % GRID[1]) as f32 * 8.0 + 4.0, (cell / GRID[1]) as f32 * 8.0 + 4.0];
        for side in 0..4 {
            let away = [-14.0, -9.0, 14.0, 9.0][side];
            labels[place(5, side)] = middle[side % 2] + away + 2.0 * noise[place(5, side)];
            if code == BoxCode::Pixels {
                let near = [middle[0], middle[1], 25.0, 22.0][side];
                output[place(4, side)] = near + 3.0 * output[place(4, side)];
            }
        }
        labels[place(5, 4)] = if at % 3 == 1 { LossKind::UNLABELLED } else { 0.5 + 0.1 * noise[place(5, 4)] };
    }
    let tensor = |channels: usize, data| Tensor::from_f32(vec![2, channels, GRID[0], GRID[1]], data).unwrap();
    [tensor(channels, output), tensor(5, labels)]
}

fn losses() -> impl Iterator<Item = BoxLoss> {
    let loss = |code| [false, true].map(|complete| BoxLoss { code, complete, cell: 8.0, width: GRID[1] });
    CODES.into_iter().flat_map(loss)
}

#[test]
fn boxes_are_within_their_bound() {
    let Some(gpus) = gpus() else { return };
    for loss in losses() {
        let [output, labels] = boxes(loss.code);
        let channels = output.shape()[1];
        let scale = Tensor::from_f32(vec![1], vec![0.7]).unwrap();
        let arrays = [&output, &labels, &scale].map(Array::from);
        let bounded = bound(&op(LossKind::Boxes(loss)), &arrays.each_ref()).unwrap();
        let largest = bounded.expected.data.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let loose = bounded.tolerance.data.iter().filter(|bound| **bound > 0.01 * largest).count();
        assert!(largest > 1e-4 && loose * 20 < bounded.tolerance.data.len(), "{loss:?}: {loose} say nothing");
        Case::new(op(LossKind::Boxes(loss)), &whole(channels), &[])
            .input(output, &whole(channels))
            .input(labels, &whole(5))
            .input(scale, &whole(1))
            .check(&gpus, &format!("{loss:?}"));
    }
}

#[test]
fn probabilities_and_soft_labels_are_within_their_bound() {
    let Some(gpus) = gpus() else { return };
    let kinds = [LossKind::ProbabilityCrossEntropy, LossKind::BinaryCrossEntropy { positive_weight: 3.0 }];
    for kind in kinds {
        for channels in [1, 3, 6] {
            let shape = vec![2, channels, 7, 3];
            let unit = |seed: u64| -> Vec<f32> {
                let values = random(&shape, seed).f32s().unwrap().to_vec();
                values.iter().map(|x| ((x + 3.0) / 6.0).clamp(0.0, 1.0)).collect()
            };
            let (mut output, mut labels) = (unit(3), unit(4));
            output[..2].copy_from_slice(&[0.0, 1.0]);
            labels.iter_mut().step_by(4).for_each(|label| *label = LossKind::UNLABELLED);
            labels[..2].copy_from_slice(&[1.0, 0.0]);
            if kind != LossKind::ProbabilityCrossEntropy {
                output.iter_mut().for_each(|x| *x = 20.0 * *x - 10.0);
            }
            let tensor = |data| Tensor::from_f32(shape.clone(), data).unwrap();
            Case::new(op(kind), &whole(channels), &[])
                .input(tensor(output), &whole(channels))
                .input(tensor(labels), &whole(channels))
                .input(Tensor::from_f32(vec![1], vec![0.3]).unwrap(), &whole(1))
                .check(&gpus, &format!("{kind:?} {channels}"));
        }
    }
}

/// For every goal of a part: the goal, and which numbers of an image it judges.
fn goals(made: &Made, part: Part) -> Vec<(Goal, Array)> {
    let names: Vec<String> = (0..made.detector.outputs.len()).map(|at| at.to_string()).collect();
    let shapes: Vec<Vec<usize>> =
        made.detector.outputs.iter().map(|dims| [&[1], &dims[..]].concat()).collect();
    let kind = made.kind(part);
    let task = Task { name: "t".into(), kind, outputs: names.clone(), limit: None, names: vec![] };
    let ports = names.iter().map(String::as_str).zip(shapes.iter().map(Vec::as_slice));
    let seen = |goal: Goal| {
        let at: usize = goal.output.parse().unwrap();
        let size = |shape: &Vec<usize>| shape.iter().product::<usize>();
        let first: usize = shapes[..at].iter().map(size).sum();
        let numbers = (first..first + size(&shapes[at])).map(|number| number as f64).collect();
        let mut value = Array::new(shapes[at].clone(), numbers).unwrap();
        for op in &goal.view {
            value = execute(op, &[&value]).unwrap();
        }
        (goal, value)
    };
    task.goals(ports).unwrap().into_iter().map(seen).collect()
}

/// The gradient by every number of an image, as the goals of a part give it.
fn gradient(made: &Made, part: Part, output: &[f32], words: &[u32]) -> Vec<f64> {
    let mut found = vec![0.0; output.len()];
    for (goal, places) in goals(made, part) {
        let value = places.map(|at| f64::from(output[at as usize]));
        let labels = Array::from_f32([&[1], &goal.shape[..]].concat(), &goal.labels(words)).unwrap();
        let scale = Array::filled(vec![1], goal.factor);
        let slopes = execute(&op(goal.loss), &[&value, &labels, &scale]).unwrap();
        places.data.iter().zip(slopes.data).for_each(|(&at, slope)| found[at as usize] += slope);
    }
    found
}

/// Central differences of the loss over steps that are exact, in the elements `chosen`.
fn differences(made: &Made, part: Part, output: &[f32], words: &[u32], chosen: &[usize]) -> Vec<f64> {
    let step = |at: usize, by: f32| {
        let mut moved = output.to_vec();
        moved[at] += by;
        (f64::from(moved[at]), made.kind(part).loss(&made.frame(&moved, words)).sum)
    };
    let slope = |&at: &usize| {
        let ((above, more), (below, less)) = (step(at, 1e-4), step(at, -1e-4));
        (more - less) / (above - below)
    };
    chosen.iter().map(slope).collect()
}

#[test]
fn the_gradients_are_the_slopes_of_the_losses() {
    let mut cases = 0;
    every_case(3, |made, part| {
        if made.detector.moving || made.detector.maps.iter().any(|map| map.cells() > 100) {
            return;
        }
        cases += 1;
        let (output, words) = (made.output(0), made.targets(0));
        let label = format!("{:?} {part:?} {:?}", made.detector.family, made.detector.outputs);
        let terms: usize = goals(made, part).iter().map(|(goal, _)| goal.terms(words)).sum();
        let loss = made.kind(part).loss(&made.frame(&output, words));
        assert_eq!(terms as f64, loss.count, "{label}");
        let found = gradient(made, part, &output, words);
        // Near 0 and 1 logarithms of probabilities are too steep for differences.
        let smooth = |at: &usize| {
            part == Part::Box || !made.detector.probabilities || (0.02..0.98).contains(&output[*at])
        };
        let chosen: Vec<usize> = (0..output.len()).filter(smooth).collect();
        let expected = differences(made, part, &output, words, &chosen);
        let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(largest > 0.01, "{label}: no slope at all");
        let slopes: Vec<f32> = chosen.iter().map(|&at| found[at] as f32).collect();
        let bounds: Vec<f64> = expected.iter().map(|slope| 1e-4 * (slope.abs() + 0.1 * largest)).collect();
        within(&label, &slopes, &expected, &bounds);
        let off = |at: usize| (f64::from(slopes[at]) - 1.01 * expected[at]).abs() > bounds[at];
        assert!((0..slopes.len()).any(off), "{label}: a wrong slope passes");
    });
    assert!(cases >= 20, "{cases} cases");
}

#[test]
fn targets_that_follow_the_network_have_no_gradient() {
    let mut made =
        Made::layouts(crate::loss_detection::families()[0], 2, ([40, 56], &[8, 16])).swap_remove(0);
    made.set_moving(true);
    let outputs = made.detector.outputs.clone();
    let names: Vec<String> = (0..outputs.len()).map(|at| at.to_string()).collect();
    let shapes: Vec<Vec<usize>> = outputs.iter().map(|dims| [&[1], &dims[..]].concat()).collect();
    let task = |part| Task {
        name: "t".into(),
        kind: made.kind(part),
        outputs: names.clone(),
        limit: None,
        names: vec![],
    };
    let goals =
        |part| task(part).goals(names.iter().map(String::as_str).zip(shapes.iter().map(Vec::as_slice)));
    assert!(goals(Part::Box).is_ok());
    let error = goals(Part::Objectness).unwrap_err().to_string();
    assert!(error.contains("follow the network"), "{error}");
}
