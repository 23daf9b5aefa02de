//! Layouts that exporters make are told apart by their shapes; every number of a cell is where it should be.

use super::*;

fn format(family: Family, classes: usize) -> Format {
    let anchors: Vec<Vec<[f64; 2]>> = match family {
        Family::Yolov5 => (1..4).map(|at| (1..4).map(|side| [f64::from(at * side), 7.0]).collect()).collect(),
        Family::Yolox | Family::Yolov8 => vec![],
    };
    let strides = vec![8, 16, 32];
    Format { family, classes, strides, anchors, probabilities: None, decoded: None, bins: 16 }
}

/// Grids of an input of 64 rows and 96 columns.
const GRIDS: [[usize; 2]; 3] = [[8, 12], [4, 6], [2, 3]];
const CELLS: usize = 96 + 24 + 6;

fn maps(channels: usize) -> Vec<Vec<usize>> {
    GRIDS.iter().map(|[h, w]| vec![channels, *h, *w]).collect()
}

/// Every element of the outputs is some number of some cell, once.
fn check_cover(detector: &Detector) {
    let floats: usize = detector.outputs.iter().map(|shape| shape.iter().product::<usize>()).sum();
    let mut seen = vec![0; floats];
    let boxes = match detector.encoding {
        Encoding::Distribution { bins } => 4 * bins,
        Encoding::Anchors | Encoding::Exponential | Encoding::Pixels => 4,
    };
    for map in &detector.maps {
        let mut places = vec![(map.boxes, boxes), (map.classes, detector.classes)];
        places.extend(map.objectness.map(|place| (place, 1)));
        for (place, channels) in places {
            for cell in 0..map.cells() {
                for channel in 0..channels {
                    seen[place.origin + place.first + channel * place.channel + cell * place.pixel] += 1;
                }
            }
        }
    }
    assert!(seen.iter().all(|&times| times == 1), "{detector:?}");
}

fn detector(family: Family, outputs: &[Vec<usize>]) -> Detector {
    let detector = format(family, 3).detector([64, 96], outputs).unwrap();
    check_cover(&detector);
    assert_eq!(detector.cells(), CELLS * if family == Family::Yolov5 { 3 } else { 1 });
    detector
}

#[test]
fn yolov5_exports() {
    let raw = detector(Family::Yolov5, &maps(24));
    assert_eq!((raw.encoding, raw.probabilities), (Encoding::Anchors, false));
    assert_eq!(raw.maps[1].boxes.first, 8 * 96);
    assert_eq!((raw.maps[4].anchor, raw.maps[4].level, raw.maps[4].stride), ([4.0, 7.0], 1, 16.0));
    let last: Vec<Vec<usize>> = GRIDS.iter().map(|[h, w]| vec![3, *h, *w, 8]).collect();
    let raw = detector(Family::Yolov5, &last);
    assert_eq!(
        (raw.encoding, raw.maps[1].boxes.first, raw.maps[1].classes.first),
        (Encoding::Anchors, 768, 773)
    );
    let decoded = detector(Family::Yolov5, &[vec![3 * CELLS, 8]]);
    assert_eq!((decoded.encoding, decoded.probabilities), (Encoding::Pixels, true));
    assert_eq!(decoded.maps[3].boxes.first, 3 * 96 * 8);
    assert_eq!(decoded.parts().len(), 3);
}

#[test]
fn yolox_exports() {
    let raw = detector(Family::Yolox, &maps(8));
    assert_eq!((raw.encoding, raw.probabilities), (Encoding::Exponential, false));
    let parts: Vec<Vec<usize>> =
        GRIDS.iter().flat_map(|[h, w]| [vec![4, *h, *w], vec![1, *h, *w], vec![3, *h, *w]]).collect();
    let apart = detector(Family::Yolox, &parts);
    assert_eq!(apart.maps[1].classes.output, 5);
    let joined = detector(Family::Yolox, &[vec![CELLS, 8]]);
    assert_eq!((joined.encoding, joined.probabilities), (Encoding::Exponential, true));
    let mut decoded = format(Family::Yolox, 3);
    decoded.decoded = Some(true);
    assert_eq!(decoded.detector([64, 96], &[vec![CELLS, 8]]).unwrap().encoding, Encoding::Pixels);
}

#[test]
fn yolov8_exports() {
    let raw = detector(Family::Yolov8, &maps(67));
    assert_eq!((raw.encoding, raw.probabilities), (Encoding::Distribution { bins: 16 }, false));
    assert_eq!(raw.parts(), [super::super::Part::Box, super::super::Part::Class]);
    let parts: Vec<Vec<usize>> =
        GRIDS.iter().flat_map(|[h, w]| [vec![64, *h, *w], vec![3, *h, *w]]).collect();
    assert_eq!(detector(Family::Yolov8, &parts).maps[2].classes.output, 5);
    let decoded = detector(Family::Yolov8, &[vec![7, CELLS]]);
    assert_eq!((decoded.encoding, decoded.probabilities), (Encoding::Pixels, true));
    let joined = detector(Family::Yolov8, &[vec![67, CELLS]]);
    assert_eq!((joined.encoding, joined.probabilities), (Encoding::Distribution { bins: 16 }, false));
}

#[test]
fn other_outputs_are_refused_with_what_was_expected() {
    for (family, outputs) in [
        (Family::Yolov5, maps(25)),
        (Family::Yolox, maps(7)),
        (Family::Yolov8, maps(66)),
        (Family::Yolov8, maps(67)[..2].to_vec()),
        (Family::Yolov5, vec![vec![3 * CELLS, 9]]),
        (Family::Yolox, vec![vec![CELLS + 1, 8]]),
    ] {
        let message = format(family, 3).detector([64, 96], &outputs).unwrap_err();
        assert!(message.contains("3 classes") && message.contains("[8, 16, 32]"), "{message}");
        let found = format!("found [N, {}", outputs[0][0]);
        assert!(message.contains(&found) && message.contains("8, 12]"), "{message}");
    }
}

#[test]
fn levels_weigh_what_yolov5_gives_them_and_one_class_has_no_loss_there() {
    let raw = detector(Family::Yolov5, &maps(24));
    let total: f64 = raw.maps.iter().map(|map| raw.weight(map) * map.cells() as f64).sum();
    assert!((total / raw.cells() as f64 - 5.4).abs() < 1e-12);
    assert_eq!(raw.moving().weight(&raw.maps[8]), 0.4);
    let one = format(Family::Yolov5, 1).detector([64, 96], &maps(18)).unwrap();
    assert_eq!(one.parts().len(), 2);
    let one = format(Family::Yolox, 1).detector([64, 96], &maps(6)).unwrap();
    assert_eq!(one.parts().len(), 3);
}
