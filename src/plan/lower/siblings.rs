//! Convolutions that read one value in the same way, as the heads of a multitask network do: one of all their outputs.

use super::conv::{Convolution, convolution};
use super::{Lowering, part};
use crate::graph::{Conv2d, Node, Op, ValueId};
use crate::kernels::conv::Weights;
use crate::kernels::live::StoredSegment;
use crate::plan::Operand;
use crate::plan::select::{Connection, windows};

impl Lowering<'_> {
    /// Whether a step of another node computes `value`.
    pub(super) fn is_merged(&self, value: ValueId) -> bool {
        self.merged.contains_key(&value)
    }

    /// Whether the graph computes gradients: every constant must be found again then.
    pub(super) fn trains(&self) -> bool {
        self.graph.nodes.iter().any(|node| matches!(node.op, Op::Training(_)))
    }
}

/// The convolution `first` of `node`, with the outputs of its siblings behind its own: all are parts of one buffer then. The
/// sum of every output is the same as before. It stays as it is where it has none, where the batch is larger (values of
/// several images do not lie together), and in training, where every constant must be found again.
pub(super) fn merged<'a>(cx: &mut Lowering<'a>, node: &Node, first: Convolution<'a>) -> Convolution<'a> {
    let Op::Conv(conv) = &node.op else { return first };
    if !cx.merge || first.output.images != 1 || first.x != cx.slot(node.inputs[0]) || !mergeable(cx, &first) {
        return first;
    }
    let graph = cx.graph;
    let alike = |other: &&Node| match &other.op {
        Op::Conv(its) => {
            other.outputs != node.outputs && other.inputs[0] == node.inputs[0] && same(conv, its)
        }
        _ => false,
    };
    let others: Vec<&Node> = graph.nodes.iter().filter(alike).collect();
    if others.is_empty() || cx.trains() {
        return first;
    }
    let mut all = vec![(node, first)];
    for other in others {
        let Op::Conv(conv) = &other.op else { continue };
        // What cannot be lowered is an error when its turn comes.
        let Ok(found) = convolution(cx, other, conv) else { continue };
        if found.geometry == all[0].1.geometry && mergeable(cx, &found) {
            all.push((other, found));
        }
    }
    join(cx, all)
}

/// Whether two convolutions differ in nothing but their weights and outputs.
fn same(a: &Conv2d, b: &Conv2d) -> bool {
    let general = |conv: &Conv2d| Conv2d { direct: false, whole: None, ..*conv };
    general(a) == general(b) && !a.epilogue.has_residual()
}

/// Whether outputs can be added to it: Winograd's algorithm is chosen by their number.
fn mergeable(cx: &Lowering, convolution: &Convolution) -> bool {
    let geometry = &convolution.geometry;
    geometry.connection == Connection::Dense && windows(cx.class, geometry).is_none()
}

/// One convolution of all that one buffer and one texture hold together.
fn join<'a>(cx: &mut Lowering<'a>, all: Vec<(&Node, Convolution<'a>)>) -> Convolution<'a> {
    let mut all = all.into_iter();
    let Some((first, mut joined)) = all.next() else { unreachable!("there is a first convolution") };
    let mut parts = vec![(first, 0)];
    for (node, other) in all {
        let Some(segments) = segments(cx, &joined, &other) else { continue };
        let (group, channels) = (joined.output.groups, joined.output.channels as usize);
        let mut shape = cx.shapes[node.outputs[0].0].clone();
        shape[1] += channels;
        joined.output = cx.stored_as(&shape, 1, segments);
        joined.weights.to_mut().extend_from_slice(&other.weights);
        let bias = joined.bias.to_mut();
        bias.resize(channels, 0.0);
        bias.extend_from_slice(&other.bias);
        bias.resize(shape[1], 0.0);
        parts.push((node, group));
    }
    if parts.len() > 1 {
        let slot = cx.extra_slot(first.outputs[0], &joined.output);
        for (at, &(node, group)) in parts.iter().enumerate() {
            let part = cx.slot_index(node.outputs[0]);
            let fits = cx.view(part, (slot, &joined.output), group);
            assert!(fits, "its place was checked");
            if at > 0 {
                cx.merged.insert(node.outputs[0], [node, first].map(|node| node.name.clone()));
            }
        }
        joined.y = Operand::Slot(slot);
    }
    joined
}

/// The channel layout of `joined` with the outputs of `other` behind its own, where they can be.
fn segments(cx: &Lowering, joined: &Convolution, other: &Convolution) -> Option<Vec<StoredSegment>> {
    let (own, new) = (&joined.output, &other.output);
    let moved = new.segments.iter().map(|segment| StoredSegment {
        first_group: segment.first_group + own.groups,
        channels: segment.channels,
        logical: segment.logical.iter().map(|channel| channel + own.channels).collect(),
        unit: segment.unit,
    });
    let segments: Vec<StoredSegment> = own.segments.iter().cloned().chain(moved).collect();
    let taps = joined.geometry.kernel[0] * joined.geometry.kernel[1];
    let weights = Weights {
        values: &[],
        group_inputs: joined.input.channels as usize,
        group_outputs: (own.channels + new.channels) as usize,
        taps: taps as usize,
        input: &joined.input.segments,
        output: &segments,
    };
    let fits = part::is_aligned(own, own.groups)
        && 4 * (own.floats() + new.floats()) as u64 <= cx.scratch_bytes
        && cx.class_for(weights.stored()) == cx.class;
    fits.then_some(segments)
}
