//! Exported reductions: their axes move from an attribute to an input at some opset.

use super::attributes::{flag, ints};
use super::nodes::{Form, reason};
use crate::graph::{Reduce, Reduction};
use crate::tensor::Tensor;

/// The form of a reduction called `name`.
pub(super) fn form(name: &'static str, reduce: &Reduce, opset: i64) -> Result<Form, String> {
    // Without axes, all would be reduced.
    if reduce.axes.is_empty() {
        let op = if reduce.reduction == Reduction::L2 { "Abs" } else { "Identity" };
        return Ok(Form::new(op, Vec::new()));
    }
    let mut form = Form::new(name, vec![flag("keepdims", reduce.keep_dims)]);
    if opset >= 18 || reduce.reduction == Reduction::Sum {
        let axes = reduce.axes.iter().map(|&axis| axis as i64).collect();
        let axes = Tensor::from_i64(vec![reduce.axes.len()], axes).map_err(reason)?;
        form.constants.push(Some(("axes", axes)));
    } else {
        form.attributes.push(ints("axes", &reduce.axes));
    }
    Ok(form)
}
