//! Sums of products of every output channel with every input channel, tap by tap.

use super::cut::{cut, tasks, window};
use super::sum::{Sum, TERMS};
use crate::graph::{Conv2d, Node};
use crate::kernels::conv_weight::{CONV_WEIGHT, ConvWeightParams};
use crate::kernels::conv_weight_depthwise::{CONV_WEIGHT_DEPTHWISE, Taps};
use crate::kernels::conv_weight_grouped::CONV_WEIGHT_GROUPED;
use crate::kernels::{Kernel, Spec};
use crate::plan::lower::step::WORKGROUP;
use crate::plan::lower::{Lowering, Stored};
use crate::plan::{DeviceClass, Grid, Operand, Step, fold};

/// Workgroups that keep all cores of a CPU device busy to the end.
const CPU_WORKGROUPS: u32 = 32;

/// Threads that do so where they share nothing.
const CPU_THREADS: u32 = 2048;

/// Threads that fill a GPU.
const GPU_THREADS: u32 = 1 << 15;

/// Pixels below which a run of its own does not pay.
const LEAST: u32 = 64;

/// A gradient that is to be computed: all of the kernel's parameters but the division into threads.
pub(super) struct Products {
    operands: [Operand; 2],
    params: ConvWeightParams,
    connection: Connection,
}

/// Which outputs see which inputs, and how they are stored.
enum Connection {
    /// All, in groups of whole channel groups.
    Dense { groups: u32 },
    /// Each its own.
    Depthwise,
    /// Any others.
    Grouped { groups: u32 },
}

/// How the work is done.
struct Work {
    kernel: &'static Kernel,
    spec: Spec,
    subgroup: u32,
    /// Threads of a run of a block.
    tasks: u32,
    sum: Sum,
}

/// How many columns lines have, of the equal ones that `pixels` can be cut into.
fn line(pixels: u32) -> u32 {
    if pixels <= TERMS {
        return pixels;
    }
    (LEAST..=TERMS).rev().find(|columns| pixels.is_multiple_of(*columns)).unwrap_or(pixels)
}

impl Products {
    /// The gradient of the weight of `conv` from `x` and `dy`.
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
        let groups = conv.groups as u32;
        let whole = [&x.1, &dy.1].iter().all(|stored| (stored.channels / groups).is_multiple_of(4));
        let connection = if groups == 1 || whole {
            Connection::Dense { groups }
        } else if [x.1.channels, dy.1.channels] == [groups; 2] {
            Connection::Depthwise
        } else {
            Connection::Grouped { groups }
        };
        Self { operands: [x.0, dy.0], params, connection }
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
        Self { operands: [x.0, dy.0], params, connection: Connection::Dense { groups: 1 } }
    }

    /// Adds the steps that compute the output of `node`.
    pub(super) fn lower(mut self, cx: &mut Lowering, node: &Node) {
        let work = self.divide(cx.class);
        let Self { operands: [x, dy], mut params, .. } = self;
        let busy = match cx.class {
            _ if work.subgroup > 0 => {
                CPU_WORKGROUPS.div_ceil(work.tasks.div_ceil(work.subgroup) * params.blocks)
            }
            DeviceClass::Broadcast { .. } => CPU_THREADS.div_ceil(work.tasks * params.blocks),
            DeviceClass::Portable | DeviceClass::Gpu => GPU_THREADS.div_ceil(work.tasks * params.blocks),
        };
        let most = (TERMS / params.out_width).max(1);
        let least = LEAST.div_ceil(params.out_width).min(most);
        let bytes = u64::from(work.sum.size) * 16;
        let fitting = (cx.scratch_bytes / bytes).clamp(1, u64::from(params.lines)) as u32;
        params.span = params.lines.div_ceil(busy).clamp(least, most).max(params.lines.div_ceil(fitting));
        params.spans = params.lines.div_ceil(params.span);
        let grid = match work.subgroup {
            0 => {
                let threads = u64::from(work.tasks * params.blocks) * u64::from(params.spans);
                let [x, z] = fold(threads.div_ceil(u64::from(WORKGROUP)));
                [x, 1, z]
            }
            subgroup => [work.tasks.div_ceil(subgroup), params.blocks, params.spans],
        };
        let sum = Sum { partials: params.spans, ..work.sum };
        let y = sum.place(cx, node);
        let pixels = u64::from(params.lines) * u64::from(params.out_width);
        let weights = params.outputs * params.channels * params.kernel_height * params.kernel_width;
        cx.steps.push(Step {
            node: node.name.clone(),
            op: node.op.name(),
            kernel: work.kernel,
            spec: work.spec,
            params: params.words(),
            operands: vec![x, dy, y],
            grid: Grid::Fixed(grid),
            macs: pixels * u64::from(weights),
        });
        sum.add(cx, node, y);
    }

    /// Chooses a kernel for devices of `class` and sets the blocks that it takes.
    fn divide(&mut self, class: DeviceClass) -> Work {
        let params = &mut self.params;
        let in_groups = params.channels.div_ceil(4);
        let taps = params.kernel_height * params.kernel_width;
        let plain = Sum { size: params.outputs * in_groups * taps, partials: 1, spread: None };
        match self.connection {
            Connection::Dense { groups } => {
                let cut = cut(params, groups, class);
                let tasks = tasks(params, cut.columns);
                params.group_blocks = (params.out_groups / groups).div_ceil(cut.groups);
                params.blocks = params.group_blocks * groups;
                Work { kernel: &CONV_WEIGHT, spec: cut.spec(), subgroup: cut.subgroup, tasks, sum: plain }
            }
            Connection::Depthwise => {
                let (columns, stride) = window(params).unwrap_or((1, 1));
                // SwiftShader, the driver with such subgroups, does not come back from the larger kernel.
                let small = matches!(class, DeviceClass::Broadcast { subgroup: 4 });
                let square = !small && columns == params.kernel_height && columns <= Taps::MOST_ROWS;
                let taken = Taps { rows: if square { columns } else { 1 }, columns, stride };
                let tasks = tasks(params, columns) / taken.rows;
                (params.group_blocks, params.blocks) = (1, params.out_groups);
                let spread = Some([params.outputs, taps]);
                let sum = Sum { size: params.out_groups * taps, partials: 1, spread };
                Work { kernel: &CONV_WEIGHT_DEPTHWISE, spec: taken.spec(), subgroup: 0, tasks, sum }
            }
            Connection::Grouped { groups } => {
                (params.group_blocks, params.blocks) = (params.outputs / groups, params.outputs);
                let (kernel, spec) = (&CONV_WEIGHT_GROUPED, Spec::default());
                Work { kernel, spec, subgroup: 0, tasks: in_groups * taps, sum: plain }
            }
        }
    }
}
