//! Transposed convolutions.

use super::conv::{finish, floats};
use super::step::WORKGROUP;
use super::{DeviceClass, Lowering, PlanError, Stored, activation};
use crate::graph::{ConvTranspose, Node};
use crate::kernels::conv::{self, Finish, Weights, pack_channels};
use crate::kernels::conv_grouped;
use crate::kernels::conv_transpose::{self, CONV_TRANSPOSE, GROUPS, PIXELS, TransposedParams};
use crate::kernels::conv_transpose_broadcast::{self, BLOCKS, CONV_TRANSPOSE_BROADCAST, Cut, WINDOWS};
use crate::kernels::conv_transpose_grouped::{self, CONV_TRANSPOSE_GROUPED};
use crate::plan::{Grid, Step};
use crate::tensor::count;

/// Lowers a transposed convolution.
pub(super) fn lower(cx: &mut Lowering, node: &Node, conv: &ConvTranspose) -> Result<(), PlanError> {
    let output = cx.stored(node.outputs[0]);
    let (x, input) = cx.channels_first(node)?;
    let has_residual = conv.epilogue.has_residual();
    let operands = node.inputs.len() - usize::from(has_residual);
    let taps = count(&conv.kernel);
    let channels = [input.channels as usize, output.channels as usize, conv.groups];
    let values = conv_transpose::turned(floats(cx, node, 1)?, channels, taps);
    let bias = if operands > 2 { floats(cx, node, 2)? } else { &[] };
    let bias = cx.pack(pack_channels(bias, &output.segments));
    let residual = if has_residual { cx.operand(node, operands, &output.segments)?.0 } else { bias };
    let weights = Weights {
        values: &values,
        group_inputs: channels[0] / conv.groups,
        group_outputs: channels[1] / conv.groups,
        taps,
        input: &input.segments,
        output: &output.segments,
    };
    let (function, add) = finish(conv.epilogue);
    let (code, a, b) = activation::code(function);
    let last = Finish { activation: code, add };
    let mut params = TransposedParams {
        a,
        b,
        group_inputs: weights.group_inputs as u32,
        ..geometry(conv, &input, &output)
    };
    let mut operands = vec![x];
    let (kernel, spec, grid) = if let Some(cut) = cut(cx.class_for(weights.stored()), conv, &params) {
        operands.extend([cx.pack_weights(conv::pack(&weights)), bias, residual]);
        params.row_tiles = output.width.div_ceil(2 * BLOCKS);
        params.tiles = output.images * output.height.div_ceil(2) * params.row_tiles;
        let tiles = params.tiles.div_ceil(cut.subgroup);
        let grid = Grid::Tiles { tiles, record: output.record, groups: cut.groups };
        (&CONV_TRANSPOSE_BROADCAST, cut.spec(last), grid)
    } else if conv.groups == 1 {
        operands.extend([cx.pack_weights(conv::pack(&weights)), bias, residual]);
        let tiles = params.tiles.div_ceil(conv_transpose::WORKGROUP);
        let grid = Grid::Tiles { tiles, record: output.record, groups: GROUPS };
        (&CONV_TRANSPOSE, conv_transpose::spec(last), grid)
    } else {
        operands.extend([cx.pack_weights(conv_grouped::pack(&weights)), bias, residual]);
        operands.push(cx.pack(conv_grouped::channels(&weights)));
        let per_group = output.images * output.pixels();
        let grid = Grid::Elements { record: output.record, per_group, workgroup: WORKGROUP };
        (&CONV_TRANSPOSE_GROUPED, conv_transpose_grouped::spec(last), grid)
    };
    operands.push(cx.slot(node.outputs[0]));
    let macs = u64::from(input.images) * u64::from(input.pixels()) * values.len() as u64;
    let (node, op) = (node.name.clone(), node.op.name());
    cx.steps.push(Step { node, op, kernel, spec, params: params.words(), operands, grid, macs });
    Ok(())
}

/// What threads compute where lanes share weights: there are such kernels for the usual windows of stride 2. The number of
/// channel groups of a thread, which no sum sees, leaves few threads without any.
fn cut(class: DeviceClass, conv: &ConvTranspose, params: &TransposedParams) -> Option<Cut> {
    let DeviceClass::Broadcast { subgroup } = class else { return None };
    let window = [params.kernel_height, params.pad_top];
    let known = conv.groups == 1
        && [conv.strides, conv.dilations] == [[2, 2], [1, 1]]
        && [params.kernel_width, params.pad_left] == window
        && WINDOWS.contains(&window)
        && conv_transpose_broadcast::SUBGROUPS.contains(&subgroup);
    // A block of channel groups costs as much as one of them beside what they cost themselves.
    let cost = |groups: &u32| params.out_groups.div_ceil(*groups) * (groups + 1);
    let groups = conv_transpose_broadcast::groups(subgroup).min_by_key(cost)?;
    known.then_some(Cut { window, groups, subgroup })
}

/// The parameters that follow from sizes.
fn geometry(conv: &ConvTranspose, input: &Stored, output: &Stored) -> TransposedParams {
    let [top, left, ..] = conv.margins([input.height as usize, input.width as usize]);
    let step = [0, 1].map(|axis| conv.tap_step(axis));
    // `dilation / gcd`, where `step` is `stride / gcd`.
    let shift = [0, 1].map(|axis| conv.dilations[axis] / (conv.strides[axis] / step[axis]));
    let stride = conv.strides[1] as u32;
    let phase_tiles = output.width.div_ceil(stride).div_ceil(PIXELS);
    let row_tiles = stride.min(output.width) * phase_tiles;
    TransposedParams {
        images: output.images,
        in_record: input.record.0,
        in_groups: input.groups,
        in_height: input.height,
        in_width: input.width,
        out_record: output.record.0,
        out_groups: output.groups,
        out_height: output.height,
        out_width: output.width,
        kernel_height: conv.kernel[0] as u32,
        kernel_width: conv.kernel[1] as u32,
        stride_y: conv.strides[0] as u32,
        stride_x: stride,
        dilation_y: conv.dilations[0] as u32,
        dilation_x: conv.dilations[1] as u32,
        step_y: step[0] as u32,
        step_x: step[1] as u32,
        shift_y: shift[0] as u32,
        shift_x: shift[1] as u32,
        pad_top: top as u32,
        pad_left: left as u32,
        tiles: output.images * output.height * row_tiles,
        row_tiles,
        phase_tiles,
        ..TransposedParams::default()
    }
}
