//! Detection: what a detector's outputs mean, which cells answer for which labelled boxes, the three losses, and mean
//! average precision. `docs/detection.md` says the same in words.

mod assign;
mod average_precision;
mod decode;
mod goals;
mod layout;
mod loss;
mod meter;
mod nms;
mod rect;
mod targets;

pub use average_precision::AveragePrecision;
pub use layout::Format;
pub use nms::{Found, LARGEST_OVERLAP, LEAST_SCORE, MOST, suppress};
pub use rect::Rect;
pub use targets::{PLANES, Target, Truth};

pub(super) use goals::{CellWords, MapGoal};
pub(super) use loss::loss;
pub(super) use meter::Precision;

/// Whose way of detecting it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Anchors, objectness, CIoU.
    Yolov5,
    /// No anchors, objectness, squared IoU, dynamic assignment (SimOTA).
    Yolox,
    /// No anchors, no objectness, CIoU, assignment by alignment (TAL).
    Yolov8,
}

/// A part of a detector's loss: a task of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// How far boxes are from the labelled ones.
    Box,
    /// Whether there is something in a cell.
    Objectness,
    /// What it is.
    Class,
}

/// How numbers become boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Centre `2 sigmoid(x) - 0.5` cells from the cell's corner, size `(2 sigmoid(w))^2` anchors.
    Anchors,
    /// Centre `x` cells from the cell's corner, size `exp(w)` cells.
    Exponential,
    /// For each side `bins` logits; the distance from the cell's centre in cells is the mean of their softmax.
    Distribution {
        /// Logits of a side.
        bins: usize,
    },
    /// Centre and size in pixels of the input, as exporters decode them.
    Pixels,
}

/// A detector: how its outputs are laid out and what they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    /// The family.
    pub family: Family,
    /// The number of classes.
    pub classes: usize,
    /// How boxes are encoded.
    pub encoding: Encoding,
    /// Whether scores are probabilities, or else logits.
    pub probabilities: bool,
    /// Whether the targets of objectness (YOLOv5) and of classes (YOLOX) are the overlaps of the boxes that the network
    /// finds itself, as in training, and not those that the unpruned network found.
    pub moving: bool,
    /// The outputs' dimensions without the batch, in the order of the task's outputs.
    pub outputs: Vec<Vec<usize>>,
    /// The maps of cells: one for each anchor of each stride.
    pub maps: Vec<Map>,
}

/// One map of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Which stride of the detector it belongs to.
    pub level: usize,
    /// Pixels of the input from cell to cell.
    pub stride: f64,
    /// Rows of cells.
    pub height: usize,
    /// Cells of a row.
    pub width: usize,
    /// Width and height of the anchor in pixels; zeros where there are no anchors.
    pub anchor: [f64; 2],
    /// What the level counts in the mean of objectness losses.
    pub balance: f64,
    /// Where its boxes are.
    pub boxes: Place,
    /// Where its objectness is.
    pub objectness: Option<Place>,
    /// Where its classes are.
    pub classes: Place,
}

/// Where numbers of cells are in an output: number `channel` of cell `pixel` of an image is element
/// `first + channel * self.channel + pixel * self.pixel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The output, by its place among the task's.
    pub output: usize,
    /// Where that output begins when all outputs of an image stand one after another.
    pub origin: usize,
    /// The first number of the first cell.
    pub first: usize,
    /// From number to number.
    pub channel: usize,
    /// From cell to cell.
    pub pixel: usize,
}

impl Part {
    /// All parts, in the order of their tasks.
    pub const ALL: [Self; 3] = [Self::Box, Self::Objectness, Self::Class];

    /// What its task's name ends in.
    pub fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Objectness => "objectness",
            Self::Class => "class",
        }
    }
}

impl Family {
    /// By the name in a tasks file.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "yolov5" => Some(Self::Yolov5),
            "yolox" => Some(Self::Yolox),
            "yolov8" => Some(Self::Yolov8),
            _ => None,
        }
    }

    /// The overlap that its losses are made of.
    pub(super) fn overlap(self, found: &Rect, labelled: &Rect) -> f64 {
        match self {
            Self::Yolov5 | Self::Yolov8 => found.complete_overlap(labelled),
            Self::Yolox => found.smooth_overlap(labelled),
        }
    }
}

impl Detector {
    /// The parts that its loss has. YOLOv8 has no objectness; YOLOv5 has no class loss where there is only one class.
    pub fn parts(&self) -> Vec<Part> {
        let has = |part: &Part| match (part, self.family) {
            (Part::Objectness, Family::Yolov8) => false,
            (Part::Class, Family::Yolov5) => self.classes > 1,
            (Part::Box | Part::Objectness | Part::Class, _) => true,
        };
        Part::ALL.into_iter().filter(has).collect()
    }

    /// The same detector with targets that follow the network, as in training.
    pub fn moving(&self) -> Self {
        Self { moving: true, ..self.clone() }
    }

    /// Cells of all maps.
    pub fn cells(&self) -> usize {
        self.maps.iter().map(Map::cells).sum()
    }

    /// What the objectness loss of a cell of `map` weighs. Where sums are added over levels, the mean over all cells is
    /// the sum of the levels' means, each times its balance; moving targets go with means that are taken of each level.
    pub fn weight(&self, map: &Map) -> f64 {
        if self.moving {
            return map.balance;
        }
        let level: usize = self.maps.iter().filter(|other| other.level == map.level).map(Map::cells).sum();
        map.balance * self.cells() as f64 / level as f64
    }
}

impl Map {
    /// Cells of the map.
    pub fn cells(&self) -> usize {
        self.height * self.width
    }

    /// Column and row of a cell.
    pub fn position(&self, cell: usize) -> [f64; 2] {
        [(cell % self.width) as f64, (cell / self.width) as f64]
    }

    /// The middle of a cell in pixels of the input.
    pub fn middle(&self, cell: usize) -> [f64; 2] {
        self.position(cell).map(|at| (at + 0.5) * self.stride)
    }
}
