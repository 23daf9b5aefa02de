//! The loss steps of every kind of task, with their parameters.

use super::agreement::{self, Agreement, Measure};
use super::detection::{Detector, Encoding, Family, Map, Part, Place};
use super::{Norm, Task, TaskKind, normals};
use crate::kernels::loss::Enlarging;
use crate::kernels::loss_agreement::{self, LOSS_AGREEMENT, LossAgreementParams};
use crate::kernels::loss_bce::{self, LOSS_BCE};
use crate::kernels::loss_cosine::{self, LOSS_COSINE};
use crate::kernels::loss_detection::{self, LOSS_DETECTION, LossDetectionParams};
use crate::kernels::loss_l1::{self, LOSS_L1, LossL1Params};
use crate::kernels::loss_segmentation::{self, LOSS_SEGMENTATION};
use crate::kernels::{Kernel, Spec};
use crate::plan::{Enlarged, Grid, Operand, Plan, Port, Step};
use std::collections::BTreeMap;

/// Pixels that one workgroup adds. Always the same, so that a loss depends on nothing but its image.
const SPAN: u32 = 1024;

/// Where the pairs of one step are among a candidate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pairs {
    /// The first one.
    pub base: u32,
    /// Pairs of one image.
    pub partials: u32,
    /// Steps of one level have one mean where losses are means of batches.
    pub level: usize,
}

/// Pixels and level of every step of a task that reads these outputs.
pub(super) fn sizes(task: &Task, ports: &[&Port]) -> Vec<(u32, usize)> {
    match &task.kind {
        TaskKind::Detection(detector, _) => {
            // The mean over a batch is one of each level in YOLOv5's training code alone.
            let level = |map: &Map| if detector.family == Family::Yolov5 { map.level } else { 0 };
            detector.maps.iter().map(|map| (map.cells() as u32, level(map))).collect()
        }
        _ => vec![(pixels(ports[0]), 0)],
    }
}

/// Workgroups of one image for so many pixels.
pub(super) fn partials(pixels: u32) -> u32 {
    pixels.div_ceil(SPAN)
}

/// Pixels of one channel.
pub(super) fn pixels(port: &Port) -> u32 {
    port.shape[2..].iter().product::<usize>() as u32
}

/// Whether the losses of a kind read row-major outputs and not stored ones.
pub(super) fn reads_rows(kind: &TaskKind) -> bool {
    kind.needs_teacher()
}

/// A task on its way into a plan.
pub(super) struct Wanted<'a> {
    pub task: &'a Task,
    pub ports: Vec<&'a Port>,
    pub pairs: &'a [Pairs],
    /// Pairs of one candidate.
    pub stride: u32,
    /// The external buffers of labels and of sums.
    pub labels: usize,
    pub results: usize,
}

impl Wanted<'_> {
    /// The steps, one for each of `pairs`.
    pub(super) fn steps(&self, plan: &Plan) -> Vec<Step> {
        match &self.task.kind {
            TaskKind::Detection(detector, part) => {
                let maps = detector.maps.iter().zip(self.pairs).enumerate();
                maps.map(|(number, (_, pairs))| self.detection((detector, *part), number, pairs)).collect()
            }
            TaskKind::Agreement(agreement) => vec![self.agreement(agreement)],
            kind => vec![self.stored(kind, plan)],
        }
    }

    fn step(
        &self,
        (kernel, spec, params): (&'static Kernel, Spec, Vec<u32>),
        pairs: &Pairs,
        inputs: &[Operand],
    ) -> Step {
        let mut operands = inputs.to_vec();
        operands.extend([Operand::External(self.labels), Operand::External(self.results)]);
        let batch = self.ports[0].shape[0] as u32;
        Step {
            node: self.task.name.clone(),
            op: "Loss",
            kernel,
            spec,
            params,
            operands,
            grid: Grid::Fixed([pairs.partials, batch, 1]),
            macs: 0,
        }
    }

    fn detection(&self, (detector, part): (&Detector, Part), number: usize, pairs: &Pairs) -> Step {
        let map = &detector.maps[number];
        let scores = match part {
            Part::Box | Part::Class => map.classes,
            Part::Objectness => map.objectness.unwrap_or(map.classes),
        };
        let floats = |place: Place| floats(self.ports[place.output]);
        let bins = if let Encoding::Distribution { bins } = detector.encoding { bins } else { 1 };
        let params = LossDetectionParams {
            boxes_floats: floats(map.boxes),
            boxes_first: map.boxes.first as u32,
            boxes_channel: map.boxes.channel as u32,
            boxes_pixel: map.boxes.pixel as u32,
            scores_floats: floats(scores),
            scores_first: scores.first as u32,
            scores_channel: scores.channel as u32,
            scores_pixel: scores.pixel as u32,
            words: detector.target_words() as u32,
            first: detector.target_first(number) as u32,
            pixels: map.cells() as u32,
            width: map.width as u32,
            cell: map.stride as f32,
            anchor_width: map.anchor[0] as f32,
            anchor_height: map.anchor[1] as f32,
            bins: bins as u32,
            classes: detector.classes as u32,
            weight: detector.weight(map) as f32,
            span: SPAN,
            partials: pairs.partials,
            base: pairs.base,
            stride: self.stride,
        };
        let spec = loss_detection::spec(form(detector, part));
        let operand = |place: Place| Operand::External(self.ports[place.output].external);
        let inputs = [operand(map.boxes), operand(scores)];
        self.step((&LOSS_DETECTION, spec, params.words()), pairs, &inputs)
    }

    fn agreement(&self, agreement: &Agreement) -> Step {
        let (port, pairs) = (self.ports[0], &self.pairs[0]);
        let params = LossAgreementParams {
            floats: floats(port),
            first: agreement.first as u32 * pixels(port),
            channels: agreement.channels as u32,
            pixels: pixels(port),
            shortest: agreement::SHORTEST,
            span: SPAN,
            partials: pairs.partials,
            base: pairs.base,
            stride: self.stride,
        };
        let spec = loss_agreement::spec(match agreement.measure {
            Measure::L1 => loss_agreement::DIFFERENCE,
            Measure::Kl => loss_agreement::DIVERGENCE,
            Measure::Cosine => loss_agreement::ANGLE,
        });
        self.step((&LOSS_AGREEMENT, spec, params.words()), pairs, &[Operand::External(port.external)])
    }

    fn stored(&self, kind: &TaskKind, plan: &Plan) -> Step {
        let (port, pairs) = (self.ports[0], &self.pairs[0]);
        let segments = plan.live.segments(port.record);
        let common = Common {
            record: port.record.0,
            groups: segments.iter().map(|segment| segment.channels.div_ceil(4)).sum(),
            segments: segments.len(),
            pixels: pixels(port),
            channels: port.shape[1] as u32,
            partials: pairs.partials,
            base: pairs.base,
            stride: self.stride,
            enlarged: port.enlarged,
        };
        let axes = port.enlarged.map_or(Operand::External(self.labels), |enlarged| enlarged.axes);
        self.step(kernel(kind, &common), pairs, &[port.operand, axes])
    }
}

/// Elements of one image.
fn floats(port: &Port) -> u32 {
    port.shape[1..].iter().product::<usize>() as u32
}

fn form(detector: &Detector, part: Part) -> loss_detection::Form {
    loss_detection::Form {
        part: match part {
            Part::Box => 0,
            Part::Objectness => 1,
            Part::Class => 2,
        },
        family: match detector.family {
            Family::Yolov5 => 0,
            Family::Yolox => 1,
            Family::Yolov8 => 2,
        },
        encoding: match detector.encoding {
            Encoding::Anchors => 0,
            Encoding::Exponential => 1,
            Encoding::Distribution { .. } => 2,
            Encoding::Pixels => 3,
        },
        probabilities: detector.probabilities,
        moving: detector.moving,
    }
}

/// What the parameters of the kernels that read stored outputs have in common.
struct Common {
    record: u32,
    groups: u32,
    segments: usize,
    pixels: u32,
    channels: u32,
    partials: u32,
    base: u32,
    stride: u32,
    enlarged: Option<Enlarged>,
}

impl Common {
    fn enlarging(&self) -> Enlarging {
        match self.enlarged {
            None => Enlarging::Not,
            Some(Enlarged { linear: false, .. }) => Enlarging::Nearest,
            Some(Enlarged { linear: true, .. }) => Enlarging::Linear,
        }
    }

    /// The parameters of [`LOSS_L1`], which those of the others have too.
    fn params(&self) -> LossL1Params {
        let &Self { record, groups, pixels, channels, partials, base, stride, .. } = self;
        let params = LossL1Params {
            record,
            groups,
            pixels,
            channels,
            partials,
            base,
            stride,
            span: SPAN,
            ..Default::default()
        };
        match self.enlarged {
            None => params,
            Some(Enlarged { height, width, in_pixels, in_width, outside, .. }) => {
                LossL1Params { height, width, in_pixels, in_width, outside, ..params }
            }
        }
    }

    /// The parameters of `kernel`: those of [`LOSS_L1`] as far as it has them, and one of its `own`.
    fn words(&self, kernel: &Kernel, own: Option<(&str, f32)>) -> Vec<u32> {
        let shared = LossL1Params::NAMES.iter().copied().zip(self.params().words());
        let own = own.map(|(name, value)| (name, value.to_bits()));
        let words: BTreeMap<&str, u32> = shared.chain(own).collect();
        kernel.params.iter().map(|name| words[name]).collect()
    }
}

fn kernel(kind: &TaskKind, common: &Common) -> (&'static Kernel, Spec, Vec<u32>) {
    let enlarging = common.enlarging();
    let groups = common.groups;
    let distance = |square| (&LOSS_L1, loss_l1::spec(square, enlarging), common.words(&LOSS_L1, None));
    let bce = |weight| {
        (&LOSS_BCE, loss_bce::spec(enlarging), common.words(&LOSS_BCE, Some(("positive_weight", weight))))
    };
    match kind {
        TaskKind::Segmentation | TaskKind::Classification => {
            let held = if common.segments == 1 && groups <= loss_segmentation::HELD { groups } else { 0 };
            let spec = loss_segmentation::spec(enlarging, held);
            (&LOSS_SEGMENTATION, spec, common.words(&LOSS_SEGMENTATION, None))
        }
        TaskKind::Normals => {
            let words = common.words(&LOSS_COSINE, Some(("shortest", normals::SHORTEST)));
            (&LOSS_COSINE, loss_cosine::spec(enlarging), words)
        }
        TaskKind::Depth => distance(false),
        TaskKind::Regression(norm) => distance(*norm == Norm::L2),
        TaskKind::Edges { positive_weight } => bce(*positive_weight),
        TaskKind::Multilabel => bce(1.0),
        TaskKind::Detection(..) | TaskKind::Agreement(_) => {
            unreachable!("these read row-major outputs in steps of their own")
        }
    }
}
