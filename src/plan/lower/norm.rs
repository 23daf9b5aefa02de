//! Normalisation by statistics of the input: of each channel by itself in one step, of several channels in two.

use super::step::{Dispatch, WORKGROUP};
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::{Node, Norm, Statistics};
use crate::kernels::Spec;
use crate::kernels::live::{Record, StoredSegment};
use crate::kernels::norm_apply::{NORM_APPLY, NormApplyParams};
use crate::kernels::norm_pixels::{NORM_PIXELS, NormPixelsParams};
use crate::kernels::norm_statistics::{NORM_STATISTICS, NormStatisticsParams, spec};
use crate::plan::{Grid, Operand, fold};
use crate::tensor::count;
use std::collections::BTreeSet;

/// From this many pixels on a workgroup shares a set of elements. That of a whole image always does, as the sets of
/// several groups do: one of them may be left.
const SHARED_PIXELS: u32 = 64;

/// What a normalisation reads and writes.
struct Tensors {
    x: Operand,
    coefficients: Coefficients,
    y: Stored,
}

/// Pairs of scales and shifts, and how far apart neighbours are.
struct Coefficients {
    packed: Operand,
    image: u32,
    group: u32,
    pixel: u32,
}

/// Lowers a normalisation.
pub(super) fn lower(cx: &mut Lowering, node: &Node, norm: &Norm) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (x, _) = cx.operand(node, 0, &y.segments)?;
    let shape = cx.shapes[node.outputs[0].0].clone();
    match norm.statistics {
        Statistics::Instance => {
            let run = y.pixels();
            let coefficients = per_channel(cx, node, &y)?;
            by_itself(cx, node, &Tensors { x, coefficients, y }, run, norm.epsilon);
        }
        Statistics::Group { groups } => {
            let coefficients = per_channel(cx, node, &y)?;
            let tensors = Tensors { x, coefficients, y };
            if groups == 1 {
                let run = tensors.y.pixels();
                together(cx, node, &tensors, Set { run, depth: 1, shared: true, epsilon: norm.epsilon });
            } else {
                by_blocks(cx, node, &tensors, groups as u32, norm.epsilon)?;
            }
        }
        Statistics::Layer { axis } if axis > y.axis => {
            let run = count(&shape[axis..]) as u32;
            let coefficients = per_pixel(cx, node)?;
            by_itself(cx, node, &Tensors { x, coefficients, y }, run, norm.epsilon);
        }
        Statistics::Layer { axis } => {
            let inside = (axis.max(1)..shape.len()).filter(|&at| at != y.axis);
            let run = inside.map(|at| shape[at]).product::<usize>() as u32;
            let depth = if axis == 0 { y.images } else { 1 };
            let coefficients = per_element(cx, node, &y, [depth, run])?;
            let shared = run * depth >= SHARED_PIXELS;
            let set = Set { run, depth, shared, epsilon: norm.epsilon };
            together(cx, node, &Tensors { x, coefficients, y }, set);
        }
    }
    Ok(())
}

/// Statistics of every channel alone, over lines of `run` pixels.
fn by_itself(cx: &mut Lowering, node: &Node, tensors: &Tensors, run: u32, epsilon: f32) {
    let Tensors { x, coefficients, y } = tensors;
    let lines = y.pixels() / run;
    let params = NormPixelsParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        groups: y.groups,
        run,
        lines,
        step_group: coefficients.group,
        step_pixel: coefficients.pixel,
        epsilon,
    };
    let operands = vec![*x, coefficients.packed, cx.slot(node.outputs[0])];
    let grid = Grid::Elements { record: y.record, per_group: y.images * lines, workgroup: 1 };
    let (kernel, spec) = (&NORM_PIXELS, Spec::default());
    cx.dispatch(node, Dispatch { kernel, spec, params: params.words(), operands, grid });
}

/// Elements that share statistics: `run` pixels of `depth` images.
struct Set {
    run: u32,
    depth: u32,
    /// Whether a workgroup shares them.
    shared: bool,
    epsilon: f32,
}

/// Statistics over all live channels.
fn together(cx: &mut Lowering, node: &Node, tensors: &Tensors, set: Set) {
    let y = &tensors.y;
    let (images, lines) = (y.images / set.depth, y.pixels() / set.run);
    let params = NormStatisticsParams {
        record: y.record.0,
        images,
        pixels: y.pixels(),
        groups: y.groups,
        run: set.run,
        lines,
        depth: set.depth,
        block: 0,
        blocks: 0,
        epsilon: set.epsilon,
    };
    let sets = images * lines;
    let reduce = u32::from(set.shared);
    let [x, z] = fold(u64::from(if reduce == 1 { sets } else { sets.div_ceil(WORKGROUP) }));
    let statistics = cx.scratch(node.outputs[0], sets as usize * 2);
    let operands = vec![tensors.x, tensors.coefficients.packed, statistics];
    let grid = Grid::Fixed([x, 1, z]);
    let (kernel, spec) = (&NORM_STATISTICS, spec(0, reduce));
    cx.dispatch(node, Dispatch { kernel, spec, params: params.words(), operands, grid });
    let step_image = if set.depth > 1 { 0 } else { lines };
    let steps = Steps { run: set.run, image: step_image, line: 1 };
    apply(cx, node, tensors, &steps, [statistics, tensors.coefficients.packed]);
}

/// Statistics over `count` blocks of channels, each of which goes whole or stays.
fn by_blocks(
    cx: &mut Lowering,
    node: &Node,
    tensors: &Tensors,
    count: u32,
    epsilon: f32,
) -> Result<(), PlanError> {
    let y = &tensors.y;
    let block = y.channels / count;
    let record = block_record(cx, node, y, block)?;
    let places = y.places();
    let mut owners = vec![0; y.groups as usize * 4];
    for (channel, &place) in (0..).zip(&places) {
        owners[place as usize] = channel / block;
    }
    let members = cx.pack(places.into_iter().map(f32::from_bits).collect());
    let owners = cx.pack(owners.into_iter().map(f32::from_bits).collect());
    let params = NormStatisticsParams {
        record: record.0,
        images: y.images,
        pixels: y.pixels(),
        groups: y.groups,
        run: y.pixels(),
        lines: 1,
        depth: 1,
        block,
        blocks: count,
        epsilon,
    };
    let statistics = cx.scratch(node.outputs[0], (y.images * count) as usize * 2);
    let operands = vec![tensors.x, members, statistics];
    let grid = Grid::Elements { record, per_group: y.images, workgroup: 1 };
    let (kernel, spec) = (&NORM_STATISTICS, spec(1, 1));
    cx.dispatch(node, Dispatch { kernel, spec, params: params.words(), operands, grid });
    let steps = Steps { run: y.pixels(), image: count, line: 0 };
    apply(cx, node, tensors, &steps, [statistics, owners]);
    Ok(())
}

/// A channel layout that has one whole channel group for every block of `y`, and lets it live as long as its channels.
fn block_record(cx: &mut Lowering, node: &Node, y: &Stored, block: u32) -> Result<Record, PlanError> {
    let blocks = y.channels / block;
    if y.segments.iter().all(|segment| segment.unit.is_none()) {
        return Ok(cx.live.record(vec![StoredSegment::run(0, 0, 4 * blocks, None)]));
    }
    let (prunable, pinned): (Vec<_>, Vec<_>) = y.segments.iter().partition(|segment| segment.unit.is_some());
    let mut layout = Vec::new();
    for segment in prunable {
        let first = segment.logical.first().map_or(0, |channel| channel / block);
        let adjacent = first * block..first * block + segment.channels;
        match segment.unit {
            Some((unit, channels))
                if channels % block == 0 && adjacent.eq(segment.logical.iter().copied()) =>
            {
                let unit = Some((unit, channels / block * 4));
                layout.push(StoredSegment::run(first, 4 * first, segment.channels / block * 4, unit));
            }
            _ => {
                let reason =
                    format!("channels must go by whole groups of {block}, they are cut as {segment:?}");
                return Err(unsupported(node, reason));
            }
        }
    }
    let stay: BTreeSet<u32> = pinned.iter().flat_map(|s| &s.logical).map(|channel| channel / block).collect();
    layout.extend(stay.into_iter().map(|first| StoredSegment::run(first, 4 * first, 4, None)));
    Ok(cx.live.record(layout))
}

/// How statistics lie: pixels that share them, and their distance from image to image and line to line.
struct Steps {
    run: u32,
    image: u32,
    line: u32,
}

fn apply(
    cx: &mut Lowering,
    node: &Node,
    tensors: &Tensors,
    steps: &Steps,
    [statistics, owners]: [Operand; 2],
) {
    let Tensors { x, coefficients, y } = tensors;
    let params = NormApplyParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        groups: y.groups,
        run: steps.run,
        step_image: steps.image,
        step_line: steps.line,
        pair_image: coefficients.image,
        pair_group: coefficients.group,
        pair_pixel: coefficients.pixel,
    };
    let blocks = u32::from(owners != coefficients.packed);
    let operands = vec![*x, statistics, coefficients.packed, owners, cx.slot(node.outputs[0])];
    let spec = Spec(vec![("blocks", blocks)]);
    let (kernel, grid) = (&NORM_APPLY, y.elements());
    cx.dispatch(node, Dispatch { kernel, spec, params: params.words(), operands, grid });
}

/// The scale and the shift of a node.
fn parameters<'a>(cx: &Lowering<'a>, node: &Node) -> Result<[&'a [f32]; 2], PlanError> {
    let floats = |input: usize| {
        cx.constant(node, input)?.f32s().map_err(|error| unsupported(node, format!("input {input}: {error}")))
    };
    Ok([floats(1)?, floats(2)?])
}

/// One pair for every channel.
fn per_channel(cx: &mut Lowering, node: &Node, y: &Stored) -> Result<Coefficients, PlanError> {
    let [scale, shift] = parameters(cx, node)?;
    let mut pairs = vec![0.0; y.groups as usize * 8];
    for (channel, place) in y.places().into_iter().enumerate() {
        let at = (place / 4 * 8 + place % 4) as usize;
        (pairs[at], pairs[at + 4]) = (scale[channel], shift[channel]);
    }
    Ok(Coefficients { packed: cx.pack(pairs), image: 0, group: 1, pixel: 0 })
}

/// One pair for every pixel of a line, the same for all channels.
fn per_pixel(cx: &mut Lowering, node: &Node) -> Result<Coefficients, PlanError> {
    let [scale, shift] = parameters(cx, node)?;
    let pairs = scale.iter().zip(shift).flat_map(|(&scale, &shift)| [[scale; 4], [shift; 4]].concat());
    Ok(Coefficients { packed: cx.pack(pairs.collect()), image: 0, group: 0, pixel: 1 })
}

/// One pair for every channel of `run` pixels of `depth` images, from parameters in the order of axes of the value.
fn per_element(
    cx: &mut Lowering,
    node: &Node,
    y: &Stored,
    [depth, run]: [u32; 2],
) -> Result<Coefficients, PlanError> {
    let [scale, shift] = parameters(cx, node)?;
    let shape = &cx.shapes[node.outputs[0].0];
    let inner = count(&shape[(y.axis + 1).min(shape.len())..]);
    let (channels, run) = (y.channels as usize, run as usize);
    let mut pairs = vec![0.0; (depth * y.groups) as usize * run * 8];
    for (channel, place) in y.places().into_iter().enumerate() {
        for pixel in 0..depth as usize * run {
            let (image, pixel) = (pixel / run, pixel % run);
            let outer = image * (run / inner) + pixel / inner;
            let logical = (outer * channels + channel) * inner + pixel % inner;
            let texel = (image * y.groups as usize + (place / 4) as usize) * run + pixel;
            let at = texel * 8 + (place % 4) as usize;
            (pairs[at], pairs[at + 4]) = (scale[logical], shift[logical]);
        }
    }
    let (pixel, group) = (1, run as u32);
    Ok(Coefficients {
        packed: cx.pack(pairs),
        image: if depth > 1 { y.groups * group } else { 0 },
        group,
        pixel,
    })
}
