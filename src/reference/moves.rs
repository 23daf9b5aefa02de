//! Operators that move elements: for every output position the input position that it shows.

use super::Array;
use crate::graph::{DepthOrder, Extent, Move, PadMode};
use crate::tensor::count;

/// What `op` makes of `x`; `shape` is that of the result.
///
/// # Panics
/// If the shapes do not fit.
pub fn moved(op: &Move, x: &Array, shape: &[usize]) -> Array {
    let fill = match op {
        Move::Pad { mode: PadMode::Constant(value), .. } => f64::from(*value),
        Move::Pad { .. }
        | Move::Transpose { .. }
        | Move::Slice(_)
        | Move::Expand { .. }
        | Move::Tile { .. }
        | Move::Gather { .. }
        | Move::DepthToSpace { .. }
        | Move::SpaceToDepth { .. } => 0.0,
    };
    let data = sources(op, &x.shape, shape).map(|from| from.map_or(fill, |from| x.data[from])).collect();
    Array { shape: shape.to_vec(), data }
}

/// The element of an input of shape `x` that every element of a result of `shape` shows; `None` for the filling.
pub(super) fn sources(op: &Move, x: &[usize], shape: &[usize]) -> impl Iterator<Item = Option<usize>> {
    (0..count(shape)).map(|at| Some(offset(&source(op, x, &position(at, shape))?, x)))
}

/// The indices of element `at` of a row-major array.
fn position(at: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = at;
    let mut indices = vec![0; shape.len()];
    for (index, &size) in indices.iter_mut().zip(shape).rev() {
        *index = rest % size;
        rest /= size;
    }
    indices
}

fn offset(indices: &[usize], shape: &[usize]) -> usize {
    indices.iter().zip(shape).fold(0, |offset, (&index, &size)| offset * size + index)
}

/// The input position that output position `at` shows; `None` for the filling.
fn source(op: &Move, x: &[usize], at: &[usize]) -> Option<Vec<usize>> {
    let mut from = vec![0; x.len()];
    match op {
        Move::Transpose { perm } => {
            for (&axis, &index) in perm.iter().zip(at) {
                from[axis] = index;
            }
        }
        Move::Slice(axes) => {
            from.copy_from_slice(at);
            for slice in axes {
                let steps = slice.steps(x[slice.axis]).expect("shape inference refuses other slices");
                from[slice.axis] = steps.at(at[slice.axis]);
            }
        }
        Move::Expand { .. } => {
            for ((index, &size), &at) in from.iter_mut().zip(x).rev().zip(at.iter().rev()) {
                *index = if size == 1 { 0 } else { at };
            }
        }
        Move::Tile { .. } => {
            for ((index, &size), &at) in from.iter_mut().zip(x).zip(at) {
                *index = at % size;
            }
        }
        Move::Gather { axis, indices, shape } => {
            let (before, rest) = at.split_at(*axis);
            let (chosen, after) = rest.split_at(shape.len());
            let index = indices[offset(chosen, shape)];
            let index = if index < 0 { index + x[*axis] as i64 } else { index };
            from = [before, &[index as usize], after].concat();
        }
        Move::Pad { amounts, mode } => {
            for (axis, amount) in amounts.iter().enumerate() {
                let [before, _] = Extent::pair(amount).expect("shape inference refuses other amounts");
                from[axis] = padded(*mode, at[axis] as i64 - before, x[axis] as i64)?;
            }
        }
        Move::DepthToSpace { block, order } => {
            let (square, &[image, channel, row, column]) = (block * block, four(at));
            let (inner_row, inner_column) = (row % block, column % block);
            let channel = match order {
                DepthOrder::Dcr => (inner_row * block + inner_column) * (x[1] / square) + channel,
                DepthOrder::Crd => channel * square + inner_row * block + inner_column,
            };
            from = vec![image, channel, row / block, column / block];
        }
        Move::SpaceToDepth { block } => {
            let &[image, depth, row, column] = four(at);
            let (cell, channel) = (depth / x[1], depth % x[1]);
            from = vec![image, channel, row * block + cell / block, column * block + cell % block];
        }
    }
    Some(from)
}

fn four(at: &[usize]) -> &[usize; 4] {
    at.try_into().expect("shape inference asks for rank 4")
}

/// The index that lies `at` behind the start of an axis of `size` elements.
fn padded(mode: PadMode, at: i64, size: i64) -> Option<usize> {
    let inside = match mode {
        PadMode::Constant(_) if at < 0 || at >= size => return None,
        PadMode::Constant(_) => at,
        PadMode::Edge => at.clamp(0, size - 1),
        PadMode::Reflect if at < 0 => -at,
        PadMode::Reflect if at >= size => 2 * (size - 1) - at,
        PadMode::Reflect => at,
    };
    Some(inside as usize)
}
