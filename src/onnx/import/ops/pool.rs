//! Pools over one, two and three spatial axes. Maxima and means are separable, so that three axes are a pool over the
//! last two and one over the first, and one axis is a pool of a single row.

use super::window::auto_pad;
use super::{Call, Meaning, size};
use crate::graph::shape::output_shape;
use crate::graph::{Extent, Op, Padding, Pool};

pub(super) fn max_pool(call: &mut Call) -> Result<Meaning, String> {
    call.attributes.only_zero("storage_order")?;
    pool(call, Op::MaxPool, false)
}

pub(super) fn average_pool(call: &mut Call) -> Result<Meaning, String> {
    pool(call, Op::AveragePool, true)
}

/// What every spatial axis has.
struct Window {
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    pads: Vec<usize>,
    auto: Option<Padding>,
    ceil_mode: bool,
    count_include_pad: bool,
}

impl Window {
    /// The pool of two of the axes; an axis without a number is one of a single position.
    fn of(&self, axes: [Option<usize>; 2]) -> Pool {
        let each = |values: &[usize]| axes.map(|axis| axis.map_or(1, |axis| values[axis]));
        let margin = |axis: Option<usize>, end: usize| {
            axis.map_or(0, |axis| self.pads[axis + end * self.kernel.len()])
        };
        let [first, second] = axes;
        let explicit = [margin(first, 0), margin(second, 0), margin(first, 1), margin(second, 1)];
        Pool {
            kernel: each(&self.kernel),
            strides: each(&self.strides),
            pads: self.auto.unwrap_or(Padding::Explicit(explicit)),
            dilations: each(&self.dilations),
            ceil_mode: self.ceil_mode,
            count_include_pad: self.count_include_pad,
        }
    }
}

fn window(call: &mut Call, averages: bool) -> Result<Window, String> {
    let kernel = call.attributes.ints("kernel_shape")?.ok_or("kernel_shape: expected it, found none")?;
    let axes = kernel.len();
    let numbers = |what: &str, values: &[i64], count: usize, least: i64| -> Result<Vec<usize>, String> {
        if values.len() != count {
            return Err(format!(
                "{what}: expected {count} numbers for {axes} spatial axes, found {values:?}"
            ));
        }
        values.iter().map(|&value| size(what, value, least)).collect()
    };
    let spatial = |call: &mut Call, what: &str| match call.attributes.ints(what)? {
        None => Ok(vec![1; axes]),
        Some(values) => numbers(what, values, axes, 1),
    };
    let (strides, dilations) = (spatial(call, "strides")?, spatial(call, "dilations")?);
    let pads = match call.attributes.ints("pads")? {
        None => vec![0; 2 * axes],
        Some(values) => numbers("pads", values, 2 * axes, 0)?,
    };
    let auto = auto_pad(call)?;
    if auto.is_some() && pads.iter().any(|&pad| pad != 0) {
        return Err(format!("expected pads or auto_pad, found both: pads {pads:?}"));
    }
    Ok(Window {
        kernel: numbers("kernel_shape", kernel, axes, 1)?,
        strides,
        dilations,
        pads,
        auto,
        ceil_mode: call.attributes.flag("ceil_mode")?,
        count_include_pad: averages && call.attributes.flag("count_include_pad")?,
    })
}

fn pool(call: &mut Call, op: fn(Pool) -> Op, averages: bool) -> Result<Meaning, String> {
    let window = window(call, averages)?;
    let rank = call.rank()?;
    if rank != window.kernel.len() + 2 {
        return Err(format!(
            "kernel_shape: expected {} numbers, one for each spatial axis, found {:?}",
            rank.saturating_sub(2),
            window.kernel
        ));
    }
    match window.kernel.len() {
        1 => Ok(Meaning::Chain(vec![
            Op::Unsqueeze { axes: vec![2] },
            op(window.of([None, Some(0)])),
            Op::Squeeze { axes: vec![2] },
        ])),
        2 => call.whole(op(window.of([Some(0), Some(1)]))),
        3 => volume(call, op(window.of([Some(1), Some(2)])), op(window.of([Some(0), None]))),
        axes => Err(format!("kernel_shape: expected 1 to 3 numbers, found {axes}")),
    }
}

/// A pool of `[C depth, H, W]` and then one of `[depth, H W]`.
fn volume(call: &mut Call, area: Op, depth: Op) -> Result<Meaning, String> {
    let fixed =
        call.fixed()?.ok_or("expected a shape without names for a pool over three axes, found some")?;
    let [_, Some(channels), Some(slices), Some(height), Some(width)] = fixed[..] else {
        return Err(
            "expected a shape in which only the batch has a name for a pool over three axes".to_owned()
        );
    };
    let pooled = |op: &Op, shape: [usize; 3]| {
        let [channels, height, width] = shape;
        output_shape(op, &[&[1, channels, height, width]]).map_err(|error| error.to_string())
    };
    let planes = channels.checked_mul(slices).ok_or("expected a size that can be counted")?;
    let flat = pooled(&area, [planes, height, width])?;
    let pixels = flat[2].saturating_mul(flat[3]);
    let deep = pooled(&depth, [channels, slices, pixels])?;
    let reshape = |dims: &[usize]| {
        let shape = [0].into_iter().chain(dims.iter().map(|&dim| dim as i64)).map(Extent::Fixed).collect();
        Op::Reshape { shape, allow_zero: false }
    };
    Ok(Meaning::Chain(vec![
        reshape(&[planes, height, width]),
        area,
        reshape(&[channels, slices, pixels]),
        depth,
        reshape(&[channels, deep[2], flat[2], flat[3]]),
    ]))
}
