//! One part of a detector's loss over one map of cells.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`LOSS_DETECTION`]. Number `c` of cell `i` of an image's boxes is element
    /// `image * boxes_floats + boxes_first + c * boxes_channel + i * boxes_pixel`; scores likewise.
    LossDetectionParams {
        /// Elements of one image of the output with boxes.
        boxes_floats: u32,
        /// The first number of the first box.
        boxes_first: u32,
        /// From number to number of a box.
        boxes_channel: u32,
        /// From box to box.
        boxes_pixel: u32,
        /// Elements of one image of the output with scores.
        scores_floats: u32,
        /// The first score of the first cell.
        scores_first: u32,
        /// From score to score of a cell.
        scores_channel: u32,
        /// From cell to cell.
        scores_pixel: u32,
        /// Target words of one image.
        words: u32,
        /// The map's first target word.
        first: u32,
        /// Cells of the map.
        pixels: u32,
        /// Cells of a row.
        width: u32,
        /// Pixels of the input from cell to cell.
        cell: f32,
        /// Width of the anchor in pixels.
        anchor_width: f32,
        /// Height of the anchor in pixels.
        anchor_height: f32,
        /// Logits of one side of a box.
        bins: u32,
        /// Classes.
        classes: u32,
        /// The weight of a cell's objectness.
        weight: f32,
        /// Cells that one workgroup adds.
        span: u32,
        /// Workgroups of one image.
        partials: u32,
        /// The first pair among a candidate's.
        base: u32,
        /// Pairs of one candidate.
        stride: u32,
    }
}

/// Tensors: the row-major outputs with boxes and with scores, which may be the same, target words, and the results: a
/// pair of `f32` (sum, count) for each `[candidate][image, partial]`. Workgroups are `[partials, images, 1]`.
pub static LOSS_DETECTION: Kernel = Kernel {
    name: "loss_detection",
    source: include_str!("../../shaders/loss_detection.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: LossDetectionParams::NAMES,
    variants,
};

/// What is compared, and how outputs are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// 0 boxes, 1 objectness, 2 classes.
    pub part: u32,
    /// 0 YOLOv5, 1 YOLOX, 2 YOLOv8.
    pub family: u32,
    /// 0 anchors, 1 exponents, 2 distributions, 3 pixels.
    pub encoding: u32,
    /// Whether scores are probabilities and not logits.
    pub probabilities: bool,
    /// Whether targets are the overlaps of the network's own boxes.
    pub moving: bool,
}

/// The specialisation for a form. What does not matter to a part does not make a pipeline of its own.
pub fn spec(form: Form) -> Spec {
    let Form { part, family, encoding, probabilities, moving } = form;
    let follows = moving && matches!((part, family), (1, 0) | (2, 1));
    let boxes = part == 0 || follows;
    Spec(vec![
        ("part", part),
        ("family", family),
        ("encoding", if boxes { encoding } else { 0 }),
        ("probabilities", u32::from(probabilities && part != 0)),
        ("moving", u32::from(follows)),
    ])
}

fn variants() -> Vec<Spec> {
    let mut specs = Vec::new();
    for part in 0..3 {
        for family in (0..3).filter(|&family| (part, family) != (1, 2)) {
            for encoding in [family, 3] {
                for (probabilities, moving) in [(false, false), (false, true), (true, false), (true, true)] {
                    let spec = spec(Form { part, family, encoding, probabilities, moving });
                    if !specs.contains(&spec) {
                        specs.push(spec);
                    }
                }
            }
        }
    }
    specs
}
