//! Shapes of matrix products over leading axes, and of normalisations.

use super::join::broadcast;
use super::{Mismatch, mismatch};
use crate::graph::{Norm, Statistics};

/// An operand of a matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `a` of `a b`.
    Left,
    /// `b` of `a b`.
    Right,
}

/// What an axis of an operand is to a matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductAxis {
    /// This axis of the output, or stretched to it.
    Output(usize),
    /// What is summed over.
    Inner,
}

impl Side {
    /// What axis number `axis` of this operand is to a product of values of these ranks (left, right), each at least 1.
    ///
    /// # Panics
    /// If the operand has no such axis.
    pub fn axis(self, ranks: [usize; 2], axis: usize) -> ProductAxis {
        let [left, right] = ranks;
        let rank = if self == Self::Left { left } else { right };
        assert!(axis < rank, "axis {axis} of a value of rank {rank}");
        let batches = left.max(right).saturating_sub(2);
        match (self, rank - axis) {
            (_, _) if rank == 1 => ProductAxis::Inner,
            (Self::Left, 1) | (Self::Right, 2) => ProductAxis::Inner,
            (Self::Left, 2) => ProductAxis::Output(batches),
            (Self::Right, 1) => ProductAxis::Output(batches + usize::from(left > 1)),
            _ => ProductAxis::Output(batches + axis + 2 - rank),
        }
    }
}

/// The shape of `a b`: matrices in the last two axes, the others broadcast; a vector is a row on the left and a column
/// on the right, and its missing axis is missing from the result.
pub(super) fn mat_mul(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Mismatch> {
    for (what, shape) in [("first matrix", a), ("second matrix", b)] {
        if shape.is_empty() {
            return mismatch(what, "rank 1 or more", format!("{shape:?}"));
        }
    }
    let inner = a[a.len() - 1];
    let found = b[b.len().saturating_sub(2)];
    if found != inner {
        return mismatch("second matrix", format!("{inner} along the axis summed over"), format!("{b:?}"));
    }
    let leading = |shape: &[usize]| shape[..shape.len().saturating_sub(2)].to_vec();
    let mut output = broadcast(&leading(a), &leading(b))?;
    output.extend(a.len().checked_sub(2).map(|row| a[row]));
    output.extend((b.len() > 1).then(|| b[b.len() - 1]));
    Ok(output)
}

pub(super) fn norm(norm: &Norm, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let x = inputs[0];
    let expected = match norm.statistics {
        Statistics::Instance | Statistics::Group { .. } => match x {
            [_, channels, ..] => vec![*channels],
            _ => return mismatch("input", "rank 2 or more [N, C, …]", format!("{x:?}")),
        },
        Statistics::Layer { axis } if axis < x.len() => x[axis..].to_vec(),
        Statistics::Layer { axis } => {
            return mismatch("axis", format!("less than the rank {}", x.len()), axis);
        }
    };
    if let Statistics::Group { groups } = norm.statistics
        && (groups == 0 || !expected[0].is_multiple_of(groups))
    {
        return mismatch("num_groups", format!("a divisor of {} channels", expected[0]), groups);
    }
    for (what, shape) in ["scale", "shift"].iter().zip(&inputs[1..]) {
        if **shape != expected[..] {
            return mismatch(what, format!("{expected:?}"), format!("{shape:?}"));
        }
    }
    Ok(x.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_follow_numpy() {
        let cases: [(&[usize], &[usize], &[usize]); 7] = [
            (&[2, 3], &[3, 4], &[2, 4]),
            (&[3], &[3], &[]),
            (&[3], &[5, 3, 4], &[5, 4]),
            (&[5, 2, 3], &[3], &[5, 2]),
            (&[6, 1, 2, 3], &[5, 3, 4], &[6, 5, 2, 4]),
            (&[2, 3, 4, 5], &[5, 1], &[2, 3, 4, 1]),
            (&[1, 1, 1, 7, 2, 3], &[4, 1, 3, 2], &[1, 1, 4, 7, 2, 2]),
        ];
        for (a, b, expected) in cases {
            assert_eq!(mat_mul(a, b).unwrap(), expected, "{a:?} {b:?}");
        }
        assert!(mat_mul(&[2, 3], &[4, 3]).is_err());
        assert!(mat_mul(&[2, 2, 3], &[3, 3, 4]).is_err());
        assert!(mat_mul(&[], &[1]).is_err());
    }

    #[test]
    fn axes_of_operands_are_found_in_the_output() {
        use ProductAxis::{Inner, Output};
        let all = |side: Side, ranks: [usize; 2], rank: usize| -> Vec<ProductAxis> {
            (0..rank).map(|axis| side.axis(ranks, axis)).collect()
        };
        assert_eq!(all(Side::Left, [4, 3], 4), [Output(0), Output(1), Output(2), Inner]);
        assert_eq!(all(Side::Right, [4, 3], 3), [Output(1), Inner, Output(3)]);
        assert_eq!(all(Side::Left, [1, 3], 1), [Inner]);
        assert_eq!(all(Side::Right, [1, 3], 3), [Output(0), Inner, Output(1)]);
        assert_eq!(all(Side::Left, [3, 1], 3), [Output(0), Output(1), Inner]);
        assert_eq!(all(Side::Left, [2, 2], 2), [Output(0), Inner]);
        assert_eq!(all(Side::Right, [2, 2], 2), [Inner, Output(1)]);
    }

    #[test]
    fn norms_keep_the_shape() {
        let check = |statistics, x: &[usize], parameters: &[usize]| {
            norm(&Norm { statistics, epsilon: 1e-5 }, &[x, parameters, parameters]).is_ok()
        };
        assert!(check(Statistics::Instance, &[2, 3, 4, 5], &[3]));
        assert!(check(Statistics::Group { groups: 2 }, &[2, 4, 5], &[4]));
        assert!(!check(Statistics::Group { groups: 3 }, &[2, 4, 5], &[4]));
        assert!(check(Statistics::Layer { axis: 1 }, &[2, 3, 4], &[3, 4]));
        assert!(check(Statistics::Layer { axis: 0 }, &[2], &[2]));
        assert!(!check(Statistics::Layer { axis: 3 }, &[2, 3, 4], &[4]));
        assert!(!check(Statistics::Layer { axis: 2 }, &[2, 3, 4], &[3]));
        assert!(!check(Statistics::Instance, &[3], &[3]));
    }
}
