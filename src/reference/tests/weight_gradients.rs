//! Gradients of weights against differences of what is differentiated, which is linear in its weights: any step is exact.

use super::{array, assert_close, conv2d, noise};
use crate::graph::{Conv2d, ConvTranspose, Gemm, Op, Padding, Training};
use crate::reference::{Array, bound, conv, conv_transpose, execute, gemm};

/// The derivative of `Σ dy f(weight)` by every element of `weight`.
fn differences(weight: &Array, dy: &Array, f: impl Fn(&Array) -> Array) -> Array {
    let loss = |weight: &Array| f(weight).zip(dy, |y, dy| y * dy).data.iter().sum::<f64>();
    let mut gradient = weight.clone();
    for at in 0..weight.data.len() {
        let mut stepped = weight.clone();
        stepped.data[at] += 0.5;
        gradient.data[at] = (loss(&stepped) - loss(weight)) / 0.5;
    }
    gradient
}

fn shapes() -> Vec<Conv2d> {
    vec![
        conv2d(1, 1),
        conv2d(3, 1),
        Conv2d { pads: Padding::SameUpper, strides: [2, 2], ..conv2d(3, 1) },
        Conv2d { pads: Padding::Explicit([1, 0, 2, 3]), dilations: [2, 1], ..Conv2d::new([2, 3]) },
        Conv2d { pads: Padding::Explicit([2, 4, 0, 1]), dilations: [1, 3], strides: [1, 2], ..conv2d(3, 1) },
        Conv2d { pads: Padding::SameLower, groups: 2, ..conv2d(2, 1) },
        Conv2d { pads: Padding::Explicit([1; 4]), groups: 4, strides: [2, 1], ..conv2d(3, 1) },
    ]
}

#[test]
fn of_a_convolution() {
    for op in shapes() {
        let x = noise(&[2, 4, 5, 6], 1);
        let weight = noise(&[4, 4 / op.groups, op.kernel[0], op.kernel[1]], 2);
        let y = conv(&op, &x, &weight, None);
        let dy = noise(&y.shape, 3);
        let expected = differences(&weight, &dy, |weight| conv(&op, &x, weight, None));
        let found = execute(&Op::Training(Training::ConvWeight(op.clone())), &[&x, &dy]).unwrap();
        assert_close(&found, &expected, 1e-12, &format!("{op:?}"));
    }
}

#[test]
fn of_a_transposed_convolution_with_the_roles_exchanged() {
    let op = ConvTranspose {
        strides: [2, 2],
        pads: Padding::Explicit([1, 0, 0, 1]),
        output_padding: [1, 1],
        ..ConvTranspose::new([3, 3])
    };
    let (x, weight) = (noise(&[2, 3, 4, 3], 1), noise(&[3, 2, 3, 3], 2));
    let dy = noise(&conv_transpose(&op, &x, &weight, None).shape, 3);
    let expected = differences(&weight, &dy, |weight| conv_transpose(&op, &x, weight, None));
    let back = Conv2d { strides: [2, 2], pads: Padding::Explicit([1, 0, 0, 0]), ..conv2d(3, 1) };
    let found = execute(&Op::Training(Training::ConvWeight(back)), &[&dy, &x]).unwrap();
    assert_close(&found, &expected, 1e-12, "transposed");
}

#[test]
fn of_a_matrix() {
    let (x, weight, dy) = (noise(&[5, 3], 1), noise(&[4, 3], 2), noise(&[5, 4], 3));
    let op = Gemm { trans_b: true, ..Gemm::default() };
    let expected = differences(&weight, &dy, |weight| gemm(&op, &x, weight, None));
    let found = execute(&Op::Training(Training::GemmWeight), &[&x, &dy]).unwrap();
    assert_close(&found, &expected, 1e-13, "matrix");
}

#[test]
fn of_a_bias() {
    let dy = array(&[2, 2, 3], "1 2 3 4 5 6 10 20 30 40 50 60");
    let found = execute(&Op::Training(Training::ChannelSum), &[&dy]).unwrap();
    assert_eq!(found, array(&[2], "66 165"));
}

#[test]
fn bounds_grow_with_the_terms_and_their_size() {
    let op = Op::Training(Training::ChannelSum);
    let tolerance = |dy: &Array| bound(&op, &[dy]).unwrap().tolerance.data[0];
    let (short, long) = (Array::filled(vec![1, 1, 10], -1.0), Array::filled(vec![4, 1, 100], -1.0));
    let relative = |dy: &Array| tolerance(dy) / dy.data.len() as f64;
    assert!(relative(&long) > 20.0 * relative(&short));
    assert_eq!(bound(&op, &[&long]).unwrap().expected.data, [-400.0]);
}
