//! Operators that move elements: transposes, slices, gathers and the like.

use super::{Call, Meaning, size};
use crate::graph::{Arithmetic, DepthOrder, Extent, Move, Op, SliceAxis};
use crate::onnx::import::call::{Part, Source};

pub(super) fn transpose(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(1)?;
    let rank = call.rank()?;
    let perm = match call.attributes.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(given) => given
            .to_vec()
            .iter()
            .map(|&axis| call.axis(axis, rank.saturating_sub(1)))
            .collect::<Result<_, _>>()?,
    };
    call.unary(Op::Move(Move::Transpose { perm }))
}

/// Axes, counted from the end where negative, ascending and each once.
fn axes(call: &mut Call, given: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let count = |axis: &i64| if *axis < 0 { axis.checked_add(rank as i64) } else { Some(*axis) };
    let inside = |axis: i64| usize::try_from(axis).ok().filter(|&axis| axis < rank);
    let found: Option<Vec<usize>> = given.iter().map(|axis| count(axis).and_then(inside)).collect();
    let mut found =
        found.ok_or_else(|| format!("axes: expected -{rank} to {}, found {given:?}", rank as i64 - 1))?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("axes: expected each axis once, found {given:?} in {}", call.op()));
    }
    Ok(found)
}

/// An attribute until an opset, an input from it on; both are taken at any.
fn listed(call: &mut Call, attribute: &str, input: usize) -> Result<Option<Vec<i64>>, String> {
    let attribute = call.attributes.ints(attribute)?.map(<[i64]>::to_vec);
    Ok(match attribute {
        Some(given) => Some(given),
        None => call.ints(input)?,
    })
}

pub(super) fn squeeze(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let rank = call.rank()?;
    let axes = match listed(call, "axes", 1)? {
        Some(given) => axes(call, &given, rank)?,
        None => {
            let fixed = call.fixed()?.ok_or("axes: expected them where sizes are symbolic, found none")?;
            (0..rank).filter(|&axis| fixed[axis] == Some(1)).collect()
        }
    };
    call.unary(Op::Squeeze { axes })
}

pub(super) fn unsqueeze(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let given = listed(call, "axes", 1)?.ok_or("axes: expected them, found none")?;
    let rank = call.rank()? + given.len();
    let axes = axes(call, &given, rank)?;
    call.unary(Op::Unsqueeze { axes })
}

pub(super) fn slice(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(5)?;
    let rank = call.rank()?;
    let starts = call.extents(1)?.ok_or("starts: expected integers, found none")?;
    let ends = call.extents(2)?.ok_or("ends: expected integers, found none")?;
    let listed = call.ints(3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.ints(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), listed.len(), steps.len()].iter().any(|&len| len != starts.len()) {
        return Err(format!(
            "expected {} ends, axes and steps, as many as starts, found {ends:?}, {listed:?} and {steps:?}",
            starts.len()
        ));
    }
    let mut slices = Vec::with_capacity(starts.len());
    for (at, &axis) in listed.iter().enumerate() {
        let axis = call.axis(axis, rank.saturating_sub(1))?;
        if steps[at] == 0 || slices.iter().any(|slice: &SliceAxis| slice.axis == axis) {
            return Err(format!(
                "expected each axis once and steps that are not 0, found {listed:?} and {steps:?}"
            ));
        }
        slices.push(SliceAxis { axis, start: starts[at].clone(), end: ends[at].clone(), step: steps[at] });
    }
    call.unary(Op::Move(Move::Slice(slices)))
}

/// One slice for every output.
pub(super) fn split(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let rank = call.rank()?;
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, rank.saturating_sub(1))?;
    let outputs = call.outputs();
    let count = call.attributes.int("num_outputs")?;
    if count.is_some_and(|count| usize::try_from(count) != Ok(outputs)) {
        return Err(format!(
            "num_outputs: expected {outputs}, the number of outputs, found {}",
            count.unwrap_or(0)
        ));
    }
    let bounds = match listed(call, "split", 1)? {
        Some(sizes) if sizes.len() != outputs => {
            return Err(format!("split: expected {outputs} sizes, one for each output, found {sizes:?}"));
        }
        Some(sizes) => {
            let mut bounds = vec![0];
            for part in sizes {
                bounds.push(bounds[bounds.len() - 1] + size("split", part, 0)? as i64);
            }
            Extent::list(&bounds)
        }
        None => even(call, axis, outputs)?,
    };
    let parts = bounds.windows(2).enumerate().map(|(output, ends)| {
        let slice = SliceAxis { axis, start: ends[0].clone(), end: ends[1].clone(), step: 1 };
        Part { op: Op::Move(Move::Slice(vec![slice])), inputs: vec![Source::Input(0)], output: Some(output) }
    });
    Ok(Meaning::Parts(parts.collect()))
}

/// Where equal parts begin and end; the last may be smaller.
fn even(call: &mut Call, axis: usize, outputs: usize) -> Result<Vec<Extent>, String> {
    let known = call.fixed()?.and_then(|shape| shape[axis]);
    let whole = match known {
        Some(size) => Extent::Fixed(size as i64),
        None => Extent::Dim { value: call.value()?, axis },
    };
    let parts = Extent::Fixed(outputs.max(1) as i64);
    let more = Extent::Fixed(outputs.max(1) as i64 - 1);
    let each =
        Extent::of(Arithmetic::Add, whole, more).and_then(|sum| Extent::of(Arithmetic::FloorDiv, sum, parts));
    let each = each.ok_or("expected an axis that can be divided, found one that overflows")?;
    let bound = |part: usize| Extent::of(Arithmetic::Mul, each.clone(), Extent::Fixed(part as i64));
    let bounds: Option<Vec<Extent>> = (0..=outputs).map(bound).collect();
    bounds.ok_or_else(|| "expected an axis that can be divided, found one that overflows".to_owned())
}

pub(super) fn expand(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let shape = call.extents(1)?.ok_or("shape: expected integers, found none")?;
    call.unary(Op::Move(Move::Expand { shape }))
}

pub(super) fn tile(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let repeats = call.ints(1)?.ok_or("repeats: expected a constant, found none")?;
    let repeats = repeats.iter().map(|&times| size("repeats", times, 0)).collect::<Result<_, _>>()?;
    call.unary(Op::Move(Move::Tile { repeats }))
}

pub(super) fn gather(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let rank = call.rank()?;
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, rank.saturating_sub(1))?;
    let indices = call.constant(1)?.ok_or("indices: expected a constant, found none")?;
    let shape = indices.shape().to_vec();
    let indices = indices.i64s().map_err(|error| format!("indices: {error}"))?.to_vec();
    call.unary(Op::Move(Move::Gather { axis, indices, shape }))
}

pub(super) fn depth_to_space(call: &mut Call) -> Result<Meaning, String> {
    let block = block(call)?;
    let order = match call.attributes.string("mode")? {
        None | Some("DCR") => DepthOrder::Dcr,
        Some("CRD") => DepthOrder::Crd,
        Some(other) => return Err(format!("mode: expected DCR or CRD, found {other}")),
    };
    call.unary(Op::Move(Move::DepthToSpace { block, order }))
}

pub(super) fn space_to_depth(call: &mut Call) -> Result<Meaning, String> {
    let block = block(call)?;
    call.unary(Op::Move(Move::SpaceToDepth { block }))
}

fn block(call: &mut Call) -> Result<usize, String> {
    call.at_most(1)?;
    let block = call.attributes.int("blocksize")?.ok_or("blocksize: expected it, found none")?;
    size("blocksize", block, 1)
}
