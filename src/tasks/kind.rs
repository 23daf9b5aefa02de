//! The kinds of task: what each expects of its output and labels, and where its loss and metrics are.

use super::agreement::{self, Agreement};
use super::detection::{self, Detector, Part};
use super::{Frame, Loss, classification, depth, edges, multilabel, normals, regression, segmentation};
use serde::Serialize;
use std::sync::Arc;

/// The label word that says "no label here", of every kind: no class, and as a float not a number.
pub const UNLABELLED: u32 = u32::MAX;

/// The distance of a regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// `|output - label|`.
    L1,
    /// `(output - label)^2`.
    L2,
}

/// A kind of task. Outputs are `[N, C, …]`; labels are words (see [`super::Samples`]).
#[derive(Clone, Debug, PartialEq)]
pub enum TaskKind {
    /// A class per pixel from logits.
    Segmentation,
    /// Metres per pixel, one channel.
    Depth,
    /// A direction per pixel, three channels of any length.
    Normals,
    /// A binary map from logits, one channel.
    Edges {
        /// The weight of a positive pixel, a negative one having 1.
        positive_weight: f32,
    },
    /// A class per image from logits.
    Classification,
    /// Independent yes/no logits per image.
    Multilabel,
    /// Numbers.
    Regression(Norm),
    /// One part of a detector's loss.
    Detection(Arc<Detector>, Part),
    /// Agreement with the unpruned network.
    Agreement(Agreement),
}

/// Where a relative increase is taken of a loss below this, it is taken of this.
pub const LEAST_BASE: f64 = 1e-6;

/// A figure of merit over a set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its value; not a number where nothing was labelled.
    pub value: f64,
    /// Which direction is better.
    pub higher_is_better: bool,
}

/// Gathers metrics over a set, image by image.
pub trait Meter {
    /// Adds one image.
    fn add(&mut self, frame: &Frame<'_>);

    /// The metrics so far; the first is the primary one.
    fn metrics(&self) -> Vec<Metric>;
}

impl TaskKind {
    /// The kinds that a tasks file may name.
    pub const NAMES: [&'static str; 9] = [
        "segmentation",
        "depth",
        "normals",
        "edges",
        "classification",
        "multilabel",
        "regression",
        "detection",
        "agreement",
    ];

    /// The name in the tasks file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Segmentation => Self::NAMES[0],
            Self::Depth => Self::NAMES[1],
            Self::Normals => Self::NAMES[2],
            Self::Edges { .. } => Self::NAMES[3],
            Self::Classification => Self::NAMES[4],
            Self::Multilabel => Self::NAMES[5],
            Self::Regression(_) => Self::NAMES[6],
            Self::Detection(..) => Self::NAMES[7],
            Self::Agreement(_) => Self::NAMES[8],
        }
    }

    /// Says what is wrong with outputs of these shapes `[N, …]`, if anything.
    pub fn check(&self, shapes: &[&[usize]]) -> Result<(), String> {
        if let Self::Detection(detector, _) = self {
            let found: Vec<&[usize]> = shapes.iter().map(|shape| shape.get(1..).unwrap_or(&[])).collect();
            if found == detector.outputs {
                return Ok(());
            }
            return Err(format!("the detector is one of outputs {:?}, found {found:?}", detector.outputs));
        }
        let [[_, channels, rest @ ..]] = shapes else {
            return Err(format!("expected one output [images, channels, …], found {shapes:?}"));
        };
        self.check_size(*channels, rest.iter().product())
    }

    fn check_size(&self, channels: usize, pixels: usize) -> Result<(), String> {
        let (expected, fits) = match self {
            Self::Segmentation => ("at least 2 channels, one per class", channels >= 2),
            Self::Depth => ("1 channel of metres", channels == 1),
            Self::Normals => ("3 channels: x, y, z", channels == 3),
            Self::Edges { .. } => ("1 channel of logits", channels == 1),
            Self::Classification => {
                ("at least 2 channels, one per class, of 1 pixel", channels >= 2 && pixels == 1)
            }
            Self::Multilabel => ("1 pixel", pixels == 1),
            Self::Regression(_) | Self::Detection(..) => ("at least 1 number", channels * pixels > 0),
            Self::Agreement(Agreement { first, channels: compared, .. }) => {
                ("its channels inside the output", *compared > 0 && first + compared <= channels)
            }
        };
        if fits {
            return Ok(());
        }
        Err(format!("{} needs {expected}, found {channels} channels of {pixels} pixels", self.name()))
    }

    /// The words that the loss of one image compares an output of `channels` channels of `pixels` pixels with: one per
    /// pixel where the label is a class, else one per element.
    pub fn label_words(&self, channels: usize, pixels: usize) -> usize {
        match self {
            Self::Segmentation | Self::Classification => pixels,
            Self::Depth | Self::Normals | Self::Edges { .. } | Self::Multilabel | Self::Regression(_) => {
                channels * pixels
            }
            Self::Detection(detector, _) => detector.target_words(),
            Self::Agreement(agreement) => agreement.channels * pixels,
        }
    }

    /// Whether what the loss compares with follows from the unpruned network's outputs.
    pub fn needs_teacher(&self) -> bool {
        match self {
            Self::Detection(..) | Self::Agreement(_) => true,
            Self::Segmentation
            | Self::Depth
            | Self::Normals
            | Self::Edges { .. }
            | Self::Classification
            | Self::Multilabel
            | Self::Regression(_) => false,
        }
    }

    /// Where a relative increase is taken of a loss below this, it is taken of this.
    pub fn floor(&self) -> f64 {
        if let Self::Agreement(agreement) = self { agreement.floor } else { LEAST_BASE }
    }

    /// The loss of one image, in double precision; the frame's labels are what the loss compares with. Where a labelled
    /// position has an output that is not finite, the sum is not a number.
    pub fn loss(&self, frame: &Frame<'_>) -> Loss {
        match self {
            Self::Segmentation => segmentation::loss(frame),
            Self::Depth => depth::loss(frame),
            Self::Normals => normals::loss(frame),
            Self::Edges { positive_weight } => edges::loss(frame, *positive_weight),
            Self::Classification => classification::loss(frame),
            Self::Multilabel => multilabel::loss(frame),
            Self::Regression(norm) => regression::loss(frame, *norm),
            Self::Detection(detector, part) => detection::loss(detector, *part, frame),
            Self::Agreement(agreement) => agreement::loss(agreement, frame),
        }
    }

    /// An empty meter for outputs of `channels` channels.
    pub fn meter(&self, channels: usize) -> Box<dyn Meter> {
        match self {
            Self::Segmentation => Box::new(segmentation::Confusion::new(channels)),
            Self::Depth => Box::new(depth::Errors::default()),
            Self::Normals => Box::new(normals::Angles::default()),
            Self::Edges { .. } => Box::new(edges::Hits::default()),
            Self::Classification => Box::new(classification::Top1::default()),
            Self::Multilabel => Box::new(multilabel::Hits::default()),
            Self::Regression(_) => Box::new(regression::Errors::default()),
            Self::Detection(detector, _) => Box::new(detection::Precision::new(detector)),
            Self::Agreement(agreement) => Box::new(agreement::Agreed::new(*agreement)),
        }
    }
}
