//! Sums of products of every output channel with every input channel, tap by tap.

use super::conv::{TERMS, add_partials, partial_sums};
use crate::graph::{Conv2d, Node};
use crate::kernels::conv_weight::{CONV_WEIGHT, ConvWeightParams, Cut, WINDOWS, most_groups};
use crate::plan::lower::{Lowering, Stored};
use crate::plan::{DeviceClass, Grid, Operand, Step, fold};

/// Workgroups that keep all cores of a CPU device busy to the end.
const CPU_WORKGROUPS: u32 = 32;

/// Threads that fill a GPU.
const GPU_THREADS: u32 = 1 << 15;

/// Pixels below which a run of its own does not pay.
const LEAST: u32 = 64;

/// A gradient that is to be computed: all of the kernel's parameters but the division into threads.
pub(super) struct Products {
    operands: [Operand; 2],
    params: ConvWeightParams,
    groups: u32,
}

/// How many columns lines have, of the equal ones that `pixels` can be cut into.
fn line(pixels: u32) -> u32 {
    if pixels <= TERMS {
        return pixels;
    }
    (LEAST..=TERMS).rev().find(|columns| pixels.is_multiple_of(*columns)).unwrap_or(pixels)
}

impl Products {
    /// The gradient of the weight of `conv` from `x` and `dy`; of several groups, all must be whole channel groups.
    pub(super) fn convolution(conv: &Conv2d, x: (Operand, Stored), dy: (Operand, Stored)) -> Self {
        let size = |stored: &Stored| [stored.height, stored.width];
        let margins = conv.window().margins(size(&x.1).map(|extent| extent as usize)).map(|m| m as u32);
        let plain = margins == [0; 4] && conv.strides == [1, 1] && conv.kernel == [1, 1];
        if plain && x.1.pixels() == 1 && conv.groups == 1 {
            return Self::rows(x, dy);
        }
        let [mut input, mut output] = [size(&x.1), size(&dy.1)];
        if plain && input == output {
            let width = line(x.1.pixels());
            input = [x.1.pixels() / width, width];
            output = input;
        }
        let [kernel, strides, dilations] =
            [conv.kernel, conv.strides, conv.dilations].map(|pair| pair.map(|extent| extent as u32));
        let params = ConvWeightParams {
            outputs: dy.1.channels,
            channels: x.1.channels / conv.groups as u32,
            kernel_height: kernel[0],
            kernel_width: kernel[1],
            stride_y: strides[0],
            stride_x: strides[1],
            dilation_y: dilations[0],
            dilation_x: dilations[1],
            pad_top: margins[0],
            pad_left: margins[1],
            in_height: input[0],
            in_width: input[1],
            out_height: output[0],
            out_width: output[1],
            lines: dy.1.images * output[0],
            out_groups: dy.1.groups,
            x_column: 1,
            x_group: x.1.pixels(),
            x_image: x.1.groups * x.1.pixels(),
            dy_column: 1,
            dy_group: dy.1.pixels(),
            dy_image: dy.1.groups * dy.1.pixels(),
            ..ConvWeightParams::default()
        };
        Self { operands: [x.0, dy.0], params, groups: conv.groups as u32 }
    }

    /// The gradient of a matrix from `x` and `dy`, whose images are rows: they become the pixels of one image.
    pub(super) fn rows(x: (Operand, Stored), dy: (Operand, Stored)) -> Self {
        let rows = x.1.images;
        let width = line(rows);
        let params = ConvWeightParams {
            outputs: dy.1.channels,
            channels: x.1.channels,
            kernel_height: 1,
            kernel_width: 1,
            stride_y: 1,
            stride_x: 1,
            dilation_y: 1,
            dilation_x: 1,
            in_height: rows / width,
            in_width: width,
            out_height: rows / width,
            out_width: width,
            lines: rows / width,
            out_groups: dy.1.groups,
            x_column: x.1.groups,
            x_group: 1,
            dy_column: dy.1.groups,
            dy_group: 1,
            ..ConvWeightParams::default()
        };
        Self { operands: [x.0, dy.0], params, groups: 1 }
    }

    /// Adds the steps that compute the output of `node`.
    pub(super) fn lower(self, cx: &mut Lowering, node: &Node) {
        let cut = self.cut(cx.class);
        let Self { operands: [x, dy], mut params, groups } = self;
        let group_groups = params.out_groups / groups;
        params.group_blocks = group_groups.div_ceil(cut.groups);
        params.blocks = params.group_blocks * groups;
        let taps = params.kernel_height * params.kernel_width;
        let size = params.outputs * params.channels.div_ceil(4) * taps;
        let tasks = params.channels.div_ceil(4) * if cut.columns > 1 { params.kernel_height } else { taps };
        let busy = match cut.subgroup {
            0 => GPU_THREADS.div_ceil(tasks * params.blocks),
            subgroup => CPU_WORKGROUPS.div_ceil(tasks.div_ceil(subgroup) * params.blocks),
        };
        let most = (TERMS / params.out_width).max(1);
        let least = LEAST.div_ceil(params.out_width).min(most);
        let fitting = (cx.scratch_bytes / (u64::from(size) * 16)).clamp(1, u64::from(params.lines)) as u32;
        params.span = params.lines.div_ceil(busy).clamp(least, most).max(params.lines.div_ceil(fitting));
        params.spans = params.lines.div_ceil(params.span);
        let grid = match cut.subgroup {
            0 => {
                let threads = u64::from(tasks * params.blocks) * u64::from(params.spans);
                let [x, z] = fold(threads.div_ceil(u64::from(cut.workgroup())));
                [x, 1, z]
            }
            subgroup => [tasks.div_ceil(subgroup), params.blocks, params.spans],
        };
        let partials = [size, params.spans];
        let y = partial_sums(cx, node, partials);
        let pixels = u64::from(params.lines) * u64::from(params.out_width);
        cx.steps.push(Step {
            node: node.name.clone(),
            op: node.op.name(),
            kernel: &CONV_WEIGHT,
            spec: cut.spec(),
            params: params.words(),
            operands: vec![x, dy, y],
            grid: Grid::Fixed(grid),
            macs: pixels * u64::from(params.outputs * params.channels * taps),
        });
        add_partials(cx, node, y, partials);
    }

    /// What a thread computes on devices of `class`.
    fn cut(&self, class: DeviceClass) -> Cut {
        let params = &self.params;
        let subgroup = match class {
            DeviceClass::Portable | DeviceClass::Gpu => 0,
            DeviceClass::Broadcast { subgroup } => subgroup,
        };
        let window = (params.kernel_width, params.stride_x);
        let window = if params.dilation_x == 1 && WINDOWS.contains(&window) { window } else { (1, 1) };
        let (columns, stride) = window;
        let groups = params.out_groups / self.groups;
        let whole = |size: &u32| self.groups == 1 || groups.is_multiple_of(*size);
        // What a block costs: its groups, and a constant part. Of equal ones the largest.
        let cost = |size: &u32| (groups.div_ceil(*size) * (size + 1), u32::MAX - size);
        let sizes = (1..=most_groups(columns, subgroup)).filter(whole);
        let groups = sizes.min_by_key(cost).unwrap_or(1);
        Cut { columns, stride, groups, subgroup }
    }
}
