//! The operators of shape arithmetic.

use super::Known;
use crate::graph::{Arithmetic, Extent};
use crate::onnx::import::attributes::Attributes;
use crate::onnx::proto::{NodeProto, tensor_proto::DataType};
use crate::tensor::{Tensor, count};

/// The result of `op`; `None` where it is no operator of shape arithmetic. Divisions of floats stay fractions until
/// something rounds them, and nothing else may compute with a fraction.
pub(super) fn compute(
    op: &str,
    inputs: &[Option<Known>],
    attributes: &mut Attributes,
) -> Result<Option<Known>, String> {
    let first = inputs.first().and_then(Option::as_ref);
    if let Some(x) = first
        && let Some(rounded) = round(op, x, attributes)?
    {
        return Ok(Some(rounded));
    }
    let data: Vec<&Known> = inputs.iter().flatten().collect();
    let float = data.iter().any(|known| known.float);
    let moves =
        ["Identity", "Concat", "Gather", "Slice", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"];
    let fractions = data.iter().any(|known| known.fractions);
    if fractions && (!moves.contains(&op) || op == "Concat" && !data.iter().all(|known| known.fractions)) {
        return Err("expected sizes, found fractions of sizes that nothing rounds".to_owned());
    }
    if op == "Div" && float && data.len() == 2 {
        let mut quotients = pairs(data[0], data[1], divided)?;
        let fraction = |extent: &Extent| matches!(extent, Extent::Of(Arithmetic::Div, _));
        quotients.fractions = quotients.entries.iter().any(fraction);
        return Ok(Some(Known { float, ..quotients }));
    }
    let result = integers(op, inputs, attributes)?;
    let float = float && !["Equal", "Not"].contains(&op);
    Ok(result.map(|known| Known { float, fractions, ..known }))
}

/// What rounds: casts to integers towards 0, `Floor` and `Ceil`. A cast to floats changes no number.
fn round(op: &str, x: &Known, attributes: &mut Attributes) -> Result<Option<Known>, String> {
    let mut float = x.float;
    let rounding: fn(Extent, Extent) -> Option<Extent> = match op {
        "Floor" => |over, by| Extent::of(Arithmetic::FloorDiv, over, by),
        "Ceil" => |over, by| {
            let zero = || Extent::Fixed(0);
            let negative = Extent::of(Arithmetic::Sub, zero(), over)?;
            Extent::of(Arithmetic::Sub, zero(), Extent::of(Arithmetic::FloorDiv, negative, by)?)
        },
        "Cast" => {
            attributes.ignore("saturate");
            float = is_float(attributes.int("to")?.ok_or("to: expected a type, found none")?);
            if float {
                return Ok(Some(Known { float, ..x.clone() }));
            }
            |over, by| Extent::of(Arithmetic::Div, over, by)
        }
        _ => return Ok(None),
    };
    let rounded = |extent: &Extent| match extent {
        Extent::Of(Arithmetic::Div, parts) if x.fractions => {
            let [over, by] = (**parts).clone();
            rounding(over, by).ok_or_else(|| format!("expected a size that can be rounded, found {extent}"))
        }
        other => Ok(other.clone()),
    };
    let entries = x.entries.iter().map(rounded).collect::<Result<_, _>>()?;
    Ok(Some(Known { shape: x.shape.clone(), entries, float, fractions: false }))
}

/// Whether a `Cast` gives floats.
pub(super) fn to_floats(cast: &NodeProto) -> bool {
    cast.attribute.iter().any(|attribute| attribute.name() == "to" && is_float(attribute.i()))
}

fn is_float(to: i64) -> bool {
    let floats = [DataType::Float, DataType::Float16, DataType::Double, DataType::Bfloat16];
    floats.iter().any(|&kind| i64::from(kind as i32) == to)
}

/// A quotient of floats: a number or a size where it is whole, else the fraction.
fn divided(over: Extent, by: Extent) -> Option<Extent> {
    match (over.fixed(), by.fixed()) {
        (_, Some(0)) => None,
        // A rounded quotient would be taken for a fraction.
        _ if matches!(over, Extent::Of(Arithmetic::Div, _)) => None,
        (Some(a), Some(b)) if a % b != 0 => Some(Extent::Of(Arithmetic::Div, Box::new([over, by]))),
        _ => Extent::of(Arithmetic::Div, over, by),
    }
}

/// The result of `op` on numbers of which none is a fraction, or none is computed with.
fn integers(
    op: &str,
    inputs: &[Option<Known>],
    attributes: &mut Attributes,
) -> Result<Option<Known>, String> {
    let input = |at: usize| {
        let given = inputs.get(at).and_then(Option::as_ref);
        given.ok_or_else(|| format!("input {at}: expected a value, found none"))
    };
    let ints = |at: usize| match inputs.get(at).and_then(Option::as_ref) {
        None => Ok(None),
        Some(known) => {
            known.numbers().map(Some).ok_or_else(|| format!("input {at}: expected numbers, found sizes"))
        }
    };
    Ok(Some(match op {
        "Identity" => input(0)?.clone(),
        "Add" => pairs(input(0)?, input(1)?, |a, b| Extent::of(Arithmetic::Add, a, b))?,
        "Sub" => pairs(input(0)?, input(1)?, |a, b| Extent::of(Arithmetic::Sub, a, b))?,
        "Mul" => pairs(input(0)?, input(1)?, |a, b| Extent::of(Arithmetic::Mul, a, b))?,
        "Div" => pairs(input(0)?, input(1)?, |a, b| Extent::of(Arithmetic::Div, a, b))?,
        "Mod" => {
            attributes.only_zero("fmod")?;
            pairs(input(0)?, input(1)?, |a, b| Extent::of(Arithmetic::Mod, a, b))?
        }
        "Min" => joined(inputs, Arithmetic::Min)?,
        "Max" => joined(inputs, Arithmetic::Max)?,
        "Equal" => pairs(input(0)?, input(1)?, equal)?,
        "Where" => choose(input(0)?, input(1)?, input(2)?)?,
        "Not" => pairs(input(0)?, input(0)?, |a, _| Some(Extent::Fixed(i64::from(a.fixed()? == 0))))?,
        "Concat" => concat(inputs, attributes)?,
        "Gather" => gather(input(0)?, input(1)?, attributes.int("axis")?.unwrap_or(0))?,
        "Slice" => {
            let bounds = [ints(1)?, ints(2)?, ints(3)?, ints(4)?];
            slice(input(0)?, bounds)?
        }
        "Reshape" => {
            let allow_zero = attributes.flag("allowzero")?;
            reshape(input(0)?, &ints(1)?.unwrap_or_default(), allow_zero)?
        }
        "Flatten" | "Squeeze" | "Unsqueeze" => {
            let given = match attributes.ints("axes")? {
                Some(given) => Some(given.to_vec()),
                None => ints(1)?,
            };
            ranked(op, input(0)?, (given, attributes.int("axis")?.unwrap_or(1)))?
        }
        "Transpose" => transpose(input(0)?, attributes.ints("perm")?)?,
        "Expand" => {
            let shape = ints(1)?.unwrap_or_default();
            let ones = Known::new(sizes(&shape)?, vec![Extent::Fixed(1); count(&sizes(&shape)?)]);
            pairs(input(0)?, &ones, |a, _| Some(a))?
        }
        "Range" => range(
            &ints(0)?.unwrap_or_default(),
            &ints(1)?.unwrap_or_default(),
            &ints(2)?.unwrap_or_default(),
        )?,
        "ReduceProd" | "ReduceSum" => {
            attributes.ignore("axes");
            let keep = attributes.int("keepdims")?.unwrap_or(1) != 0;
            total(input(0)?, op == "ReduceProd", keep)?
        }
        _ => return Ok(None),
    }))
}

fn sizes(numbers: &[i64]) -> Result<Vec<usize>, String> {
    let sizes: Option<Vec<usize>> = numbers.iter().map(|&size| usize::try_from(size).ok()).collect();
    let fits = |sizes: &Vec<usize>| {
        sizes
            .iter()
            .try_fold(1_usize, |product, &size| product.checked_mul(size))
            .is_some_and(|n| n <= super::MAX_ENTRIES)
    };
    sizes.filter(fits).ok_or_else(|| format!("shape: expected few sizes from 0 on, found {numbers:?}"))
}

/// A function of two tensors with numpy broadcasting.
fn pairs(a: &Known, b: &Known, f: impl Fn(Extent, Extent) -> Option<Extent>) -> Result<Known, String> {
    let rank = a.shape.len().max(b.shape.len());
    let aligned = |known: &Known| [vec![1; rank - known.shape.len()], known.shape.clone()].concat();
    let (left, right) = (aligned(a), aligned(b));
    let mut shape = Vec::with_capacity(rank);
    for (&x, &y) in left.iter().zip(&right) {
        match (x, y) {
            (x, y) if x == y || y == 1 => shape.push(x),
            (1, y) => shape.push(y),
            _ => {
                return Err(format!("expected shapes that broadcast, found {:?} and {:?}", a.shape, b.shape));
            }
        }
    }
    let at = |dims: &[usize], mut index: usize| {
        let (mut place, mut stride) = (0, 1);
        for (&extent, &own) in shape.iter().zip(dims).rev() {
            place += if own == 1 { 0 } else { index % extent * stride };
            index /= extent;
            stride *= own;
        }
        place
    };
    let entry = |index: usize| {
        let (x, y) = (a.entries[at(&left, index)].clone(), b.entries[at(&right, index)].clone());
        let words = format!("{x} and {y}");
        f(x, y).ok_or_else(|| format!("expected numbers that can be combined, found {words}"))
    };
    let entries = (0..count(&shape)).map(entry).collect::<Result<_, _>>()?;
    Ok(Known::new(shape, entries))
}

/// Whether two entries are equal; sizes are never negative.
fn equal(a: Extent, b: Extent) -> Option<Extent> {
    let negative = |extent: &Extent| extent.fixed().is_some_and(|number| number < 0);
    let answer = match (a.fixed(), b.fixed()) {
        (Some(a), Some(b)) => a == b,
        (None, _) if negative(&b) => false,
        (_, None) if negative(&a) => false,
        _ if a == b => true,
        _ => return None,
    };
    Some(Extent::Fixed(i64::from(answer)))
}

fn choose(condition: &Known, a: &Known, b: &Known) -> Result<Known, String> {
    let shape = pairs(&pairs(condition, a, |_, a| Some(a))?, b, |a, _| Some(a))?.shape;
    let ones = Known::new(shape.clone(), vec![Extent::Fixed(1); count(&shape)]);
    let [condition, a, b] = [condition, a, b].map(|known| pairs(known, &ones, |x, _| Some(x)));
    let (condition, a, b) = (condition?, a?, b?);
    let pick = |at: usize| match condition.entries[at].fixed() {
        Some(0) => Ok(b.entries[at].clone()),
        Some(_) => Ok(a.entries[at].clone()),
        None => Err("condition: expected one that does not depend on sizes".to_owned()),
    };
    let entries = (0..a.entries.len()).map(pick).collect::<Result<_, String>>()?;
    Ok(Known::new(a.shape, entries))
}

fn joined(inputs: &[Option<Known>], arithmetic: Arithmetic) -> Result<Known, String> {
    let mut inputs = inputs.iter().flatten();
    let first = inputs.next().ok_or("expected an input, found none")?.clone();
    inputs.try_fold(first, |joined, next| pairs(&joined, next, |a, b| Extent::of(arithmetic, a, b)))
}

fn axis_of(axis: i64, rank: usize) -> Result<usize, String> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let found = counted.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
    found.ok_or_else(|| format!("axis: expected -{rank} to {}, found {axis}", rank as i64 - 1))
}

fn concat(inputs: &[Option<Known>], attributes: &mut Attributes) -> Result<Known, String> {
    let axis = attributes.int("axis")?.ok_or("axis: expected it, found none")?;
    let parts: Vec<&Known> = inputs.iter().flatten().collect();
    let first = parts.first().ok_or("expected an input, found none")?;
    let axis = axis_of(axis, first.shape.len())?;
    let alike = |part: &&Known| {
        part.shape.len() == first.shape.len()
            && part.shape.iter().zip(&first.shape).enumerate().all(|(at, (a, b))| at == axis || a == b)
    };
    if !parts.iter().all(alike) {
        return Err("expected inputs of one shape but for the axis, found others".to_owned());
    }
    let mut shape = first.shape.clone();
    shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    let mut entries = Vec::with_capacity(count(&shape));
    for outer in 0..count(&shape[..axis]) {
        for part in &parts {
            let run = count(&part.shape[axis..]);
            entries.extend_from_slice(&part.entries[outer * run..(outer + 1) * run]);
        }
    }
    Ok(Known::new(shape, entries))
}

fn gather(x: &Known, indices: &Known, axis: i64) -> Result<Known, String> {
    let axis = axis_of(axis, x.shape.len())?;
    let numbers = indices.numbers().ok_or("indices: expected numbers, found sizes")?;
    let places: Result<Vec<usize>, String> =
        numbers.iter().map(|&index| axis_of(index, x.shape[axis])).collect();
    let places = places.map_err(|error| error.replacen("axis", "index", 1))?;
    x.moved(|positions| {
        let picked = positions.select(axis, &places);
        let shape = [&x.shape[..axis], &indices.shape, &x.shape[axis + 1..]].concat();
        picked.reshaped(shape).map_err(|error| error.to_string())
    })
}

/// Starts, ends, axes and steps.
type Bounds = [Option<Vec<i64>>; 4];

fn slice(x: &Known, [starts, ends, axes, steps]: Bounds) -> Result<Known, String> {
    let starts = starts.ok_or("starts: expected a constant, found none")?;
    let ends = ends.ok_or("ends: expected a constant, found none")?;
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|&len| len != starts.len()) || steps.contains(&0) {
        return Err(format!(
            "expected as many ends, axes and steps as starts, found {ends:?}, {axes:?} and {steps:?}"
        ));
    }
    x.moved(|mut positions| {
        for (((&start, &end), &axis), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
            let axis = axis_of(axis, positions.shape().len())?;
            let size = positions.shape()[axis] as i64;
            let counted = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
            let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
            let (mut at, end) = (counted(start).clamp(low.max(0), high), counted(end).clamp(low, high));
            let mut places = Vec::new();
            while (step > 0 && at < end) || (step < 0 && at > end) {
                places.push(at as usize);
                at = at.saturating_add(step);
            }
            positions = positions.select(axis, &places);
        }
        Ok(positions)
    })
}

fn reshape(x: &Known, target: &[i64], allow_zero: bool) -> Result<Known, String> {
    let mut shape = Vec::with_capacity(target.len());
    let mut inferred = None;
    for (at, &size) in target.iter().enumerate() {
        shape.push(match size {
            0 if !allow_zero => *x.shape.get(at).ok_or("target: 0 without a dimension to copy")?,
            -1 => {
                inferred = Some(at);
                1
            }
            size => {
                usize::try_from(size).map_err(|_| format!("target: expected sizes, 0 or -1, found {size}"))?
            }
        });
    }
    if let Some(at) = inferred {
        let others = count(&shape);
        shape[at] = x.entries.len().checked_div(others).unwrap_or(0);
    }
    x.reshaped(shape)
}

/// Flattening from an axis on, and axes of size 1 that go or come.
fn ranked(op: &str, x: &Known, (axes, axis): (Option<Vec<i64>>, i64)) -> Result<Known, String> {
    let rank = x.shape.len();
    match (op, axes) {
        ("Flatten", _) => {
            let axis = axis_of(axis, rank + 1)?;
            x.reshaped(vec![count(&x.shape[..axis]), count(&x.shape[axis..])])
        }
        ("Squeeze", None) => x.reshaped(x.shape.iter().copied().filter(|&size| size != 1).collect()),
        ("Squeeze", Some(axes)) => {
            let axes = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?;
            let stays = |(at, &size): (usize, &usize)| (!axes.contains(&at)).then_some(size);
            x.reshaped(x.shape.iter().enumerate().filter_map(stays).collect())
        }
        (_, axes) => {
            let axes = axes.ok_or("axes: expected them, found none")?;
            let rank = rank + axes.len();
            let axes = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?;
            let mut sizes = x.shape.iter().copied();
            let shape = (0..rank).map(|at| if axes.contains(&at) { 1 } else { sizes.next().unwrap_or(1) });
            x.reshaped(shape.collect())
        }
    }
}

fn transpose(x: &Known, perm: Option<&[i64]>) -> Result<Known, String> {
    let rank = x.shape.len();
    let perm: Vec<usize> = match perm {
        None => (0..rank).rev().collect(),
        Some(perm) => perm.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
    };
    if perm.len() != rank || (1..rank).any(|at| perm[..at].contains(&perm[at])) {
        return Err(format!("perm: expected each axis once, found {perm:?}"));
    }
    let shape: Vec<usize> = perm.iter().map(|&axis| x.shape[axis]).collect();
    let stride = |axis: usize| count(&x.shape[axis + 1..]);
    let place = |index: usize| {
        let mut rest = index;
        let mut at = 0;
        for (&axis, &size) in perm.iter().zip(&shape).rev() {
            at += rest % size * stride(axis);
            rest /= size;
        }
        at as i64
    };
    x.moved(|_| {
        let places = (0..count(&shape)).map(place).collect();
        Tensor::from_i64(shape.clone(), places).map_err(|error| error.to_string())
    })
}

fn range(start: &[i64], limit: &[i64], step: &[i64]) -> Result<Known, String> {
    let (&[start], &[limit], &[step]) = (start, limit, step) else {
        return Err("expected a start, a limit and a step, found others".to_owned());
    };
    let mut entries = Vec::new();
    let mut at = start;
    if step == 0 {
        return Err("expected a step that is not 0, found 0".to_owned());
    }
    while (step > 0 && at < limit) || (step < 0 && at > limit) {
        if entries.len() == super::MAX_ENTRIES {
            return Err(format!("expected at most {} numbers, found more", super::MAX_ENTRIES));
        }
        entries.push(Extent::Fixed(at));
        at = at.checked_add(step).ok_or("expected a range that ends, found one that overflows")?;
    }
    Ok(Known::list(entries))
}

fn total(x: &Known, product: bool, keep: bool) -> Result<Known, String> {
    let (arithmetic, start) = if product { (Arithmetic::Mul, 1) } else { (Arithmetic::Add, 0) };
    let mut entries = x.entries.iter().cloned();
    let total = entries.try_fold(Extent::Fixed(start), |total, entry| Extent::of(arithmetic, total, entry));
    let total = total.ok_or("expected a total that can be computed, found one that overflows")?;
    Ok(Known::new(if keep { vec![1; x.shape.len()] } else { Vec::new() }, vec![total]))
}
