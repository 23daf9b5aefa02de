//! Matrix product by its definition.

use super::Array;
use crate::graph::Gemm;

/// `alpha A' B' + beta C`, without the epilogue: two matrices and a term that repeats to `[M, N]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn gemm(gemm: &Gemm, a: &Array, b: &Array, c: Option<&Array>) -> Array {
    let (a_rows, a_columns) = (a.shape[0], a.shape[1]);
    let (m, k) = if gemm.trans_a { (a_columns, a_rows) } else { (a_rows, a_columns) };
    let n = b.shape[usize::from(!gemm.trans_b)];
    let mut out = Array::filled(vec![m, n], 0.0);
    for row in 0..m {
        for column in 0..n {
            let product = (0..k).map(|i| {
                let left = if gemm.trans_a { i * m + row } else { row * k + i };
                let right = if gemm.trans_b { column * k + i } else { i * n + column };
                a.data[left] * b.data[right]
            });
            let sum: f64 = product.sum();
            let added = c.map_or(0.0, |c| c.data[repeated(&c.shape, row, column)]);
            out.data[row * n + column] = f64::from(gemm.alpha) * sum + f64::from(gemm.beta) * added;
        }
    }
    out
}

/// The index into a term of `shape` that `[row, column]` reads.
fn repeated(shape: &[usize], row: usize, column: usize) -> usize {
    let row = |rows| if rows == 1 { 0 } else { row };
    let column = |columns| if columns == 1 { 0 } else { column };
    match *shape {
        [] => 0,
        [columns] => column(columns),
        [rows, columns, ..] => row(rows) * columns + column(columns),
    }
}
