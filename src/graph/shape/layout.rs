//! Shapes of operators that keep every element, and of those that reduce axes: flatten, reshape, softmax, sums.

use super::{Mismatch, mismatch};
use crate::graph::Extent;

pub(super) fn flatten(axis: usize, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if axis > x.len() {
        return mismatch("axis", format!("at most the rank {}", x.len()), axis);
    }
    Ok(vec![x[..axis].iter().product(), x[axis..].iter().product()])
}

pub(super) fn softmax(axis: usize, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if axis >= x.len() {
        return mismatch("axis", format!("less than the rank {}", x.len()), axis);
    }
    Ok(x.to_vec())
}

pub(super) fn reduce(axes: &[usize], keep_dims: bool, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if !axes.is_sorted_by(|a, b| a < b) || axes.last().is_some_and(|&last| last >= x.len()) {
        let expected = format!("ascending ones below the rank {}", x.len());
        return mismatch("axes", expected, format!("{axes:?}"));
    }
    let kept = x.iter().enumerate().filter(|(axis, _)| keep_dims || !axes.contains(axis));
    Ok(kept.map(|(axis, &size)| if axes.contains(&axis) { 1 } else { size }).collect())
}

pub(super) fn reshape(target: &[Extent], allow_zero: bool, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let Some(target) = target.iter().map(Extent::fixed).collect::<Option<Vec<i64>>>() else {
        return mismatch("target", "numbers", format!("{target:?}"));
    };
    let elements: usize = x.iter().product();
    let mut output = Vec::with_capacity(target.len());
    let mut inferred = None;
    for (axis, &entry) in target.iter().enumerate() {
        let size = match entry {
            0 if !allow_zero => match x.get(axis) {
                Some(&size) => size,
                None => {
                    return mismatch(
                        format!("target {target:?}"),
                        "0 only where the input has a dimension",
                        format!("{x:?}"),
                    );
                }
            },
            -1 if inferred.is_none() => {
                inferred = Some(axis);
                1
            }
            -1 => return mismatch("target", "at most one -1", format!("{target:?}")),
            _ => match usize::try_from(entry) {
                Ok(size) => size,
                Err(_) => return mismatch("target", "sizes, 0 or -1", format!("{target:?}")),
            },
        };
        output.push(size);
    }
    let product = output.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    match (inferred, product) {
        (Some(axis), Some(known)) if known > 0 && elements.is_multiple_of(known) => {
            output[axis] = elements / known;
            Ok(output)
        }
        (None, Some(known)) if known == elements => Ok(output),
        _ => mismatch(
            format!("target {target:?}"),
            format!("the {elements} elements of {x:?}"),
            format!("{output:?}"),
        ),
    }
}
