//! The tolerances: f32 arithmetic in any order stays within them, and little more than it.

use super::{array, conv2d, noise};
use crate::graph::{Activation, Binary, Conv2d, Epilogue, Op, Padding};
use crate::reference::{Array, bound};

/// Sums in f32, forwards and backwards, of a 3x3 convolution at one output.
fn f32_sums(x: &Array, weight: &Array) -> [f32; 2] {
    let products = || x.data.iter().zip(&weight.data).map(|(&x, &w)| x as f32 * w as f32);
    let backwards: Vec<f32> = products().collect();
    [products().fold(0.0, |sum, p| sum + p), backwards.iter().rev().fold(0.0, |sum, p| sum + p)]
}

#[test]
fn sums_in_f32_stay_within_the_bound_in_any_order() {
    for seed in 0..50 {
        let irrational = |array: Array| array.map(|x| f64::from((x * 1.37).sin() as f32));
        let (x, weight) =
            (irrational(noise(&[1, 64, 3, 3], seed)), irrational(noise(&[1, 64, 3, 3], seed + 99)));
        let bounded = bound(&Op::Conv(conv2d(3, 1)), &[&x, &weight]).unwrap();
        for sum in f32_sums(&x, &weight) {
            let (_, ratio) = bounded.worst(&[sum]).unwrap();
            assert!(ratio <= 1.0, "seed {seed}: {ratio}");
        }
    }
}

#[test]
fn an_error_just_past_the_bound_is_found_and_not_a_number_never_passes() {
    let (x, weight) = (noise(&[1, 2, 2, 2], 1), noise(&[3, 2, 1, 1], 2));
    let bounded = bound(&Op::Conv(conv2d(1, 1)), &[&x, &weight]).unwrap();
    let mut found = bounded.expected.to_f32();
    assert_eq!(bounded.worst(&found).map(|(_, ratio)| ratio), Some(0.0));
    found[5] = (bounded.expected.data[5] + 1.5 * bounded.tolerance.data[5]) as f32;
    let (at, ratio) = bounded.worst(&found).unwrap();
    assert!(at == 5 && ratio > 1.0, "{at} {ratio}");
    found[7] = f32::NAN;
    assert_eq!(bounded.worst(&found), Some((7, f64::INFINITY)));
}

#[test]
fn copies_are_exact() {
    let x = noise(&[1, 2, 2, 2], 1);
    for op in [Op::Identity, Op::Concat { axis: 1 }, Op::Flatten { axis: 1 }] {
        let bounded = bound(&op, &[&x]).unwrap();
        assert!(bounded.tolerance.data.iter().all(|&t| t == 0.0), "{op:?}");
    }
}

#[test]
fn activations_in_f32_stay_within_their_bounds() {
    let x = Array::filled(vec![801], 0.0);
    let x = Array { data: (0..801).map(|i| (f64::from(i) - 400.0) / 16.0).collect(), ..x };
    type Function = fn(f32) -> f32;
    let f32_of: [(Activation, Function); 5] = [
        (Activation::LeakyRelu { alpha: 0.1 }, |x| if x > 0.0 { x } else { 0.1 * x }),
        (Activation::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Activation::Tanh, f32::tanh),
        (Activation::HardSwish, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        (Activation::Silu, |x| x * (1.0 / (1.0 + (-x).exp()))),
    ];
    for (activation, f) in f32_of {
        let bounded = bound(&Op::Activation(activation), &[&x]).unwrap();
        let found: Vec<f32> = x.data.iter().map(|&x| f(x as f32)).collect();
        let (at, ratio) = bounded.worst(&found).unwrap();
        assert!(ratio <= 1.0, "{activation:?} of {}: {ratio}", x.data[at]);
        let (_, ratio) = bounded.worst(&found.iter().map(|y| y + 1e-3).collect::<Vec<_>>()).unwrap();
        assert!(ratio > 1.0, "{activation:?} accepts an error of 1e-3");
    }
}

#[test]
fn epilogues_widen_the_bound_by_their_slope() {
    let (x, weight) = (noise(&[1, 8, 4, 4], 1), noise(&[4, 8, 3, 3], 2));
    let residual = noise(&[1, 4, 4, 4], 3);
    let op = |epilogue| Op::Conv(Conv2d { pads: Padding::SameUpper, epilogue, ..conv2d(3, 1) });
    let plain = bound(&op(Epilogue::Plain), &[&x, &weight]).unwrap().tolerance;
    let sigmoid = bound(&op(Epilogue::Activation(Activation::Sigmoid)), &[&x, &weight]).unwrap().tolerance;
    let steep = Epilogue::AddThenActivation(Activation::LeakyRelu { alpha: -3.0 });
    let steep = bound(&op(steep), &[&x, &weight, &residual]).unwrap().tolerance;
    for at in 0..plain.data.len() {
        assert!(sigmoid.data[at] < plain.data[at] / 4.0 + 1e-6);
        assert!(steep.data[at] > 3.0 * plain.data[at]);
    }
    let product = bound(&Op::Binary(Binary::Mul), &[&array(&[1], "3"), &array(&[1], "5")]).unwrap();
    assert!(product.tolerance.data[0] < 15.0 / f64::from(1 << 22));
}
