//! 3x3 convolutions as products of transformed windows and weights.

use super::conv::{Convolution, finish};
use super::{Lowering, activation};
use crate::graph::Node;
use crate::kernels::conv::{ConvParams, Finish, Weights, pack_channels};
use crate::kernels::winograd::{self, WORKGROUP, WinogradParams};
use crate::kernels::winograd_input::{self, WINOGRAD_INPUT};
use crate::kernels::winograd_output::{self, WINOGRAD_OUTPUT};
use crate::plan::select::{Geometry, product};
use crate::plan::{Grid, Operand, Step};

/// Lowers a convolution whose windows make `tile` by `tile` outputs, for subgroups of `subgroup` threads.
pub(super) fn lower(
    cx: &mut Lowering,
    node: &Node,
    convolution: &Convolution,
    weights: &Weights,
    [tile, subgroup]: [u32; 2],
) {
    let Convolution { input, output, geometry, .. } = convolution;
    let [tiles_y, tiles_x] = geometry.output.map(|extent| extent.div_ceil(tile));
    let windows = output.images * tiles_y * tiles_x;
    let points = (tile + 2) * (tile + 2);
    let (activation, add) = finish(convolution.epilogue);
    let (code, a, b) = activation::code(activation);
    let params = WinogradParams {
        images: output.images,
        in_record: input.record.0,
        in_groups: input.groups,
        in_height: input.height,
        in_width: input.width,
        out_record: output.record.0,
        out_groups: output.groups,
        out_height: output.height,
        out_width: output.width,
        tiles_y,
        tiles_x,
        pad_top: geometry.margins[0],
        pad_left: geometry.margins[1],
        a,
        b,
    };
    let scratch = |cx: &mut Lowering, groups: u32| {
        cx.scratch(node.outputs[0], (points * groups) as usize * windows as usize * 4)
    };
    let (from, to) = (scratch(cx, input.groups), scratch(cx, output.groups));
    let step = |kernel, spec, operands: &[Operand], record| Step {
        node: node.name.clone(),
        op: node.op.name(),
        kernel,
        spec,
        params: params.words(),
        operands: operands.to_vec(),
        grid: Grid::Elements { record, per_group: windows, workgroup: WORKGROUP },
        macs: 0,
    };
    cx.steps.push(step(&WINOGRAD_INPUT, winograd_input::spec(tile), &[convolution.x, from], input.record));

    let plane =
        Geometry { images: points, output: [1, windows], kernel: [1, 1], margins: [0; 4], ..*geometry };
    let choice = product(subgroup, &plane);
    let packed = cx.pack(winograd::pack(weights, tile));
    let zero = cx.pack(vec![0.0; output.groups as usize * 4]);
    let product = ConvParams {
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
    let pixels = u64::from(output.images) * u64::from(output.pixels());
    let macs = 9 * pixels * u64::from(input.channels) * u64::from(output.channels);
    cx.add_parts(node, choice.parts, (&product.words(), &[from, packed, zero, zero, to]), (output, macs));

    let bias = cx.pack(pack_channels(&convolution.bias, &output.segments));
    let operands = [to, bias, convolution.residual.unwrap_or(bias), cx.slot(node.outputs[0])];
    let spec = winograd_output::spec(tile, Finish { activation: code, add });
    cx.steps.push(step(&WINOGRAD_OUTPUT, spec, &operands, output.record));
}
