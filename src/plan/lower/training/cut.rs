//! How the work of the gradient of a weight is cut into threads.

use crate::kernels::conv_weight::{ConvWeightParams, Cut, WINDOWS, most_groups};
use crate::plan::DeviceClass;

/// What threads of a dense kernel compute on devices of `class`: what is fastest by a model of their loads and
/// multiplications.
pub(super) fn cut(params: &ConvWeightParams, groups: u32, class: DeviceClass) -> Cut {
    let subgroups = match class {
        DeviceClass::Portable | DeviceClass::Gpu => vec![0],
        DeviceClass::Broadcast { subgroup } => vec![subgroup, 0],
    };
    let group_groups = params.out_groups / groups;
    // Blocks are of one group of the convolution.
    let fits = |cut: &Cut| groups == 1 || group_groups.is_multiple_of(cut.groups);
    let few = |cut: &Cut| matches!(class, DeviceClass::Broadcast { .. }) || cut.groups * cut.columns <= 3;
    let cuts = [(1, 1)].into_iter().chain(window(params)).flat_map(|(columns, stride)| {
        subgroups.iter().flat_map(move |&subgroup| {
            let sizes = 1..=most_groups(columns, subgroup);
            sizes.map(move |groups| Cut { columns, stride, groups, subgroup })
        })
    });
    let cost = |cut: &Cut| f64::from(group_groups.div_ceil(cut.groups)) * cost(params, *cut);
    let found = cuts.filter(fits).filter(few).min_by(|a, b| cost(a).total_cmp(&cost(b)));
    found.unwrap_or(Cut { columns: 1, stride: 1, groups: 1, subgroup: subgroups[0] })
}

/// The kernel columns and the stride of `params` if there is a kernel for whole rows of taps.
pub(super) fn window(params: &ConvWeightParams) -> Option<(u32, u32)> {
    let window = (params.kernel_width, params.stride_x);
    (params.dilation_x == 1 && WINDOWS.contains(&window)).then_some(window)
}

/// What a pixel of a block of `cut` costs, in cycles of 8 lanes of a CPU device.
fn cost(params: &ConvWeightParams, cut: Cut) -> f64 {
    const LANES: u32 = 8;
    const LOAD: f64 = 72.0;
    const MULTIPLY: f64 = 1.2;
    let tasks = tasks(params, cut.columns);
    let (turns, dy_loads) = match cut.subgroup {
        0 => (f64::from(tasks) / f64::from(LANES), f64::from(cut.groups)),
        lanes => (f64::from(tasks.div_ceil(lanes)), f64::from(cut.groups) / f64::from(lanes)),
    };
    let loads = f64::from(cut.stride.min(cut.columns)) + dy_loads;
    turns * (LOAD * loads + MULTIPLY * f64::from(16 * cut.groups * cut.columns))
}

/// Threads of a run of a block: channel groups of inputs times taps, or rows of taps.
pub(super) fn tasks(params: &ConvWeightParams, columns: u32) -> u32 {
    let rows = params.kernel_height * if columns > 1 { 1 } else { params.kernel_width };
    params.channels.div_ceil(4) * rows
}
