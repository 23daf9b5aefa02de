//! A 1x1 convolution of few outputs that alone reads what another one gives, as heads of a network end: both are one step.

use super::Lowering;
use super::conv::Convolution;
use crate::graph::{Epilogue, Node};
use crate::kernels::conv::{Weights, pack, pack_channels};
use crate::kernels::conv_broadcast::CONV_BROADCAST;
use crate::kernels::conv_pair::{CONV_PAIR, GROUPS, begins_with};
use crate::plan::Grid;
use crate::plan::select::Geometry;
use crate::tensor::Dtype;

/// Lets the steps that compute what `next` of `node` reads compute that as well, where each thread of theirs has all channels of
/// its pixels. Sums are the same as before. Tells whether they do. They do not where all values are kept, in training, and in 16
/// bits, where what is between would be rounded.
pub(super) fn join(cx: &mut Lowering, node: &Node, next: &Convolution) -> bool {
    let geometry = &next.geometry;
    let Geometry { images, output, inputs, direct, tile, .. } = *geometry;
    let point = Geometry { inputs, direct, tile, ..Geometry::point(images, output) };
    let plain = *geometry == point && next.residual.is_none() && next.epilogue == Epilogue::Plain;
    let plain = plain && next.output.groups <= GROUPS;
    if !cx.merge || cx.keep_all || cx.dtype == Dtype::F16 || !plain {
        return false;
    }
    let found = firsts(cx, next);
    let Some(&first) = found.first() else { return false };
    let weights = Weights {
        values: &next.weights,
        group_inputs: next.input.channels as usize,
        group_outputs: next.output.channels as usize,
        taps: 1,
        input: &next.input.segments,
        output: &next.output.segments,
    };
    if cx.class_for(weights.stored()) != cx.class || !cx.is_read_once(next.x) || cx.trains() {
        return false;
    }
    let packed = cx.pack_weights(pack(&weights));
    let bias = cx.pack(pack_channels(&next.bias, &next.output.segments));
    let pixels = u64::from(next.output.images) * u64::from(next.output.pixels());
    let macs = pixels * u64::from(next.input.channels) * u64::from(next.output.channels);
    let names = [&node.name, &cx.steps[first].node].map(String::clone);
    cx.merged.insert(node.outputs[0], names);
    for at in found {
        let step = &mut cx.steps[at];
        step.kernel = &CONV_PAIR;
        step.params.extend([next.output.record.0, next.output.groups]);
        step.operands = [&step.operands[..3], &[packed, bias, next.y]].concat();
        step.macs += if step.macs > 0 { macs } else { 0 };
    }
    true
}

/// The steps that compute what `next` reads, where all of them can compute it too.
fn firsts(cx: &Lowering, next: &Convolution) -> Vec<usize> {
    let writes = |at: &usize| cx.steps[*at].operands.last() == Some(&next.x);
    let begins = |at: &usize| {
        let step = &cx.steps[*at];
        let has_all = matches!(step.grid, Grid::Blocks { blocks, .. } if next.input.groups <= blocks.most());
        step.kernel == &CONV_BROADCAST && has_all && begins_with(&step.spec)
    };
    let found: Vec<usize> = (0..cx.steps.len()).filter(writes).collect();
    if found.iter().all(begins) { found } else { Vec::new() }
}
