//! Shapes of operators with several inputs: broadcasting, concatenation, batch normalisation, matrix products.

use super::{Mismatch, mismatch};
use crate::graph::Gemm;

/// The shape of a pointwise function of two values: dimensions are aligned at the end, missing ones and ones of size
/// 1 repeat.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| {
        let missing = rank - shape.len();
        if axis < missing { 1 } else { shape[axis - missing] }
    };
    let mut output = Vec::with_capacity(rank);
    for axis in 0..rank {
        match (size(a, axis), size(b, axis)) {
            (x, y) if x == y => output.push(x),
            (1, size) | (size, 1) => output.push(size),
            (x, y) => {
                let what = format!("dimension {axis} of the second input {b:?} against {a:?}");
                return mismatch(what, format!("1 or {x}"), y);
            }
        }
    }
    Ok(output)
}

/// The shape of a function of `x` whose parameter repeats along it.
pub(super) fn slope(x: &[usize], slope: &[usize]) -> Result<Vec<usize>, Mismatch> {
    match broadcast(x, slope)? {
        shape if shape == x => Ok(shape),
        _ => mismatch("slope", format!("a shape that repeats to {x:?}"), format!("{slope:?}")),
    }
}

pub(super) fn concat(axis: usize, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let mut output = inputs[0].to_vec();
    if axis >= output.len() {
        return mismatch("axis", format!("less than the rank {}", output.len()), axis);
    }
    for (i, input) in inputs.iter().enumerate().skip(1) {
        let agrees = input.len() == output.len()
            && input.iter().zip(&output).enumerate().all(|(at, (x, y))| at == axis || x == y);
        if !agrees {
            let expected = format!("{:?} in all but dimension {axis}", inputs[0]);
            return mismatch(format!("input {i}"), expected, format!("{input:?}"));
        }
        match output[axis].checked_add(input[axis]) {
            Some(sum) => output[axis] = sum,
            None => return mismatch(format!("input {i}"), "a size that can be counted", input[axis]),
        }
    }
    Ok(output)
}

pub(super) fn batch_norm(inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let Some(&channels) = inputs[0].get(1) else {
        return mismatch("input", "rank 2 or more [N, C, …]", format!("{:?}", inputs[0]));
    };
    for (what, shape) in ["scale", "shift", "mean", "variance"].iter().zip(&inputs[1..]) {
        if **shape != [channels] {
            return mismatch(what, format!("[{channels}]"), format!("{shape:?}"));
        }
    }
    Ok(inputs[0].to_vec())
}

pub(super) fn gemm(gemm: &Gemm, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    if gemm.epilogue.has_residual() {
        return mismatch("epilogue", "none with a residual", format!("{:?}", gemm.epilogue));
    }
    let matrix = |what: &str, shape: &[usize], transposed: bool| match (shape, transposed) {
        (&[rows, columns], false) | (&[columns, rows], true) => Ok((rows, columns)),
        _ => mismatch(what, "rank 2", format!("{shape:?}")),
    };
    let (m, k) = matrix("first matrix", inputs[0], gemm.trans_a)?;
    let (inner, n) = matrix("second matrix", inputs[1], gemm.trans_b)?;
    if inner != k {
        return mismatch("second matrix", format!("{k} rows of the product's inner side"), inner);
    }
    if let Some(c) = inputs.get(2) {
        let fits = match **c {
            [] => true,
            [columns] => columns == 1 || columns == n,
            [rows, columns] => (rows == 1 || rows == m) && (columns == 1 || columns == n),
            _ => false,
        };
        if !fits {
            return mismatch("added term", format!("a shape that repeats to [{m}, {n}]"), format!("{c:?}"));
        }
    }
    Ok(vec![m, n])
}
