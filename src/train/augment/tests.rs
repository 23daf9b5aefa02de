use super::*;
use crate::tasks::detection::{Rect, Truth};
use crate::tasks::{Norm, UNLABELLED};

const SIZE: [usize; 3] = [3, 12, 16];
const PIXELS: usize = SIZE[1] * SIZE[2];

fn task(kind: TaskKind) -> Task {
    let name = "task".to_owned();
    Task { outputs: vec![name.clone()], name, kind, limit: None, names: Vec::new() }
}

fn picture() -> Picture {
    Picture { size: SIZE, mean: vec![0.4, 0.5, 0.6], std: vec![0.2, 0.25, 0.3], white: 1.0 }
}

/// Classes, depths, normals and edges at half the size, and a class of the picture.
fn augmenter(settings: Augment) -> Augmenter {
    let (kinds, outputs): (Vec<TaskKind>, Vec<[usize; 3]>) = [
        (TaskKind::Segmentation, [400, 12, 16]),
        (TaskKind::Depth, [1, 12, 16]),
        (TaskKind::Normals, [3, 12, 16]),
        (TaskKind::Edges { positive_weight: 1.0 }, [1, 6, 8]),
        (TaskKind::Classification, [5, 1, 1]),
    ]
    .into_iter()
    .unzip();
    let tasks: Vec<Task> = kinds.into_iter().map(task).collect();
    Augmenter::new(settings, 3, vec![picture()], (&tasks, &outputs)).unwrap()
}

/// A picture whose columns and rows can be told by its pixels and by every label.
fn samples() -> Samples {
    let place = |pixel: usize| (pixel % SIZE[2], pixel / SIZE[2]);
    let column = |pixel| place(pixel).0 as f32;
    let row = |pixel| place(pixel).1 as f32;
    let floats = |f: &dyn Fn(usize) -> f32| (0..PIXELS).map(f).collect::<Vec<f32>>();
    let planes = [floats(&column), floats(&row), floats(&|pixel| column(pixel) + row(pixel))];
    let norm = |channel: usize, x: f32| (x / 30.0 - picture().mean[channel]) / picture().std[channel];
    let input = (0..3).flat_map(|c| planes[c].iter().map(move |&x| norm(c, x))).collect();
    let classes = (0..PIXELS as u32).map(|pixel| if pixel == 20 { UNLABELLED } else { pixel }).collect();
    let depth = (0..PIXELS).map(|pixel| if pixel == 20 { UNLABELLED } else { (1.0 + row(pixel)).to_bits() });
    let normals = planes.concat().into_iter().map(|x| (x - 5.0).to_bits()).collect();
    let edges = (0..48).map(|pixel| u32::from(pixel % 8 < 4)).collect();
    let labels = vec![vec![classes], vec![depth.collect()], vec![normals], vec![edges], vec![vec![4]]];
    Samples { inputs: vec![vec![input]], labels, targets: Vec::new() }
}

/// Pixel values from 0 to 30 of a channel.
fn pixels(samples: &Samples, channel: usize) -> Vec<f32> {
    let plane = &samples.inputs[0][0][channel * PIXELS..(channel + 1) * PIXELS];
    plane.iter().map(|x| (x * picture().std[channel] + picture().mean[channel]) * 30.0).collect()
}

fn changed(settings: Augment, epoch: usize) -> (Samples, Draw) {
    let augmenter = augmenter(settings);
    let mut samples = samples();
    augmenter.change(epoch, &[9], &mut samples);
    (samples, augmenter.draw(epoch, 9))
}

const OFF: Augment = Augment { flip: false, scale: 1.0, color: 0.0 };
const FLIP: Augment = Augment { flip: true, ..OFF };
const ALL: Augment = Augment { flip: true, scale: 2.0, color: 1.0 };

#[test]
fn nothing_is_changed_where_all_is_off() {
    for epoch in 0..10 {
        assert_eq!(changed(OFF, epoch).0, samples());
    }
}

#[test]
fn half_of_the_pictures_are_mirrored_and_twice_is_not_at_all() {
    let mut mirrored = 0;
    for epoch in 0..200 {
        let (once, draw) = changed(FLIP, epoch);
        if !draw.view.mirrored {
            assert_eq!(once, samples());
            continue;
        }
        mirrored += 1;
        let mut twice = once.clone();
        augmenter(FLIP).change(epoch, &[9], &mut twice);
        assert_eq!(twice, samples());
        for row in 0..SIZE[1] {
            for column in 0..SIZE[2] {
                let [here, there] = [column, SIZE[2] - 1 - column].map(|x| row * SIZE[2] + x);
                let moved =
                    |list: &dyn Fn(&Samples) -> Vec<u32>| list(&once)[here] == list(&samples())[there];
                assert!(moved(&|s| s.labels[0][0].clone()) && moved(&|s| s.labels[1][0].clone()));
                let normal = |s: &Samples, axis, pixel| f32::from_bits(s.labels[2][0][axis * PIXELS + pixel]);
                let expected = [0, 1, 2].map(|axis| normal(&samples(), axis, there));
                let found = [0, 1, 2].map(|axis| normal(&once, axis, here));
                assert_eq!(found, [-expected[0], expected[1], expected[2]]);
            }
        }
        assert_eq!(once.labels[3][0][..8], [0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(once.labels[4], [[4]]);
    }
    assert!((70..130).contains(&mirrored), "{mirrored} of 200");
}

#[test]
fn labels_stay_with_their_pixels() {
    let mut zoomed = 0;
    for epoch in 0..40 {
        let (samples, draw) = changed(Augment { color: 0.0, ..ALL }, epoch);
        let View { zoom, mirrored, .. } = draw.view;
        zoomed += usize::from(zoom > 1.2);
        let [columns, rows] = [0, 1].map(|channel| pixels(&samples, channel));
        for pixel in 0..PIXELS {
            let class = samples.labels[0][0][pixel];
            let depth = samples.labels[1][0][pixel];
            assert_eq!(class == UNLABELLED, depth == UNLABELLED);
            if class == UNLABELLED {
                continue;
            }
            let [column, row] = [class as usize % SIZE[2], class as usize / SIZE[2]].map(|at| at as f32);
            // The label is that of the nearest pixel.
            let near = (column - columns[pixel]).abs() < 0.501 && (row - rows[pixel]).abs() < 0.501;
            assert!(near, "epoch {epoch}: class {class} is not at {}, {}", columns[pixel], rows[pixel]);
            assert_eq!(f32::from_bits(depth), (1.0 + row) / zoom);
            let across = f32::from_bits(samples.labels[2][0][pixel]);
            assert_eq!(across, if mirrored { 5.0 - column } else { column - 5.0 });
            let edge = samples.labels[3][0][pixel / SIZE[2] / 2 * 8 + pixel % SIZE[2] / 2];
            let clear = (columns[pixel] - 7.5).abs() > 1.0;
            assert!(!clear || (edge == 1) == (columns[pixel] < 7.5), "{edge} at {}", columns[pixel]);
        }
        // As much of the picture is seen as the zoom says.
        let seen = columns[SIZE[2] - 1] - columns[0];
        let expected = (SIZE[2] - 1) as f32 / zoom;
        assert!((seen.abs() - expected).abs() < 0.51 && (seen < 0.0) == mirrored, "{seen} of {expected}");
    }
    assert!(zoomed > 10, "{zoomed} pictures were enlarged");
}

#[test]
fn a_label_that_stays_behind_is_noticed() {
    let (zoomed, _) = changed(Augment { flip: true, scale: 2.0, color: 0.0 }, 1);
    let columns = pixels(&zoomed, 0);
    let far = |pixel: &usize| ((pixel % SIZE[2]) as f32 - columns[*pixel]).abs() > 0.501;
    assert!((0..PIXELS).filter(far).count() > PIXELS / 4);
}

#[test]
fn colours_change_within_their_range_and_labels_do_not() {
    let settings = Augment { color: 1.0, ..OFF };
    let mut clipped = 0;
    for epoch in 0..40 {
        let (after, draw) = changed(settings, epoch);
        let before = samples();
        assert_eq!(after.labels, before.labels);
        let planes: Vec<Vec<f32>> = (0..3).map(|channel| pixels(&before, channel)).collect();
        let mean = planes.concat().iter().sum::<f32>() / (3 * PIXELS) as f32;
        for (channel, plane) in planes.iter().enumerate() {
            let gain = 1.0 + draw.exposure + draw.balance[channel];
            for (found, x) in pixels(&after, channel).iter().zip(plane) {
                let expected = ((x - mean) * (1.0 + draw.contrast) + mean) * gain;
                clipped += usize::from(!(0.0..=30.0).contains(&expected));
                assert!((found - expected.clamp(0.0, 30.0)).abs() < 1e-3, "{found} is not {expected}");
            }
        }
        assert!(draw.exposure.abs() <= 0.15 && draw.contrast.abs() <= 0.15);
        assert!(draw.balance.iter().all(|x| x.abs() <= 0.06));
    }
    assert!(clipped > 0, "no pixel reached an end of the range");
}

#[test]
fn what_is_done_follows_from_seed_epoch_and_picture() {
    let augmenter = augmenter(ALL);
    let draw = |epoch, image| augmenter.draw(epoch, image);
    assert_eq!(draw(1, 2), draw(1, 2));
    assert_eq!(changed(ALL, 4), changed(ALL, 4));
    let others = [draw(2, 1), draw(1, 3), Augmenter { seed: 4, ..augmenter.clone() }.draw(1, 2)];
    assert!(others.iter().all(|other| *other != draw(1, 2)));
    // What is drawn for a mirror does not depend on whether there are colours.
    let same = |epoch| changed(FLIP, epoch).1.view.mirrored == changed(ALL, epoch).1.view.mirrored;
    assert!((0..20).all(same));
    // Batches of any size give the same pictures.
    let (one, _) = changed(ALL, 0);
    let mut two = samples();
    two.inputs.iter_mut().for_each(|list| list.insert(0, list[0].clone()));
    two.labels.iter_mut().for_each(|list| list.insert(0, list[0].clone()));
    augmenter.change(0, &[5, 9], &mut two);
    assert_eq!(two.inputs[0][1], one.inputs[0][0]);
    assert!(two.labels.iter().zip(&one.labels).all(|(two, one)| two[1] == one[0]));
}

#[test]
fn boxes_follow_the_picture() {
    let truth = |class, [left, top, right, bottom]: [f64; 4]| Truth {
        class,
        rect: Rect { left, top, right, bottom },
    };
    let words: Vec<u32> = [truth(1, [2.0, 3.0, 6.0, 5.0]), truth(2, [10.0, 0.0, 16.0, 3.0])]
        .iter()
        .flat_map(Truth::words)
        .collect();
    let boxes = |view: View| Truth::list(&view.boxes(&words, [16.0, 12.0]));
    let whole = View { mirrored: false, zoom: 1.0, left: 0.0, top: 0.0 };
    assert_eq!(boxes(whole), Truth::list(&words));
    let mirror = View { mirrored: true, ..whole };
    assert_eq!(boxes(mirror), [truth(1, [10.0, 3.0, 14.0, 5.0]), truth(2, [0.0, 0.0, 6.0, 3.0])]);
    // The upper left quarter: the first box is larger, of the second nothing is left.
    let near = View { zoom: 2.0, ..whole };
    assert_eq!(boxes(near), [truth(1, [4.0, 6.0, 12.0, 10.0])]);
    // From the middle on half of the first box is in sight, and from further right none.
    let cut = View { zoom: 2.0, left: 0.25, top: 0.0, mirrored: false };
    assert_eq!(boxes(cut)[0], truth(1, [0.0, 6.0, 4.0, 10.0]));
}

#[test]
fn settings_and_tasks_that_make_no_sense_are_refused() {
    let message = |settings: Augment, kind| settings.check(&[task(kind)]).unwrap_err().to_string();
    for scale in [0.5, f32::NAN, 5.0] {
        let found = message(Augment { scale, ..OFF }, TaskKind::Depth);
        assert!(found.contains("from 1 to 4"), "{found}");
    }
    assert!(message(Augment { color: -1.0, ..OFF }, TaskKind::Depth).contains("from 0 to 4"));
    assert!(message(FLIP, TaskKind::Regression(Norm::L1)).contains("mirrored"));
    assert!(Augment { color: 1.0, ..OFF }.check(&[task(TaskKind::Regression(Norm::L1))]).is_ok());
}
