//! `Range` of floats, a constant; one of integers is shape arithmetic.

use super::{Call, Meaning};
use crate::onnx::import::arithmetic::MAX_FILLED;
use crate::tensor::Tensor;
use std::sync::Arc;

/// `start`, `start + delta`, …, as far as before `limit`.
pub(super) fn range(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let mut number = |at: usize, name: &str| match call.scalar(at)? {
        Some(number) if number.is_finite() => Ok(number),
        Some(number) => Err(format!("{name}: expected a finite number, found {number}")),
        None => Err(format!("{name}: expected a number, found none")),
    };
    let (start, limit, delta) = (number(0, "start")?, number(1, "limit")?, number(2, "delta")?);
    let length = ((f64::from(limit) - f64::from(start)) / f64::from(delta)).ceil();
    if delta == 0.0 || !(1.0..=MAX_FILLED as f64).contains(&length) {
        return Err(format!(
            "expected a range of 1 to {MAX_FILLED} numbers, found {start} to {limit} by {delta}"
        ));
    }
    let values: Vec<f32> = (0..length as usize).map(|at| start + at as f32 * delta).collect();
    let tensor = Tensor::from_f32(vec![values.len()], values).map_err(|error| error.to_string())?;
    Ok(Meaning::Constant(Arc::new(tensor)))
}
