//! The losses of a plan: one step per task, their label buffers, and how the sums they write are read.

use super::{Loss, Norm, Task, TaskError, TaskKind, normals};
use crate::kernels::loss_bce::{LOSS_BCE, LossBceParams};
use crate::kernels::loss_cosine::{LOSS_COSINE, LossCosineParams};
use crate::kernels::loss_l1::{self, LOSS_L1, LossL1Params};
use crate::kernels::loss_segmentation::{LOSS_SEGMENTATION, LossSegmentationParams};
use crate::kernels::{Kernel, Spec};
use crate::plan::{Grid, Operand, Plan, Port, Step};

/// Pixels that one workgroup adds. Always the same, so that a loss depends on nothing but its image.
const SPAN: u32 = 1024;

/// What [`attach`] added to a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Scoring {
    /// For every task: the external buffer of its labels, a batch of [`super::Samples::labels`] one after another.
    pub labels: Vec<LabelBuffer>,
    /// The external buffer of the sums.
    pub results: usize,
    /// Words of one candidate in it.
    pub words: usize,
    parts: Vec<Part>,
}

/// A buffer of label words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelBuffer {
    /// Its external index.
    pub external: usize,
    /// Words of one image.
    pub words: usize,
}

/// Where the pairs of one task are among a candidate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    base: u32,
    partials: u32,
}

/// What the parameters of every loss kernel have in common.
struct Common {
    record: u32,
    groups: u32,
    pixels: u32,
    channels: u32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
}

/// Where every task's pairs are, and how many a candidate has.
struct Layout {
    ports: Vec<Port>,
    parts: Vec<Part>,
    stride: u32,
}

impl Layout {
    fn new(plan: &Plan, tasks: &[Task]) -> Result<Self, TaskError> {
        let mut layout = Self { ports: Vec::new(), parts: Vec::new(), stride: 0 };
        for task in tasks {
            let outputs = plan.outputs.iter().map(|port| (port.name.as_str(), port.shape.as_slice()));
            let port = &plan.outputs[task.find(outputs)?];
            if port.shape[0] != plan.batch {
                let reason =
                    format!("expected one result per image ({}), found {}", plan.batch, port.shape[0]);
                return Err(TaskError::Output {
                    task: task.name.clone(),
                    output: task.output.clone(),
                    reason,
                });
            }
            let partials = pixels(port).div_ceil(SPAN);
            layout.parts.push(Part { base: layout.stride, partials });
            layout.stride += partials * plan.batch as u32;
            layout.ports.push(port.clone());
        }
        Ok(layout)
    }
}

/// Bytes of the sums of one candidate: [`attach`] adds a buffer of that much for each.
///
/// # Errors
/// As [`attach`].
pub fn result_bytes(plan: &Plan, tasks: &[Task]) -> Result<u64, TaskError> {
    Ok(8 * u64::from(Layout::new(plan, tasks)?.stride))
}

/// Adds the loss steps of `tasks` to a plan, with buffers for labels and for the sums of up to `candidates`
/// candidates, whose index is word 0 of their live table.
///
/// # Errors
/// Where a task names no output of the plan or one of another form.
pub fn attach(plan: &mut Plan, tasks: &[Task], candidates: usize) -> Result<Scoring, TaskError> {
    let Layout { ports, parts, stride } = Layout::new(plan, tasks)?;
    let results = plan.externals.len() + tasks.len();
    let mut labels = Vec::new();
    for ((task, port), part) in tasks.iter().zip(&ports).zip(&parts) {
        let words = task.kind.label_words(port.shape[1], pixels(port) as usize);
        let external = plan.externals.len();
        plan.externals.push((plan.batch * words * 4) as u64);
        labels.push(LabelBuffer { external, words });
        let stored = plan.live.segments(port.record).iter().map(|segment| segment.channels.div_ceil(4)).sum();
        let common = Common {
            record: port.record.0,
            groups: stored,
            pixels: pixels(port),
            channels: port.shape[1] as u32,
            span: SPAN,
            partials: part.partials,
            base: part.base,
            stride,
        };
        let (kernel, spec, params) = kernel(task.kind, &common);
        plan.losses.push(Step {
            node: task.name.clone(),
            op: "Loss",
            kernel,
            spec,
            params,
            operands: vec![Operand::Slot(port.slot), Operand::External(external), Operand::External(results)],
            grid: Grid::Fixed([part.partials, plan.batch as u32, 1]),
            macs: 0,
        });
    }
    let words = 2 * stride as usize;
    plan.externals.push((candidates * words * 4) as u64);
    Ok(Scoring { labels, results, words, parts })
}

fn pixels(port: &Port) -> u32 {
    port.shape[2..].iter().product::<usize>() as u32
}

fn kernel(kind: TaskKind, common: &Common) -> (&'static Kernel, Spec, Vec<u32>) {
    let &Common { record, groups, pixels, channels, span, partials, base, stride } = common;
    let distance = |square| {
        let params = LossL1Params { record, groups, pixels, channels, span, partials, base, stride };
        (&LOSS_L1, loss_l1::spec(square), params.words())
    };
    let bce = |positive_weight| {
        let params =
            LossBceParams { record, groups, pixels, channels, positive_weight, span, partials, base, stride };
        (&LOSS_BCE, Spec::default(), params.words())
    };
    match kind {
        TaskKind::Segmentation | TaskKind::Classification => {
            let params = LossSegmentationParams { record, groups, pixels, span, partials, base, stride };
            (&LOSS_SEGMENTATION, Spec::default(), params.words())
        }
        TaskKind::Normals => {
            let shortest = normals::SHORTEST;
            let params =
                LossCosineParams { record, groups, pixels, channels, shortest, span, partials, base, stride };
            (&LOSS_COSINE, Spec::default(), params.words())
        }
        TaskKind::Depth => distance(false),
        TaskKind::Regression(norm) => distance(norm == Norm::L2),
        TaskKind::Edges { positive_weight } => bce(positive_weight),
        TaskKind::Multilabel => bce(1.0),
    }
}

impl Scoring {
    /// Adds the sums of the first `images` images of a batch to `losses`, one per task. `words` is one candidate's
    /// part of the results buffer. Images and their parts are added one by one in order: a total over many batches
    /// does not depend on where they were cut.
    pub fn add(&self, words: &[f32], images: usize, losses: &mut [Loss]) {
        for (part, loss) in self.parts.iter().zip(losses) {
            let first = 2 * part.base as usize;
            let pairs = words[first..].chunks_exact(2).take(images * part.partials as usize);
            for pair in pairs {
                loss.add(Loss { sum: f64::from(pair[0]), count: f64::from(pair[1]) });
            }
        }
    }
}
