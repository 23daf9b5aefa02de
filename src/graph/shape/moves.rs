//! Shapes of operators that move elements, and the geometry of a slice.

use super::{Mismatch, mismatch};
use crate::graph::{DepthOrder, Extent, Move, PadMode, SliceAxis};

/// The indices that a slice takes along one axis: `start`, `start + step`, …, `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The first index.
    pub start: usize,
    /// From one to the next.
    pub step: i64,
    /// How many there are.
    pub count: usize,
}

impl Steps {
    /// Index number `k`, below [`Steps::count`].
    pub fn at(&self, k: usize) -> usize {
        self.start.wrapping_add_signed(self.step as isize * k as isize)
    }
}

impl SliceAxis {
    /// The indices taken along an axis of `size`, by the rules of ONNX: positions below 0 count from the end, and
    /// what lies outside is clamped.
    ///
    /// # Errors
    /// A step of 0, a slice of nothing, or positions that are yet to be computed.
    pub fn steps(&self, size: usize) -> Result<Steps, Mismatch> {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let from_start = |extent: &Extent| match extent.fixed() {
            Some(at) if at < 0 => Ok(at.saturating_add(size)),
            Some(at) => Ok(at),
            None => mismatch(format!("slice of axis {}", self.axis), "numbers", extent),
        };
        let (start, end) = (from_start(&self.start)?, from_start(&self.end)?);
        let (start, end, distance) = match self.step {
            0 => return mismatch(format!("step along axis {}", self.axis), "not 0", 0),
            1.. => {
                let (start, end) = (start.clamp(0, size), end.clamp(0, size));
                (start, end, end - start)
            }
            _ => {
                let (start, end) = (start.clamp(0, size - 1), end.clamp(-1, size - 1));
                (start, end, start - end)
            }
        };
        if distance <= 0 {
            let what = format!("slice of axis {} of {size}", self.axis);
            return mismatch(what, "at least one element", format!("from {start} to {end}"));
        }
        let count = (distance.unsigned_abs() - 1) / self.step.unsigned_abs() + 1;
        Ok(Steps { start: start as usize, step: self.step, count: count as usize })
    }
}

/// The shape of what `op` makes of `x`.
pub(super) fn moved(op: &Move, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    match op {
        Move::Transpose { perm } => transpose(perm, x),
        Move::Slice(axes) => slice(axes, x),
        Move::Expand { shape } => expand(shape, x),
        Move::Tile { repeats } => tile(repeats, x),
        Move::Gather { axis, indices, shape } => gather(*axis, indices, shape, x),
        Move::Pad { amounts, mode } => pad(amounts, *mode, x),
        Move::DepthToSpace { block, order: DepthOrder::Dcr | DepthOrder::Crd } => depth_to_space(*block, x),
        Move::SpaceToDepth { block } => space_to_depth(*block, x),
    }
}

/// The shape without `axes`, each of size 1.
pub(super) fn squeeze(axes: &[usize], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if let Some(axis) = axes.iter().find(|&&axis| x.get(axis) != Some(&1)) {
        return mismatch("axes", format!("dimensions of size 1 of {x:?}"), axis);
    }
    ascending(axes)?;
    Ok(x.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &size)| size).collect())
}

/// The shape with ones at `axes`, which count in the result.
pub(super) fn unsqueeze(axes: &[usize], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    ascending(axes)?;
    let mut shape = x.to_vec();
    for &axis in axes {
        if axis > shape.len() {
            return mismatch("axes", format!("less than the rank {}", x.len() + axes.len()), axis);
        }
        shape.insert(axis, 1);
    }
    Ok(shape)
}

fn ascending(axes: &[usize]) -> Result<(), Mismatch> {
    if axes.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(());
    }
    mismatch("axes", "each once, ascending", format!("{axes:?}"))
}

fn transpose(perm: &[usize], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..x.len()) {
        return mismatch("perm", format!("every axis of {x:?} once"), format!("{perm:?}"));
    }
    Ok(perm.iter().map(|&axis| x[axis]).collect())
}

fn slice(axes: &[SliceAxis], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let mut shape = x.to_vec();
    for (i, slice) in axes.iter().enumerate() {
        if axes[..i].iter().any(|other| other.axis == slice.axis) {
            return mismatch("axes", "each once", slice.axis);
        }
        match x.get(slice.axis) {
            Some(&size) => shape[slice.axis] = slice.steps(size)?.count,
            None => return mismatch("axis", format!("less than the rank {}", x.len()), slice.axis),
        }
    }
    Ok(shape)
}

fn expand(target: &[Extent], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let size = |extent: &Extent| match extent.fixed().and_then(|size| usize::try_from(size).ok()) {
        Some(size) if size > 0 => Ok(size),
        _ => mismatch("shape", "sizes of at least 1", extent),
    };
    let target: Vec<usize> = target.iter().map(size).collect::<Result<_, _>>()?;
    super::join::broadcast(x, &target)
}

fn tile(repeats: &[usize], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if repeats.len() != x.len() || repeats.contains(&0) {
        return mismatch(
            "repeats",
            format!("one of at least 1 for each axis of {x:?}"),
            format!("{repeats:?}"),
        );
    }
    let product = |(&size, &times): (&usize, &usize)| size.checked_mul(times);
    let shape: Option<Vec<usize>> = x.iter().zip(repeats).map(product).collect();
    shape.map_or_else(|| mismatch("repeats", "sizes that can be counted", format!("{repeats:?}")), Ok)
}

fn gather(axis: usize, indices: &[i64], shape: &[usize], x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let Some(&size) = x.get(axis) else {
        return mismatch("axis", format!("less than the rank {}", x.len()), axis);
    };
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if let Some(index) = indices.iter().find(|&&index| index < -size || index >= size) {
        return mismatch("indices", format!("from -{size} to {}", size - 1), index);
    }
    let expected = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    if expected != Some(indices.len()) || indices.is_empty() {
        return mismatch("indices", format!("as many as {shape:?} holds, at least one"), indices.len());
    }
    Ok([&x[..axis], shape, &x[axis + 1..]].concat())
}

fn pad(amounts: &[[Extent; 2]], mode: PadMode, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if amounts.len() != x.len() {
        return mismatch("amounts", format!("one pair for each axis of {x:?}"), amounts.len());
    }
    let mut shape = Vec::with_capacity(x.len());
    for (axis, (&size, [before, after])) in x.iter().zip(Extent::pairs(amounts)?).enumerate() {
        let what = || format!("amounts of axis {axis}");
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let found = || format!("{before} and {after}");
        match mode {
            PadMode::Constant(_) => {}
            PadMode::Reflect | PadMode::Edge if before.min(after) < 0 => {
                return mismatch(what(), "at least 0 where a pad repeats the input", found());
            }
            PadMode::Reflect if before.max(after) >= size => {
                return mismatch(what(), format!("less than the size {size} that is mirrored"), found());
            }
            PadMode::Reflect | PadMode::Edge => {}
        }
        let padded = size.checked_add(before).and_then(|sum| sum.checked_add(after));
        match padded.and_then(|sum| usize::try_from(sum).ok()).filter(|&sum| sum > 0) {
            Some(sum) => shape.push(sum),
            None => return mismatch(what(), format!("some of {size} elements left"), found()),
        }
    }
    Ok(shape)
}

fn image(x: &[usize]) -> Result<[usize; 4], Mismatch> {
    match *x {
        [images, channels, height, width] => Ok([images, channels, height, width]),
        _ => mismatch("input", "rank 4 [N, C, H, W]", format!("{x:?}")),
    }
}

fn depth_to_space(block: usize, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let [images, channels, height, width] = image(x)?;
    let square = block.checked_mul(block).filter(|&square| square > 0 && channels.is_multiple_of(square));
    let sides = (height.checked_mul(block), width.checked_mul(block));
    match (square, sides) {
        (Some(square), (Some(height), Some(width))) => Ok(vec![images, channels / square, height, width]),
        _ => mismatch("channels", format!("a multiple of {block} squared"), channels),
    }
}

fn space_to_depth(block: usize, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let [images, channels, height, width] = image(x)?;
    let whole = block > 0 && height.is_multiple_of(block) && width.is_multiple_of(block);
    let depth = block.checked_mul(block).and_then(|square| channels.checked_mul(square));
    match depth {
        Some(depth) if whole => Ok(vec![images, depth, height / block, width / block]),
        _ => mismatch("height and width", format!("multiples of {block}"), format!("{height} and {width}")),
    }
}
