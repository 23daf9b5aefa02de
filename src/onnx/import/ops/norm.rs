//! Normalisations by statistics of the input.

use crate::graph::{Activation, Binary, Norm, Op, Reduce, Reduction, Statistics};
use crate::onnx::import::call::{Call, Meaning, Part, Source};
use crate::tensor::{Tensor, count};
use std::sync::Arc;

pub(super) fn instance(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let epsilon = call.attributes.float("epsilon")?.unwrap_or(1e-5);
    call.whole(Op::Norm(Norm { statistics: Statistics::Instance, epsilon }))
}

/// From opset 21 on scale and shift have one number for each channel, before one for each group.
pub(super) fn group(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let epsilon = call.attributes.float("epsilon")?.unwrap_or(1e-5);
    call.attributes.ignore("stash_type");
    let groups =
        call.attributes.int("num_groups")?.ok_or("attribute num_groups: expected a number, found none")?;
    let groups = super::size("num_groups", groups, 1)?;
    let op = Op::Norm(Norm { statistics: Statistics::Group { groups }, epsilon });
    if call.opset >= 21 {
        return call.whole(op);
    }
    let channels = call.fixed()?.and_then(|shape| shape.get(1).copied().flatten());
    let channels = channels.ok_or("input 0: expected a known number of channels, found none")?;
    if !channels.is_multiple_of(groups) {
        return Err(format!("num_groups: expected a divisor of {channels} channels, found {groups}"));
    }
    let mut inputs = vec![Source::Input(0)];
    for (at, part) in [(1, "scale"), (2, "shift")] {
        let values = call
            .floats(at)?
            .ok_or_else(|| format!("input {at}: expected one number per group, found none"))?;
        if values.len() != groups {
            return Err(format!(
                "input {at}: expected {groups} numbers, one per group, found {}",
                values.len()
            ));
        }
        let repeated = values.iter().flat_map(|&value| vec![value; channels / groups]).collect();
        inputs.push(constant(part, vec![channels], repeated)?);
    }
    Ok(Meaning::Parts(vec![Part { op, inputs, output: Some(0) }]))
}

fn constant(part: &'static str, shape: Vec<usize>, values: Vec<f32>) -> Result<Source, String> {
    let tensor = Tensor::from_f32(shape, values).map_err(|error| error.to_string())?;
    Ok(Source::Constant(part, Arc::new(tensor)))
}

pub(super) fn layer(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let epsilon = call.attributes.float("epsilon")?.unwrap_or(1e-5);
    call.attributes.ignore("stash_type");
    let rank = call.rank()?;
    let axis = call.attributes.int("axis")?.unwrap_or(-1);
    let axis = call.axis(axis, rank.saturating_sub(1))?;
    let mut inputs = vec![Source::Input(0)];
    for (at, part) in [(1, "scale"), (2, "shift")] {
        inputs.push(layer_parameter(call, at, part, axis)?);
    }
    let op = Op::Norm(Norm { statistics: Statistics::Layer { axis }, epsilon });
    let mut parts = vec![Part { op, inputs, output: Some(0) }];
    statistics(call, &mut parts, (axis..rank).collect(), epsilon)?;
    Ok(Meaning::Parts(parts))
}

/// A scale or shift of the shape of the axes from `axis` on; a missing shift is 0.
fn layer_parameter(call: &mut Call, at: usize, part: &'static str, axis: usize) -> Result<Source, String> {
    let given = call.constant_shape(at)?;
    let whole = match call.fixed()? {
        Some(shape) => shape[axis..].iter().copied().collect::<Option<Vec<usize>>>(),
        None => None,
    };
    let whole = whole.or_else(|| call.shape().ok().flatten().map(|shape| shape[axis..].to_vec()));
    match (given, whole) {
        (None, _) if at < call.inputs() && !call.input(at).is_empty() => Ok(Source::Input(at)),
        (None, None) => {
            Err(format!("input {at}: expected a shift where the input's shape is not known, found none"))
        }
        (None, Some(shape)) => constant(part, shape.clone(), vec![0.0; count(&shape)]),
        (Some(given), Some(shape)) if given != shape => {
            let values = call.floats(at)?.unwrap_or_default();
            constant(part, shape.clone(), stretched(&given, &values, &shape, at)?)
        }
        (Some(_), _) => Ok(Source::Input(at)),
    }
}

/// `values` of shape `from`, repeated to `to`.
fn stretched(from: &[usize], values: &[f32], to: &[usize], at: usize) -> Result<Vec<f32>, String> {
    let missing = to.len().checked_sub(from.len());
    let fits =
        |missing: &usize| from.iter().zip(&to[*missing..]).all(|(&size, whole)| size == 1 || size == *whole);
    let Some(missing) = missing.filter(fits) else {
        return Err(format!("input {at}: expected a shape that repeats to {to:?}, found {from:?}"));
    };
    let source = |element: usize| {
        let mut place = 0;
        for (axis, &size) in from.iter().enumerate() {
            let coordinate = element / count(&to[missing + axis + 1..]) % to[missing + axis];
            place = place * size + if size == 1 { 0 } else { coordinate };
        }
        values[place]
    };
    Ok((0..count(to)).map(source).collect())
}

/// The optional outputs: the mean, and the inverse of the standard deviation.
fn statistics(call: &Call, parts: &mut Vec<Part>, axes: Vec<usize>, epsilon: f32) -> Result<(), String> {
    let [mean, inverse] = [1, 2].map(|output| call.wants(output));
    if !mean && !inverse {
        return Ok(());
    }
    let average = Op::Reduce(Reduce { reduction: Reduction::Mean, axes, keep_dims: true });
    let part = |op: &Op, inputs: Vec<Source>| Part { op: op.clone(), inputs, output: None };
    parts.push(Part { output: mean.then_some(1), ..part(&average, vec![Source::Input(0)]) });
    if inverse {
        let last = parts.len() - 1;
        let after = |steps: usize| Source::Part(last + steps);
        parts.push(part(&Op::Binary(Binary::Sub), vec![Source::Input(0), after(0)]));
        parts.push(part(&Op::Binary(Binary::Mul), vec![after(1), after(1)]));
        parts.push(part(&average, vec![after(2)]));
        let epsilon = constant("epsilon", vec![1], vec![epsilon])?;
        parts.push(part(&Op::Binary(Binary::Add), vec![after(3), epsilon]));
        parts.push(part(&Op::Activation(Activation::Sqrt), vec![after(4)]));
        let reciprocal = part(&Op::Activation(Activation::Reciprocal), vec![after(5)]);
        parts.push(Part { output: Some(2), ..reciprocal });
    }
    Ok(())
}
