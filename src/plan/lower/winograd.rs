//! 3x3 convolutions as products of transformed windows and weights.

use super::Lowering;
use super::conv::Convolution;
use crate::graph::Node;
use crate::kernels::conv::{ConvParams, Weights, pack_channels};
use crate::kernels::winograd::{self, WORKGROUP, WinogradParams};
use crate::kernels::winograd_input::{self, WINOGRAD_INPUT};
use crate::kernels::winograd_output::{self, WINOGRAD_OUTPUT};
use crate::plan::select::{Geometry, product};
use crate::plan::{Grid, Operand, Step};

/// Lowers a convolution whose windows make `tile` by `tile` outputs, for subgroups of `subgroup` threads: as many rows of
/// windows at a time as [`Lowering::scratch_bytes`] lets be transformed. What a window gives does not depend on that.
pub(super) fn lower(
    cx: &mut Lowering,
    node: &Node,
    convolution: &Convolution,
    weights: &Weights,
    [tile, subgroup]: [u32; 2],
) {
    let Convolution { input, output, geometry, .. } = convolution;
    let [tiles_y, tiles_x] = geometry.output.map(|extent| extent.div_ceil(tile));
    let points = (tile + 2) * (tile + 2);
    let all_rows = output.images * tiles_y;
    let row_bytes = u64::from(points * tiles_x * input.groups.max(output.groups)) * 16;
    let fitting = (cx.scratch_bytes / row_bytes).clamp(1, u64::from(all_rows)) as u32;
    let most = all_rows.div_ceil(all_rows.div_ceil(fitting));
    let scratch = |cx: &mut Lowering, groups: u32| {
        cx.scratch(node.outputs[0], (points * groups) as usize * (most * tiles_x) as usize * 4)
    };
    let (before, after) = (scratch(cx, input.groups), scratch(cx, output.groups));
    let packed = cx.pack(winograd::pack(weights, tile));
    let zero = cx.pack(vec![0.0; output.groups as usize * 4]);
    let bias = cx.pack(pack_channels(&convolution.bias, &output.segments));
    let last = [after, bias, convolution.residual.unwrap_or(bias), convolution.y];
    let (finish, [a, b]) = convolution.finish();
    let output_spec = winograd_output::spec(tile, finish);
    let pixels = u64::from(output.images) * u64::from(output.pixels());
    let macs = 9 * pixels * u64::from(input.channels) * u64::from(output.channels);
    for first_row in (0..all_rows).step_by(most as usize) {
        let rows = most.min(all_rows - first_row);
        let windows = WinogradParams { tiles_y, tiles_x, first_row, rows, a, b, ..params(convolution) };
        let transform = |kernel, spec, operands: &[Operand], record| Step {
            node: node.name.clone(),
            op: node.op.name(),
            kernel,
            spec,
            params: windows.words(),
            operands: operands.to_vec(),
            grid: Grid::Elements { record, per_group: rows * tiles_x, workgroup: WORKGROUP },
            macs: 0,
        };
        let first = [convolution.x, before];
        cx.steps.push(transform(&WINOGRAD_INPUT, winograd_input::spec(tile), &first, input.record));
        let operands = [before, packed, zero, zero, zero, after];
        let share = (u64::from(first_row + rows) * macs / u64::from(all_rows))
            - (u64::from(first_row) * macs / u64::from(all_rows));
        multiply(cx, node, convolution, &operands, ([subgroup, points, rows * tiles_x], share));
        cx.steps.push(transform(&WINOGRAD_OUTPUT, output_spec.clone(), &last, output.record));
    }
}

/// The parameters of the transforms that do not depend on their windows.
fn params(convolution: &Convolution) -> WinogradParams {
    let Convolution { input, output, geometry, .. } = convolution;
    let [enlarged_y, enlarged_x] = convolution.enlarged.unwrap_or_default();
    WinogradParams {
        in_record: input.record.0,
        in_groups: input.groups,
        in_height: input.height,
        in_width: input.width,
        out_record: output.record.0,
        out_groups: output.groups,
        out_height: output.height,
        out_width: output.width,
        pad_top: geometry.margins[0],
        pad_left: geometry.margins[1],
        enlarged_y,
        enlarged_x,
        ..WinogradParams::default()
    }
}

/// Adds the products of `points` planes of `windows` windows, which stand for `macs` multiply-accumulates.
fn multiply(
    cx: &mut Lowering,
    node: &Node,
    convolution: &Convolution,
    operands: &[Operand],
    ([subgroup, points, windows], macs): ([u32; 3], u64),
) {
    let Convolution { input, output, geometry, .. } = convolution;
    let plane =
        Geometry { images: points, output: [1, windows], kernel: [1, 1], margins: [0; 4], ..*geometry };
    let choice = product(subgroup, &plane);
    let params = ConvParams {
        images: points,
        in_record: input.record.0,
        in_groups: input.groups,
        in_height: 1,
        in_width: windows,
        out_record: output.record.0,
        out_groups: output.groups,
        out_height: 1,
        out_width: windows,
        kernel_height: 1,
        kernel_width: 1,
        stride_y: 1,
        stride_x: 1,
        dilation_y: 1,
        dilation_x: 1,
        tiles: choice.tiles,
        row_tiles: choice.row_tiles,
        group_inputs: input.channels,
        ..ConvParams::default()
    };
    cx.add_parts(node, choice.parts, (&params.words(), operands), (output, macs));
}
