//! Matrix product over leading axes, by its definition.

use super::Array;
use crate::graph::{ProductAxis, Side};
use crate::tensor::count;

/// `a b` with ONNX (numpy) broadcasting, of shape `shape`.
///
/// # Panics
/// If the shapes do not fit.
pub fn mat_mul(a: &Array, b: &Array, shape: Vec<usize>) -> Array {
    let ranks = [a.shape.len(), b.shape.len()];
    let operands = [(Side::Left, a), (Side::Right, b)].map(|(side, array)| Strides::new(side, array, ranks));
    let inner = a.shape[ranks[0] - 1];
    let mut out = Array::filled(shape, 0.0);
    for at in 0..count(&out.shape) {
        let [left, right] = [0, 1].map(|i| operands[i].first(&out.shape, at));
        let terms =
            (0..inner).map(|k| a.data[left + k * operands[0].inner] * b.data[right + k * operands[1].inner]);
        out.data[at] = terms.sum();
    }
    out
}

/// How far apart neighbours of an operand lie along the axes of the output, and along the axis summed over.
struct Strides {
    output: Vec<(usize, usize)>,
    inner: usize,
}

impl Strides {
    fn new(side: Side, array: &Array, ranks: [usize; 2]) -> Self {
        let mut strides = Self { output: Vec::new(), inner: 0 };
        for (axis, &extent) in array.shape.iter().enumerate() {
            let stride = count(&array.shape[axis + 1..]);
            match side.axis(ranks, axis) {
                ProductAxis::Output(to) => {
                    strides.output.push((to, if extent == 1 { 0 } else { stride }));
                }
                ProductAxis::Inner => strides.inner = stride,
            }
        }
        strides
    }

    /// The first term of output element `at`.
    fn first(&self, shape: &[usize], at: usize) -> usize {
        let coordinate = |axis: usize| at / count(&shape[axis + 1..]) % shape[axis];
        self.output.iter().map(|&(axis, stride)| coordinate(axis) * stride).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(shape: &[usize]) -> Array {
        Array::new(shape.to_vec(), (0..count(shape)).map(|i| i as f64).collect()).unwrap()
    }

    #[test]
    fn two_matrices() {
        let product = mat_mul(&range(&[2, 2]), &range(&[2, 2]), vec![2, 2]);
        assert_eq!(product.data, [2.0, 3.0, 6.0, 11.0]);
    }

    #[test]
    fn leading_axes_stretch() {
        let product = mat_mul(&range(&[2, 1, 1, 2]), &range(&[2, 2, 1]), vec![2, 2, 1, 1]);
        assert_eq!(product.data, [1.0, 3.0, 3.0, 13.0]);
    }

    #[test]
    fn vectors_are_rows_and_columns() {
        assert_eq!(mat_mul(&range(&[2]), &range(&[2]), vec![]).data, [1.0]);
        assert_eq!(mat_mul(&range(&[2]), &range(&[2, 2]), vec![2]).data, [2.0, 3.0]);
        assert_eq!(mat_mul(&range(&[2, 2]), &range(&[2]), vec![2]).data, [1.0, 3.0]);
    }
}
