//! Gradients of pools and resizes.

use super::adjoint::adjoint;
use crate::graph::{Node, Pool, Resize, Taps};
use crate::kernels::Spec;
use crate::kernels::pool_gradient::{POOL_GRADIENT, PoolGradientParams};
use crate::kernels::pool_gradient_block::{self, KERNELS, POOL_GRADIENT_BLOCK, PoolGradientBlockParams};
use crate::kernels::pool_winner::{MAX_TAPS, POOL_WINNER, PoolWinnerParams};
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, Operand};

/// See [`crate::graph::Training::MaxPool`]: which element of every window is its maximum, then the sum of what those
/// windows got in which an element is.
pub(super) fn max_pool(cx: &mut Lowering, node: &Node, pool: &Pool) -> Result<(), PlanError> {
    let taps = pool.kernel[0] * pool.kernel[1];
    if taps >= MAX_TAPS {
        return Err(unsupported(
            node,
            format!("expected a window of fewer than {MAX_TAPS} taps, found {taps}"),
        ));
    }
    let dx = cx.stored(node.outputs[0]);
    let (dy, windows) = cx.operand(node, 1, &dx.segments)?;
    check_windows(node, pool, &dx, &windows)?;
    let winners = winners(cx, node, pool, &windows)?;
    let margins = pool.window().margins([dx.height as usize, dx.width as usize]);
    let square = pool.kernel[0] == pool.kernel[1] && KERNELS.contains(&(pool.kernel[0] as u32));
    if square && [pool.strides, pool.dilations] == [[2, 2], [1, 1]] {
        blocks(cx, node, (pool.kernel[0] as u32, margins), [(winners, &windows), (dy, &dx)]);
        return Ok(());
    }
    let sizes = [(dx.height, windows.height), (dx.width, windows.width)];
    let mut axes = Vec::with_capacity(4 * (dx.height + dx.width) as usize);
    for (axis, (pixels, windows)) in sizes.into_iter().enumerate() {
        let cover = |pixel: u32| covering(pool, axis, pixel as usize + margins[axis], windows as usize);
        axes.extend((0..pixels).flat_map(cover));
    }
    let axes = cx.pack(axes);
    let out = cx.slot(node.outputs[0]);
    let step = |axis: usize| pool.window().tap_step(axis);
    let shift = |axis: usize| pool.dilations[axis] * step(axis) / pool.strides[axis];
    let params = PoolGradientParams {
        record: dx.record.0,
        images: dx.images,
        width: dx.width,
        height: dx.height,
        groups: dx.groups,
        windows: windows.pixels(),
        windows_x: windows.width,
        kernel_width: pool.kernel[1] as u32,
        shift_y: shift(0) as u32,
        shift_x: shift(1) as u32,
        step_y: step(0) as u32,
        step_x: step(1) as u32,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &POOL_GRADIENT,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![winners, dy, axes, out],
            grid: dx.elements(),
        },
    );
    Ok(())
}

/// Adds the step that computes the gradient `dx` in blocks of pixels, from what won in each window and its gradient.
fn blocks(
    cx: &mut Lowering,
    node: &Node,
    (kernel, [pad_top, pad_left, ..]): (u32, [usize; 4]),
    [(winners, windows), (dy, dx)]: [(Operand, &Stored); 2],
) {
    let [pad_top, pad_left] = [pad_top, pad_left].map(|pad| pad as u32);
    let params = PoolGradientBlockParams {
        record: dx.record.0,
        images: dx.images,
        width: dx.width,
        height: dx.height,
        groups: dx.groups,
        windows_y: windows.height,
        windows_x: windows.width,
        blocks_y: (dx.height + pad_top).div_ceil(2),
        blocks_x: (dx.width + pad_left).div_ceil(2),
        pad_top,
        pad_left,
    };
    let per_group = dx.images * params.blocks_y * params.blocks_x;
    let operands = vec![winners, dy, cx.slot(node.outputs[0])];
    cx.dispatch(
        node,
        Dispatch {
            kernel: &POOL_GRADIENT_BLOCK,
            spec: pool_gradient_block::spec(kernel),
            params: params.words(),
            operands,
            grid: Grid::Elements { record: dx.record, per_group, workgroup: WORKGROUP },
        },
    );
}

/// That the pool makes `windows` of what is stored as `x`.
fn check_windows(node: &Node, pool: &Pool, x: &Stored, windows: &Stored) -> Result<(), PlanError> {
    let expected = pool.window().output([x.height as usize, x.width as usize]);
    let found = [windows.height as usize, windows.width as usize];
    match expected == Some(found) && windows.images == x.images {
        true => Ok(()),
        false => {
            Err(unsupported(node, format!("expected a gradient of {expected:?} windows, found {found:?}")))
        }
    }
}

/// Adds the step that finds which element of every window of input 0 is its maximum.
fn winners(cx: &mut Lowering, node: &Node, pool: &Pool, windows: &Stored) -> Result<Operand, PlanError> {
    let (source, x) = cx.operand(node, 0, &windows.segments)?;
    let [top, left, ..] = pool.window().margins([x.height as usize, x.width as usize]);
    let winners = cx.scratch(node.outputs[0], windows.floats() / 2);
    let params = PoolWinnerParams {
        record: windows.record.0,
        images: windows.images,
        pixels: windows.pixels(),
        width: windows.width,
        groups: windows.groups,
        in_height: x.height,
        in_width: x.width,
        kernel_height: pool.kernel[0] as u32,
        kernel_width: pool.kernel[1] as u32,
        stride_y: pool.strides[0] as u32,
        stride_x: pool.strides[1] as u32,
        dilation_y: pool.dilations[0] as u32,
        dilation_x: pool.dilations[1] as u32,
        pad_top: top as u32,
        pad_left: left as u32,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &POOL_WINNER,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, winners],
            grid: windows.elements(),
        },
    );
    Ok(winners)
}

/// The last window along `axis` that covers the pixel `at` behind the start of the margin, the tap by which it does,
/// and how many of so many windows do.
fn covering(pool: &Pool, axis: usize, at: usize, windows: usize) -> [f32; 4] {
    let window = |tap: usize| {
        let start = at.checked_sub(tap * pool.dilations[axis])?;
        let window = start / pool.strides[axis];
        (start % pool.strides[axis] == 0 && window < windows).then_some((window, tap))
    };
    let mut all = (0..pool.kernel[axis]).filter_map(window);
    match all.next() {
        Some((last, tap)) => [last as f32, tap as f32, 1.0 + all.count() as f32, 0.0],
        None => [0.0; 4],
    }
}

/// See [`crate::graph::Training::AveragePool`]. What a window divides by is a product of its rows and its columns.
pub(super) fn average_pool(cx: &mut Lowering, node: &Node, pool: &Pool) -> Result<(), PlanError> {
    let dx = cx.stored(node.outputs[0]);
    let size = [dx.height as usize, dx.width as usize];
    let Some(windows) = pool.window().output(size) else {
        return Err(unsupported(node, format!("expected a window that fits {size:?}")));
    };
    let margins = pool.window().margins(size);
    let taps = [0, 1].map(|axis| -> Vec<Taps> {
        let [before, after] = [margins[axis], margins[axis + 2]];
        let line = |window: usize| {
            let reached = |tap: usize| window * pool.strides[axis] + tap * pool.dilations[axis];
            let padded = (0..pool.kernel[axis]).map(reached).filter(|&at| at < before + size[axis] + after);
            let inside = |at: usize| at.checked_sub(before).filter(|&at| at < size[axis]);
            let pixels: Vec<usize> = padded.clone().filter_map(inside).collect();
            let counted = if pool.count_include_pad { padded.count() } else { pixels.len() };
            pixels.into_iter().map(|pixel| (pixel, 1.0 / counted as f64)).collect()
        };
        (0..windows[axis]).map(line).collect()
    });
    adjoint(cx, node, &taps)
}

/// See [`crate::graph::Training::Resize`].
pub(super) fn resize(cx: &mut Lowering, node: &Node, resize: &Resize) -> Result<(), PlanError> {
    let dx = cx.stored(node.outputs[0]);
    let size = [dx.height as usize, dx.width as usize];
    adjoint(cx, node, &[0, 1].map(|axis| resize.taps(axis, size)))
}
