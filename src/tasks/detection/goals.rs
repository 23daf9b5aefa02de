//! How a network learns from a detector's loss: a loss of boxes or scores for every map of cells.

use super::{Detector, Encoding, Family, Map, PLANES, Part, Place};
use crate::graph::{BoxCode, BoxLoss, Extent, LossKind, Move, Op, SliceAxis};
use crate::tasks::UNLABELLED;

/// Where the target words of a map are, and what a part of the loss takes of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::tasks) struct CellWords {
    part: Part,
    family: Family,
    first: usize,
    cells: usize,
    classes: usize,
}

/// The loss of a map.
pub(in crate::tasks) struct MapGoal {
    pub(in crate::tasks) place: Place,
    /// What is judged of the output.
    pub(in crate::tasks) view: Vec<Op>,
    pub(in crate::tasks) loss: LossKind,
    /// Of the labels of one image.
    pub(in crate::tasks) shape: Vec<usize>,
    pub(in crate::tasks) words: CellWords,
    /// The factor of its sum.
    pub(in crate::tasks) factor: f64,
}

impl Detector {
    /// One part of the loss, map by map; targets are those that the unpruned network was given.
    pub(in crate::tasks) fn goals(&self, part: Part) -> Vec<MapGoal> {
        let goal = |(number, map): (usize, &Map)| {
            let (place, numbers) = match part {
                Part::Box => (
                    map.boxes,
                    if let Encoding::Distribution { bins } = self.encoding { 4 * bins } else { 4 },
                ),
                Part::Objectness => (map.objectness?, 1),
                Part::Class => (map.classes, self.classes),
            };
            let loss = match (part, self.probabilities) {
                (Part::Box, _) => LossKind::Boxes(self.box_loss(map)),
                (_, true) => LossKind::ProbabilityCrossEntropy,
                (_, false) => LossKind::BinaryCrossEntropy { positive_weight: 1.0 },
            };
            let (view, rest) = view(&self.outputs[place.output], place, numbers, map.cells());
            let shape = [&[loss.label_channels(numbers)], &rest[..]].concat();
            let (first, cells) = (self.target_first(number), map.cells());
            let words = CellWords { part, family: self.family, first, cells, classes: self.classes };
            let factor = if part == Part::Objectness { self.weight(map) } else { 1.0 };
            Some(MapGoal { place, view, loss, shape, words, factor })
        };
        self.maps.iter().enumerate().filter_map(goal).collect()
    }

    /// What a part's loss weighs in training code, given what each is divided by there ([`crate::tasks::Goal::divisor`]). Those of
    /// YOLOv5 are set for inputs of 640 pixels and 80 classes.
    pub fn gain(&self, part: Part) -> f64 {
        let levels = self.maps.iter().map(|map| map.level + 1).max().unwrap_or(1) as f64;
        let side =
            self.maps.iter().map(|map| map.stride * map.width.max(map.height) as f64).fold(0.0, f64::max);
        match (self.family, part) {
            (Family::Yolov5, Part::Box) => 0.05 * 3.0,
            (Family::Yolov5, Part::Objectness) => (side / 640.0).powi(2) * 3.0 / levels,
            (Family::Yolov5, Part::Class) => 0.5 * 3.0 * self.classes as f64 / 80.0,
            (Family::Yolox, Part::Box) => 5.0,
            (Family::Yolox, Part::Objectness | Part::Class) => 1.0,
            (Family::Yolov8, Part::Box) => 7.5,
            (Family::Yolov8, Part::Objectness | Part::Class) => 0.5,
        }
    }

    fn box_loss(&self, map: &Map) -> BoxLoss {
        let code = match self.encoding {
            Encoding::Anchors => BoxCode::Anchors { anchor: map.anchor.map(|side| side as f32) },
            Encoding::Exponential => BoxCode::Exponential,
            Encoding::Distribution { bins } => BoxCode::Distribution { bins },
            Encoding::Pixels => BoxCode::Pixels,
        };
        let complete = self.family != Family::Yolox;
        BoxLoss { code, complete, cell: map.stride as f32, width: map.width }
    }
}

/// What brings `numbers` numbers of every cell at `place` of an output into `[N, numbers, …]`, and the dimensions after
/// those. `output` are its dimensions without the batch: `[numbers, H, W]`, `[anchors, H, W, numbers]`, `[cells, numbers]`
/// or `[numbers, cells]`.
fn view(output: &[usize], place: Place, numbers: usize, cells: usize) -> (Vec<Op>, Vec<usize>) {
    let last = output.len() - 1;
    let numbers_last =
        output.len() == 4 || (output.len() == 2 && place.channel == 1 && place.pixel == output[1]);
    let channels = if numbers_last { last } else { 0 };
    let mut parts = vec![(channels, place.first / place.channel % output[channels], numbers)];
    match output.len() {
        2 => parts.push((1 - channels, place.first / place.pixel % output[1 - channels], cells)),
        4 => parts.push((0, place.first / (cells * place.pixel), 1)),
        _ => {}
    }
    let mut rest = output.to_vec();
    parts.iter().for_each(|&(axis, _, count)| rest[axis] = count);
    rest.remove(channels);
    parts.retain(|&(axis, _, count)| count != output[axis]);
    parts.sort_unstable();
    let slice = |&(axis, start, count): &(usize, usize, usize)| SliceAxis {
        axis: axis + 1,
        start: Extent::Fixed(start as i64),
        end: Extent::Fixed((start + count) as i64),
        step: 1,
    };
    let mut view = Vec::new();
    if !parts.is_empty() {
        view.push(Op::Move(Move::Slice(parts.iter().map(slice).collect())));
    }
    if numbers_last {
        let perm = [0, last + 1].into_iter().chain(1..=last).collect();
        view.push(Op::Move(Move::Transpose { perm }));
    }
    (view, rest)
}

impl CellWords {
    /// The labels of an image, `[C, cells]`.
    pub(in crate::tasks) fn labels(&self, words: &[u32]) -> Vec<f32> {
        let (cells, map) = (self.cells, &words[self.first..][..PLANES * self.cells]);
        let float = |plane: usize, cell: usize| f32::from_bits(map[plane * cells + cell]);
        let class = |cell: usize| map[4 * cells + cell];
        let channel = |at: usize, of: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
            (0..cells).map(|cell| of(at, cell)).collect()
        };
        match self.part {
            Part::Box => {
                let weight = |cell: usize| match (class(cell), self.family) {
                    (UNLABELLED, _) => LossKind::UNLABELLED,
                    (_, Family::Yolov8) => float(5, cell),
                    (_, Family::Yolov5 | Family::Yolox) => 1.0,
                };
                let of = |at: usize, cell: usize| if at < 4 { float(at, cell) } else { weight(cell) };
                (0..5).flat_map(|at| channel(at, &of)).collect()
            }
            Part::Objectness => channel(0, &|_, cell| match (class(cell), self.family) {
                (UNLABELLED, _) => 0.0,
                (_, Family::Yolov5) => float(5, cell),
                (_, Family::Yolox | Family::Yolov8) => 1.0,
            }),
            Part::Class => {
                let of = |at: usize, cell: usize| match (class(cell), self.family) {
                    (UNLABELLED, Family::Yolov8) => 0.0,
                    (UNLABELLED, _) => LossKind::UNLABELLED,
                    (own, _) if own as usize != at => 0.0,
                    (_, Family::Yolov5) => 1.0,
                    (_, Family::Yolox | Family::Yolov8) => float(5, cell),
                };
                (0..self.classes).flat_map(|at| channel(at, &of)).collect()
            }
        }
    }

    /// What training code divides the loss of an image by: YOLOX every part by the cells that answer, YOLOv8 by their scores.
    pub(in crate::tasks) fn divisor(&self, words: &[u32]) -> f64 {
        let map = &words[self.first..][..PLANES * self.cells];
        let answering = (0..self.cells).filter(|cell| map[4 * self.cells + cell] != UNLABELLED);
        match (self.family, self.part) {
            (Family::Yolov8, _) => {
                answering.map(|cell| f64::from(f32::from_bits(map[5 * self.cells + cell]))).sum()
            }
            (Family::Yolox, _) => answering.count() as f64,
            (Family::Yolov5, _) => self.terms(words) as f64,
        }
    }

    /// What the loss of an image is divided by.
    pub(in crate::tasks) fn terms(&self, words: &[u32]) -> usize {
        let classes = &words[self.first + 4 * self.cells..][..self.cells];
        let labelled = classes.iter().filter(|class| **class != UNLABELLED).count();
        match (self.part, self.family) {
            (Part::Box, _) => labelled,
            (Part::Objectness, _) => self.cells,
            (Part::Class, Family::Yolov8) => self.classes * self.cells,
            (Part::Class, Family::Yolov5 | Family::Yolox) => self.classes * labelled,
        }
    }
}
