//! Resize against onnxruntime 1.32 (values to 6 digits) and the examples of the ONNX specification.

use super::{array, assert_close};
use crate::graph::Coordinates::{
    self, AlignCorners, Asymmetric, HalfPixel, HalfPixelSymmetric, PytorchHalfPixel,
};
use crate::graph::Interpolation::{self, Linear, Nearest};
use crate::graph::{Resize, Rounding, Target};
use crate::reference::resize;

pub(super) const PREFER_FLOOR: Interpolation = Nearest(Rounding::PreferFloor);
const PREFER_CEIL: Interpolation = Nearest(Rounding::PreferCeil);
const FLOOR: Interpolation = Nearest(Rounding::Floor);
const CEIL: Interpolation = Nearest(Rounding::Ceil);
pub(super) const SCALED: Target = Target::Scales([1.7, 0.6]);
pub(super) const SIZED: Target = Target::Sizes([4, 3]);
const FLAT: Target = Target::Sizes([1, 8]);

/// Results of onnxruntime on the 3x5 image of [`every_rule_agrees_with_onnxruntime`].
const RUNTIME: &[(Target, Coordinates, Interpolation, &str)] = &[
    (SCALED, HalfPixel, PREFER_FLOOR, "1 4 5 1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SCALED, HalfPixel, PREFER_CEIL, "1 4 5 1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SCALED, HalfPixel, FLOOR, "1 4 8 1 4 8 1 4 8 3 -2 6 0 5 -4"),
    (SCALED, HalfPixel, CEIL, "2 4 5 9 -2 7 9 -2 7 11 5 2 11 5 2"),
    (
        SCALED,
        HalfPixel,
        Linear,
        "1.33333 4 6 2.73529 1.70588 6.2549 4.89216 -1.82353 6.64706 4.2549 1.91177 2.94118 3.66667 5 -9.53674e-07",
    ),
    (SCALED, HalfPixelSymmetric, PREFER_FLOOR, "1 4 5 1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SCALED, HalfPixelSymmetric, PREFER_CEIL, "1 4 5 1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SCALED, HalfPixelSymmetric, CEIL, "2 4 5 9 -2 7 9 -2 7 11 5 2 11 5 2"),
    (
        SCALED,
        HalfPixelSymmetric,
        Linear,
        "1.33333 4 6 2.84314 1.52941 6.27451 5 -2 6.66667 4.21569 2.11765 2.7451 3.66667 5 -9.53674e-07",
    ),
    (SCALED, PytorchHalfPixel, PREFER_FLOOR, "1 4 5 1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SCALED, PytorchHalfPixel, PREFER_CEIL, "1 4 5 1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SCALED, PytorchHalfPixel, FLOOR, "1 4 8 1 4 8 1 4 8 3 -2 6 0 5 -4"),
    (SCALED, PytorchHalfPixel, CEIL, "2 4 5 9 -2 7 9 -2 7 11 5 2 11 5 2"),
    (
        SCALED,
        PytorchHalfPixel,
        Linear,
        "1.33333 4 6 2.73529 1.70588 6.2549 4.89216 -1.82353 6.64706 4.2549 1.91177 2.94118 3.66667 5 -9.53674e-07",
    ),
    (SCALED, AlignCorners, PREFER_FLOOR, "1 4 5 1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SCALED, AlignCorners, PREFER_CEIL, "1 4 5 3 -2 7 3 -2 7 0 5 2 0 5 2"),
    (SCALED, AlignCorners, FLOOR, "1 4 5 1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SCALED, AlignCorners, CEIL, "1 4 5 3 -2 7 3 -2 7 0 5 2 0 5 2"),
    (SCALED, AlignCorners, Linear, "1 4 5 2 1 6 3 -2 7 1.5 1.5 4.5 0 5 2"),
    (SCALED, Asymmetric, PREFER_FLOOR, "1 4 8 3 -2 6 3 -2 6 0 5 -4 0 5 -4"),
    (SCALED, Asymmetric, PREFER_CEIL, "1 4 8 3 -2 6 3 -2 6 0 5 -4 0 5 -4"),
    (SCALED, Asymmetric, FLOOR, "1 2 8 1 2 8 3 9 6 3 9 6 0 11 -4"),
    (SCALED, Asymmetric, CEIL, "1 4 5 3 -2 7 0 5 2 0 5 2 0 5 2"),
    (
        SCALED,
        Asymmetric,
        Linear,
        "1 3.33333 7 2.17647 2.35294 6.60784 2.47059 2.60784 4.86275 0.705883 5.7451 -0.0392151 0 7 -2",
    ),
    (SIZED, HalfPixel, PREFER_FLOOR, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, HalfPixel, PREFER_CEIL, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, HalfPixel, FLOOR, "1 4 8 1 4 8 3 -2 6 0 5 -4"),
    (SIZED, HalfPixel, CEIL, "2 4 5 9 -2 7 11 5 2 11 5 2"),
    (SIZED, HalfPixel, Linear, "1.33333 4 6 3.625 0.25 6.41667 4.5 0.625 4.16667 3.66667 5 -9.53674e-07"),
    (SIZED, HalfPixelSymmetric, PREFER_FLOOR, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, HalfPixelSymmetric, PREFER_CEIL, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, HalfPixelSymmetric, CEIL, "2 4 5 9 -2 7 11 5 2 11 5 2"),
    (
        SIZED,
        HalfPixelSymmetric,
        Linear,
        "1.33333 4 6 3.625 0.250001 6.41667 4.5 0.625001 4.16667 3.66667 5 -9.53674e-07",
    ),
    (SIZED, PytorchHalfPixel, PREFER_FLOOR, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, PytorchHalfPixel, PREFER_CEIL, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, PytorchHalfPixel, FLOOR, "1 4 8 1 4 8 3 -2 6 0 5 -4"),
    (SIZED, PytorchHalfPixel, CEIL, "2 4 5 9 -2 7 11 5 2 11 5 2"),
    (
        SIZED,
        PytorchHalfPixel,
        Linear,
        "1.33333 4 6 3.625 0.25 6.41667 4.5 0.625 4.16667 3.66667 5 -9.53674e-07",
    ),
    (SIZED, AlignCorners, PREFER_FLOOR, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, AlignCorners, PREFER_CEIL, "1 4 5 3 -2 7 3 -2 7 0 5 2"),
    (SIZED, AlignCorners, FLOOR, "1 4 5 1 4 5 3 -2 7 0 5 2"),
    (SIZED, AlignCorners, CEIL, "1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SIZED, AlignCorners, Linear, "1 4 5 2.33333 -1.19209e-07 6.33333 2 0.333334 5.33333 0 5 2"),
    (SIZED, Asymmetric, PREFER_FLOOR, "1 4 8 3 -2 6 3 -2 6 0 5 -4"),
    (SIZED, Asymmetric, PREFER_CEIL, "1 4 8 3 -2 6 0 5 -4 0 5 -4"),
    (SIZED, Asymmetric, FLOOR, "1 2 8 1 2 8 3 9 6 0 11 -4"),
    (SIZED, Asymmetric, CEIL, "1 4 5 3 -2 7 0 5 2 0 5 2"),
    (SIZED, Asymmetric, Linear, "1 3.33333 7 2.5 2.08333 6.5 1.5 4.33333 2.16667 0 7 -2"),
    (SCALED, HalfPixelSymmetric, FLOOR, "1 2 8 1 2 8 3 9 6 3 9 6 0 11 -4"),
    (SIZED, HalfPixelSymmetric, FLOOR, "1 2 8 1 2 8 3 9 6 0 11 -4"),
    (FLAT, HalfPixelSymmetric, FLOOR, "1 1 2 2 4 4 8 5"),
    (FLAT, HalfPixelSymmetric, CEIL, "3 9 -2 -2 6 6 7 7"),
    (FLAT, HalfPixelSymmetric, Linear, "3 5.625 8.3125 1.4375 0.5 5.5 6.5625 7"),
    (FLAT, PytorchHalfPixel, CEIL, "1 2 4 4 8 8 5 5"),
    (FLAT, PytorchHalfPixel, Linear, "1 1.4375 2.125 3.375 5.25 7.75 6.3125 5"),
    (FLAT, AlignCorners, CEIL, "1 2 4 4 8 8 5 5"),
    (FLAT, AlignCorners, Linear, "1 1.57143 2.28571 3.42857 5.14286 7.42857 6.71429 5"),
];

pub(super) fn op(target: Target, coordinates: Coordinates, interpolation: Interpolation) -> Resize {
    Resize { target, coordinates, interpolation }
}

/// Trap 53: every rule by itself, before anything is pruned.
#[test]
fn every_rule_agrees_with_onnxruntime() {
    let image = array(&[1, 1, 3, 5], "1 2 4 8 5 3 9 -2 6 7 0 11 5 -4 2");
    for (target, coordinates, interpolation, expected) in RUNTIME.iter().cloned() {
        let op = op(target, coordinates, interpolation);
        let found = resize(&op, &image);
        let expected = array(&found.shape, expected);
        assert_close(&found, &expected, 1e-5, &format!("{op:?}"));
    }
}

/// In f64 the factor 1/3, rounded to f32, falls short of every third pixel.
#[test]
fn nearest_with_a_third_lands_on_whole_pixels_as_in_onnxruntime() {
    let line = array(&[1, 1, 1, 9], "0 1 2 3 4 5 6 7 8");
    let third = Target::Scales([1.0, 1.0 / 3.0]);
    let found = resize(&op(third.clone(), Asymmetric, FLOOR), &line);
    assert_eq!(found, array(&[1, 1, 1, 3], "0 3 6"));
    let found = resize(&op(third.clone(), HalfPixel, FLOOR), &line);
    assert_eq!(found, array(&[1, 1, 1, 3], "1 4 7"));
}

#[test]
fn examples_of_the_specification() {
    let image = array(&[1, 1, 2, 2], "1 2 3 4");
    let doubled = op(Target::Scales([2.0, 2.0]), HalfPixel, Linear);
    let expected = "1 1.25 1.75 2 1.5 1.75 2.25 2.5 2.5 2.75 3.25 3.5 3 3.25 3.75 4";
    assert_eq!(resize(&doubled, &image), array(&[1, 1, 4, 4], expected));
    let nearest = op(Target::Scales([2.0, 3.0]), HalfPixel, PREFER_FLOOR);
    let expected = "1 1 1 2 2 2 1 1 1 2 2 2 3 3 3 4 4 4 3 3 3 4 4 4";
    assert_eq!(resize(&nearest, &image), array(&[1, 1, 4, 6], expected));
    let image = array(&[1, 1, 2, 4], "1 2 3 4 5 6 7 8");
    let aligned = op(Target::Scales([0.6, 0.6]), AlignCorners, Linear);
    assert_eq!(resize(&aligned, &image), array(&[1, 1, 1, 2], "1 4"));
    let halved = op(Target::Scales([0.6, 0.6]), HalfPixel, Linear);
    assert_close(&resize(&halved, &image), &array(&[1, 1, 1, 2], "2.6666665 4.3333331"), 1e-6, "half pixel");
}
