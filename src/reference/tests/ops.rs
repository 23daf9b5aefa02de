//! Convolution, matrix product and pointwise operators on small cases.

use super::{array, assert_close, conv2d, noise};
use crate::graph::{Activation, Binary, Conv2d, Epilogue, Gemm, Op, Pad, PadMode, Padding};
use crate::reference::{Array, activate, batch_norm, binary, concat, conv, execute, gemm, pad, softmax};

#[test]
fn conv_of_the_specification() {
    let x = Array::new(vec![1, 1, 5, 5], (0..25).map(f64::from).collect()).unwrap();
    let weight = Array::filled(vec![1, 1, 3, 3], 1.0);
    let padded = Conv2d { pads: Padding::Explicit([1; 4]), ..conv2d(3, 1) };
    let expected = "12 21 27 33 24 33 54 63 72 51 63 99 108 117 81 93 144 153 162 111 72 111 117 123 84";
    assert_eq!(conv(&padded, &x, &weight, None), array(&[1, 1, 5, 5], expected));
    let strided = Conv2d { strides: [2, 2], ..padded };
    assert_eq!(conv(&strided, &x, &weight, None), array(&[1, 1, 3, 3], "12 27 24 63 108 81 72 117 84"));
}

#[test]
fn conv_with_dilation_uneven_margins_and_bias() {
    let x = array(&[1, 1, 3, 4], "1 2 3 4 5 6 7 8 9 10 11 12");
    let weight = array(&[1, 1, 2, 2], "1 10 100 1000");
    let op = Conv2d {
        kernel: [2, 2],
        dilations: [2, 3],
        strides: [1, 2],
        pads: Padding::Explicit([1, 2, 0, 1]),
        ..conv2d(2, 1)
    };
    // Rows read -1 and 1, then 0 and 2; columns read -2 and 1, then 0 and 3.
    let expected = "6000.5 8500.5 10020.5 12941.5";
    assert_eq!(conv(&op, &x, &weight, Some(&array(&[1], "0.5"))), array(&[1, 1, 2, 2], expected));
}

#[test]
fn depthwise_is_one_convolution_per_channel() {
    let (x, weight) = (noise(&[2, 3, 5, 6], 1), noise(&[6, 1, 3, 3], 2));
    let op = Conv2d { pads: Padding::SameUpper, strides: [2, 1], ..conv2d(3, 3) };
    let whole = conv(&op, &x, &weight, None);
    let image = whole.data.len() / 12;
    for plane in 0..12 {
        let (n, o) = (plane / 6, plane % 6);
        let channel = Array::new(vec![1, 1, 5, 6], x.data[(n * 3 + o / 2) * 30..][..30].to_vec()).unwrap();
        let filter = Array::new(vec![1, 1, 3, 3], weight.data[o * 9..][..9].to_vec()).unwrap();
        let alone = conv(&Conv2d { groups: 1, ..op.clone() }, &channel, &filter, None);
        assert_eq!(alone.data, whole.data[plane * image..][..image]);
    }
}

#[test]
fn pointwise_convolution_is_a_matrix_product() {
    let (x, weight, bias) = (noise(&[1, 7, 3, 4], 3), noise(&[5, 7, 1, 1], 4), noise(&[5], 5));
    let by_conv = conv(&conv2d(1, 1), &x, &weight, Some(&bias));
    let matrix = |shape: &[usize], data: &Array| Array::new(shape.to_vec(), data.data.clone()).unwrap();
    let op = Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false, epilogue: Epilogue::Plain };
    let by_gemm = gemm(&op, &matrix(&[5, 7], &weight), &matrix(&[7, 12], &x), Some(&matrix(&[5, 1], &bias)));
    assert_close(&matrix(&[5, 12], &by_conv), &by_gemm, 1e-13, "1x1");
}

#[test]
fn gemm_with_every_transposition() {
    let (a, a_turned) = (array(&[2, 3], "1 2 3 4 5 6"), array(&[3, 2], "1 4 2 5 3 6"));
    let (b, b_turned) = (array(&[3, 2], "1 0 0 1 2 -1"), array(&[2, 3], "1 0 2 0 1 -1"));
    let c = array(&[2], "10 20");
    let expected = array(&[2, 2], "8.5 9.5 13 9.5");
    for (trans_a, trans_b) in [(false, false), (true, false), (false, true), (true, true)] {
        let op = Gemm { alpha: 0.5, beta: 0.5, trans_a, trans_b, epilogue: Epilogue::Plain };
        let (a, b) = (if trans_a { &a_turned } else { &a }, if trans_b { &b_turned } else { &b });
        assert_eq!(gemm(&op, a, b, Some(&c)), expected, "{op:?}");
    }
}

#[test]
fn epilogues_add_and_activate_in_their_order() {
    let x = array(&[1, 1, 1, 3], "-3 1 4");
    let residual = array(&[1, 1, 1, 3], "2 -2 -1");
    let (weight, bias) = (array(&[1, 1, 1, 1], "1"), array(&[1], "-1"));
    let cases = [
        (Epilogue::Activation(Activation::Relu), "0 0 3"),
        (Epilogue::AddThenActivation(Activation::Relu), "0 0 2"),
        (Epilogue::ActivationThenAdd(Activation::Relu), "2 -2 2"),
    ];
    for (epilogue, expected) in cases {
        let mut inputs = vec![&x, &weight, &bias];
        if epilogue.has_residual() {
            inputs.push(&residual);
        }
        let op = Op::Conv(Conv2d { epilogue, ..conv2d(1, 1) });
        assert_eq!(execute(&op, &inputs), Ok(array(&[1, 1, 1, 3], expected)), "{epilogue:?}");
    }
    let unbiased =
        Op::Conv(Conv2d { epilogue: Epilogue::AddThenActivation(Activation::None), ..conv2d(1, 1) });
    assert_eq!(execute(&unbiased, &[&x, &weight, &residual]), Ok(array(&[1, 1, 1, 3], "-1 -1 3")));
    let op = Gemm {
        alpha: 1.0,
        beta: 1.0,
        trans_a: false,
        trans_b: true,
        epilogue: Epilogue::Activation(Activation::Relu),
    };
    let (a, b) = (array(&[1, 2], "1 2"), array(&[2, 2], "1 1 1 -1"));
    assert_eq!(execute(&Op::Gemm(op), &[&a, &b]), Ok(array(&[1, 2], "3 0")));
}

#[test]
fn activations_at_their_corners() {
    let cases = [
        (Activation::None, -2.0, -2.0),
        (Activation::Relu, -2.0, 0.0),
        (Activation::Relu, 2.0, 2.0),
        (Activation::LeakyRelu { alpha: 0.25 }, -2.0, -0.5),
        (Activation::LeakyRelu { alpha: 0.25 }, 2.0, 2.0),
        (Activation::LeakyRelu { alpha: 4.0 }, -2.0, -8.0),
        (Activation::Sigmoid, 0.0, 0.5),
        (Activation::Sigmoid, 1000.0, 1.0),
        (Activation::Sigmoid, -1000.0, 0.0),
        (Activation::Tanh, 1000.0, 1.0),
        (Activation::Clip { min: 0.0, max: 6.0 }, 7.0, 6.0),
        (Activation::Clip { min: 0.0, max: f32::INFINITY }, -7.0, 0.0),
        (Activation::Clip { min: 3.0, max: 1.0 }, 2.0, 1.0),
        (Activation::HardSwish, -3.0, 0.0),
        (Activation::HardSwish, 0.75, 0.46875),
        (Activation::HardSwish, 5.0, 5.0),
        (Activation::Silu, 0.0, 0.0),
        (Activation::Silu, 2.0, 2.0 / (1.0 + (-2.0_f64).exp())),
    ];
    for (activation, x, expected) in cases {
        assert_eq!(activate(activation, x), expected, "{activation:?} of {x}");
    }
}

#[test]
fn binary_repeats_every_dimension_of_size_one() {
    let a = array(&[2, 1, 3], "1 2 3 4 5 6");
    let b = array(&[2, 1], "10 20");
    let expected = array(&[2, 2, 3], "11 12 13 21 22 23 14 15 16 24 25 26");
    assert_eq!(binary(Binary::Add, &a, &b), expected);
    assert_eq!(binary(Binary::Add, &b, &a), expected);
    let scalar = array(&[], "2");
    assert_eq!(binary(Binary::Sub, &scalar, &a), array(&[2, 1, 3], "1 0 -1 -2 -3 -4"));
    assert_eq!(binary(Binary::Mul, &scalar, &scalar), array(&[], "4"));
}

#[test]
fn batch_norm_per_channel() {
    let x = array(&[1, 2, 1, 2], "1 3 5 7");
    let [scale, shift] = [array(&[2], "2 -1"), array(&[2], "0.5 1")];
    let [mean, variance] = [array(&[2], "1 6"), array(&[2], "3 0")];
    let found = batch_norm(1.0, &x, [&scale, &shift, &mean, &variance]);
    assert_eq!(found, array(&[1, 2, 1, 2], "0.5 2.5 2 0"));
}

#[test]
fn concat_and_pad_move_elements() {
    let a = array(&[2, 1, 2], "1 2 3 4");
    let b = array(&[2, 2, 2], "5 6 7 8 9 10 11 12");
    assert_eq!(concat(1, &[&a, &b]), array(&[2, 3, 2], "1 2 5 6 7 8 3 4 9 10 11 12"));
    assert_eq!(concat(2, &[&a, &a]), array(&[2, 1, 4], "1 2 1 2 3 4 3 4"));
    let x = array(&[1, 1, 2, 3], "1 2 3 4 5 6");
    let cases = [
        (PadMode::Constant(9.0), [1, 0, 0, 1], "9 9 9 9 1 2 3 9 4 5 6 9"),
        (PadMode::Reflect, [1, 2, 1, 0], "6 5 4 5 6 3 2 1 2 3 6 5 4 5 6 3 2 1 2 3"),
        (PadMode::Edge, [0, 1, 2, 2], "1 1 2 3 3 3 4 4 5 6 6 6 4 4 5 6 6 6 4 4 5 6 6 6"),
    ];
    for (mode, margins, expected) in cases {
        let found = pad(&Pad { margins, mode }, &x);
        assert_eq!(found, array(&found.shape, expected), "{mode:?}");
    }
}

#[test]
fn softmax_along_the_middle_axis_survives_large_values() {
    let x = array(&[1, 2, 2], "1000 0 1000 -5000");
    let third = array(&[1, 2, 2], "0.5 1 0.5 0");
    assert_close(&softmax(1, &x), &third, 1e-15, "softmax");
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let (x, weight) = (noise(&[1, 3, 4, 4], 1), noise(&[2, 2, 1, 1], 2));
    let error = execute(&Op::Conv(conv2d(1, 1)), &[&x, &weight]).unwrap_err();
    assert_eq!(error.to_string(), "weight: expected 3 input channels per group, found 2");
}
