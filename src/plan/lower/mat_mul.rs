//! Matrix products: as 1x1 convolutions where one side is a constant matrix and the sum runs over channels, else by a
//! kernel that reads any layout.

use super::step::Dispatch;
use super::{Lowering, PlanError, Stored, conv, unsupported};
use crate::graph::{Node, ProductAxis, Side, ValueId};
use crate::kernels::mat_mul::{MAT_MUL, MatMulParams, Reading, spec};
use crate::plan::Operand;
use crate::tensor::count;

/// Lowers a matrix product.
pub(super) fn lower(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    for (side, input) in [(Side::Left, 0), (Side::Right, 1)] {
        if is_convolution(cx, node, side) {
            let weights = weights(cx, node, side)?;
            return conv::lower_product(cx, node, input, weights);
        }
    }
    general(cx, node)
}

/// Whether the operand on `side` is summed over its channels with a constant matrix, and the output has its channels
/// where this operand has them.
fn is_convolution(cx: &Lowering, node: &Node, side: Side) -> bool {
    let (own, other) = if side == Side::Left { (0, 1) } else { (1, 0) };
    let (value, matrix, output) = (node.inputs[own], node.inputs[other], node.outputs[0]);
    let ranks = [0, 1].map(|input| cx.shapes[node.inputs[input].0].len());
    let constant = |value: ValueId| cx.graph.constant(value).is_some();
    constant(matrix)
        && !constant(value)
        && cx.shapes[matrix.0].len() == 2
        && ranks[own] >= 2
        && side.axis(ranks, cx.axis(value)) == ProductAxis::Inner
        && cx.axis(output) == cx.axis(value)
}

/// The constant matrix as `[outputs][inputs]`.
fn weights(cx: &Lowering, node: &Node, side: Side) -> Result<Vec<f32>, PlanError> {
    let input = if side == Side::Left { 1 } else { 0 };
    let tensor = cx.constant(node, input)?;
    let values = tensor.f32s().map_err(|error| unsupported(node, format!("input {input}: {error}")))?;
    if side == Side::Right {
        return Ok(values.to_vec());
    }
    let (rows, columns) = (tensor.shape()[0], tensor.shape()[1]);
    Ok((0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect())
}

/// An operand of the general kernel.
struct Factor {
    value: ValueId,
    operand: Operand,
    reading: Reading,
    /// Where its elements are for every image, stored channel, row and column of the output, one after the other.
    entries: Vec<u32>,
    /// The same for every term of the sum.
    terms: Vec<u32>,
    /// Its layout, and what its channels are to the product; `None` for a constant.
    stored: Option<(Stored, ProductAxis)>,
}

impl Factor {
    fn sums_over_channels(&self) -> Option<&Stored> {
        self.stored.as_ref().filter(|(_, role)| *role == ProductAxis::Inner).map(|(stored, _)| stored)
    }
}

fn general(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let a = factor(cx, node, Side::Left, &y)?;
    let b = factor(cx, node, Side::Right, &y)?;
    check_prunable(cx, node, &y, [&a, &b])?;
    let mut tables = [&a.entries[..], &b.entries[..]].concat();
    let inner = a.sums_over_channels().or(b.sums_over_channels());
    let (terms, places) = (a.terms.len(), inner.map_or(0, |inner| inner.groups as usize * 4));
    if let Some(inner) = inner {
        for factor in [&a, &b] {
            let first = tables.len();
            tables.resize(first + places, 0);
            for (&place, &entry) in inner.places().iter().zip(&factor.terms) {
                tables[first + place as usize] = entry;
            }
        }
    }
    let step = |factor: &Factor| match factor.terms[..] {
        [first, second, ..] => second - first,
        _ => 0,
    };
    let params = MatMulParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        width: y.width,
        height: y.height,
        groups: y.groups,
        terms: terms as u32,
        step_a: step(&a),
        step_b: step(&b),
        inner_record: inner.map_or(0, |inner| inner.record.0),
        inner_places: places as u32,
    };
    let spec = spec(a.reading, b.reading, inner.is_some());
    let tables = cx.pack(tables.into_iter().map(f32::from_bits).collect());
    let out = cx.slot(node.outputs[0]);
    let operands = vec![a.operand, b.operand, tables, out];
    let kernel = &MAT_MUL;
    cx.dispatch(node, Dispatch { kernel, spec, params: params.words(), operands, grid: y.elements() });
    if let Some(step) = cx.steps.last_mut() {
        step.macs = count(&cx.shapes[node.outputs[0].0]) as u64 * terms as u64;
    }
    Ok(())
}

fn factor(cx: &mut Lowering, node: &Node, side: Side, y: &Stored) -> Result<Factor, PlanError> {
    let input = if side == Side::Left { 0 } else { 1 };
    let value = node.inputs[input];
    let ranks = [0, 1].map(|input| cx.shapes[node.inputs[input].0].len());
    let shape = cx.shapes[value.0].clone();
    let constant = cx.graph.constant(value).is_some();
    let stored = cx.stored(value);
    let operand = if constant {
        let values = cx.constant(node, input)?.f32s().map_err(|e| unsupported(node, e.to_string()))?;
        cx.pack_weights(values.to_vec())
    } else {
        cx.slot(value)
    };
    let offsets = offsets(&shape, (!constant).then_some(&stored));
    let roles: Vec<ProductAxis> = (0..shape.len()).map(|axis| side.axis(ranks, axis)).collect();
    let position = Position { output: &cx.shapes[node.outputs[0].0], y, roles: &roles, offsets: &offsets };
    let mut entries = position.entries();
    let inner = roles.iter().position(|role| *role == ProductAxis::Inner);
    let mut terms = inner.map_or_else(Vec::new, |axis| offsets[axis].clone());
    let along = roles.iter().position(|role| *role == ProductAxis::Output(y.axis));
    let reading = match along {
        None => Reading::Splat,
        Some(axis) if shape[axis] == 1 && y.channels > 1 => Reading::Splat,
        Some(axis) if !constant && axis == stored.axis && stored.segments == y.segments => Reading::Texel,
        Some(_) => Reading::Lanes,
    };
    if reading == Reading::Texel {
        entries.iter_mut().chain(&mut terms).for_each(|entry| *entry /= 4);
    }
    let role = roles.get(stored.axis).copied();
    let stored = role.filter(|_| !constant).map(|role| (stored, role));
    Ok(Factor { value, operand, reading, entries, terms, stored })
}

/// Where the elements of an operand are along each of its axes: its buffer is row-major without a layout.
fn offsets(shape: &[usize], stored: Option<&Stored>) -> Vec<Vec<u32>> {
    let even = |extent: usize, step: usize| (0..extent).map(|i| (i * step) as u32).collect();
    let Some(stored) = stored else {
        let axis = |(axis, &extent): (usize, &usize)| even(extent, count(&shape[axis + 1..]));
        return shape.iter().enumerate().map(axis).collect();
    };
    let pixels = stored.pixels();
    let inside = |axis: usize| {
        let rest = shape.iter().enumerate().skip(axis + 1).filter(|&(at, _)| at != stored.axis);
        rest.map(|(_, &extent)| extent).product::<usize>() * 4
    };
    let axis = |(axis, &extent): (usize, &usize)| match axis {
        _ if axis == stored.axis => {
            stored.places().iter().map(|place| (place / 4) * pixels * 4 + place % 4).collect()
        }
        0 => even(extent, (stored.groups * pixels * 4) as usize),
        _ => even(extent, inside(axis)),
    };
    shape.iter().enumerate().map(axis).collect()
}

/// What it takes to find an operand's element for an output element.
struct Position<'a> {
    output: &'a [usize],
    y: &'a Stored,
    roles: &'a [ProductAxis],
    offsets: &'a [Vec<u32>],
}

impl Position<'_> {
    fn entries(&self) -> Vec<u32> {
        let (output, y) = (self.output, self.y);
        let mut entries: Vec<u32> =
            (0..y.images as usize).map(|image| if y.axis == 0 { 0 } else { self.at(0, image) }).collect();
        let first = entries.len();
        entries.resize(first + y.groups as usize * 4, 0);
        for (channel, place) in y.places().into_iter().enumerate() {
            entries[first + place as usize] = self.at(y.axis, channel);
        }
        let rest: Vec<usize> = (1..output.len()).filter(|&axis| axis != y.axis).collect();
        let (width, height) =
            rest.split_last().map_or((None, &[][..]), |(last, middle)| (Some(*last), middle));
        entries.extend((0..y.height as usize).map(|row| {
            let mut inner = y.height as usize;
            let of = |&axis: &usize| {
                inner /= output[axis];
                self.at(axis, row / inner % output[axis])
            };
            height.iter().map(of).sum::<u32>()
        }));
        entries.extend((0..y.width as usize).map(|column| width.map_or(0, |axis| self.at(axis, column))));
        entries
    }

    /// What coordinate `i` of an output axis adds.
    fn at(&self, axis: usize, i: usize) -> u32 {
        let along =
            self.roles.iter().zip(self.offsets).filter(|(role, _)| **role == ProductAxis::Output(axis));
        along.map(|(_, offsets)| if offsets.len() == 1 { offsets[0] } else { offsets[i] }).sum()
    }
}

/// That what may go of an operand or of the output goes from all that it meets.
fn check_prunable(cx: &Lowering, node: &Node, y: &Stored, factors: [&Factor; 2]) -> Result<(), PlanError> {
    let prunable = |stored: &Stored| stored.segments.iter().any(|segment| segment.unit.is_some());
    for (factor, other) in [(factors[0], factors[1]), (factors[1], factors[0])] {
        let Some((stored, role)) = &factor.stored else { continue };
        let name = &cx.graph.value(factor.value).name;
        let meets = match role {
            ProductAxis::Output(axis) if *axis == y.axis => stored.segments == y.segments,
            ProductAxis::Output(_) => false,
            ProductAxis::Inner => match &other.stored {
                None => true,
                Some((other, role)) => *role == ProductAxis::Inner && other.segments == stored.segments,
            },
        };
        if prunable(stored) && !meets {
            return Err(unsupported(node, format!("channels of {name} would go where others have to stay")));
        }
        if prunable(y) && factor.reading == Reading::Lanes {
            return Err(unsupported(node, format!("channels would go that {name} has elements for")));
        }
    }
    Ok(())
}
