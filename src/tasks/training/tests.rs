use super::*;
use crate::graph::{Op, Training};
use crate::reference::{Array, execute};
use crate::tasks::{FLOOR, Frame};

const SIZE: [usize; 2] = [2, 3];

fn task(kind: TaskKind) -> Task {
    Task { name: "t".into(), kind, outputs: vec!["y".into()], limit: None, names: vec![] }
}

fn goal(kind: &TaskKind, channels: usize) -> Goal {
    let size = if matches!(kind, TaskKind::Classification | TaskKind::Multilabel) { [1, 1] } else { SIZE };
    let shape = [2, channels, size[0], size[1]];
    task(kind.clone()).goals([("x", &[2, 7][..]), ("y", &shape)].into_iter()).unwrap().swap_remove(0)
}

fn kinds() -> Vec<(TaskKind, usize)> {
    let agreement =
        |measure, first, channels| TaskKind::Agreement(Agreement { measure, first, channels, floor: FLOOR });
    vec![
        (TaskKind::Segmentation, 4),
        (TaskKind::Depth, 1),
        (TaskKind::Normals, 3),
        (TaskKind::Edges { positive_weight: 3.0 }, 1),
        (TaskKind::Classification, 5),
        (TaskKind::Multilabel, 6),
        (TaskKind::Regression(Norm::L1), 2),
        (TaskKind::Regression(Norm::L2), 2),
        (agreement(Measure::Kl, 0, 4), 4),
        (agreement(Measure::Kl, 1, 3), 5),
        (agreement(Measure::Kl, 2, 1), 3),
        (agreement(Measure::L1, 1, 2), 4),
        (agreement(Measure::Cosine, 1, 3), 5),
    ]
}

/// Target words of an image, the third pixel without a label where labels may be missing.
fn words(kind: &TaskKind, channels: usize, pixels: usize) -> Vec<u32> {
    let word = |at: usize| match kind {
        _ if at % pixels == 2 && !kind.needs_teacher() => UNLABELLED,
        TaskKind::Segmentation | TaskKind::Classification => (at * 7 % channels) as u32,
        TaskKind::Edges { .. } | TaskKind::Multilabel => u32::from(at.is_multiple_of(3)),
        TaskKind::Normals => [0.6_f32, 0.0, -0.8][at / pixels].to_bits(),
        _ => (((at * 37 % 19) as f32 - 9.0) / 4.0).to_bits(),
    };
    (0..kind.label_words(channels, pixels)).map(word).collect()
}

/// The gradient of a goal is the slope of the loss of its task, and both divide by as much.
#[test]
fn goals_follow_the_losses_of_their_tasks() {
    for (kind, channels) in kinds() {
        let goal = goal(&kind, channels);
        let pixels = goal.pixels();
        let words = words(&kind, channels, pixels);
        let output: Vec<f32> =
            (0..channels * pixels).map(|at| (at * 29 % 23) as f32 / 8.0 - 1.3125).collect();
        let loss = |output: &[f32]| kind.loss(&Frame { output, channels, labels: &words });
        assert_eq!(goal.terms(&words) as f64, loss(&output).count, "{kind:?}");
        let labels = Array::from_f32([&[1], &goal.shape[..]].concat(), &goal.labels(&words)).unwrap();
        let mut shape = labels.shape.clone();
        shape[1] = channels;
        let array = Array::from_f32(shape, &output).unwrap();
        let op = Op::Training(Training::Loss(goal.loss));
        let gradient = execute(&op, &[&array, &labels, &Array::filled(vec![1], 1.0)]).unwrap().data;
        let step = 1.0 / 4096.0_f32;
        let slope = |at: usize| {
            let moved = |by: f32| {
                let mut output = output.clone();
                output[at] += by;
                loss(&output).sum
            };
            (moved(step) - moved(-step)) / (2.0 * f64::from(step))
        };
        let off = (0..gradient.len()).map(|at| (slope(at) - gradient[at]).abs()).fold(0.0, f64::max);
        assert!(off < 2e-6, "{kind:?}: {off}");
        assert!(gradient.iter().any(|x| x.abs() > 0.05), "{kind:?}");
    }
}

#[test]
fn a_direction_is_labelled_where_its_first_word_is() {
    let goal = goal(&TaskKind::Normals, 3);
    let mut words = words(&TaskKind::Normals, 3, 6);
    words[8] = 0.5_f32.to_bits();
    let labels = goal.labels(&words);
    for channel in 0..3 {
        assert_eq!(labels[6 * channel + 2], LossKind::UNLABELLED);
    }
    assert_eq!((labels[0], labels[12], goal.terms(&words)), (0.6, -0.8, 5));
}

#[test]
fn what_does_not_train_says_so() {
    let outputs = || [("y", &[1, 3, 2, 3][..])].into_iter();
    let error = task(TaskKind::Depth).goals(outputs()).unwrap_err().to_string();
    assert!(error.contains("1 channel of metres"), "{error}");
}
