//! Filters, cropped regions and kept aspects against onnxruntime 1.32 (values to 7 digits).

use super::resize::{PREFER_FLOOR, SCALED, SIZED, op};
use super::{array, assert_close};
use crate::graph::Coordinates::{self, AlignCorners, HalfPixel};
use crate::graph::Interpolation::{self, Linear};
use crate::graph::{Filter, Target};
use crate::reference::resize;

const SMALL: Target = Target::Sizes([2, 2]);
const CROP: Coordinates = Coordinates::Crop { start: [0.2, 0.0], end: [1.3, 0.7], outside: 2.5 };

const fn filter(cubic: Option<f32>, antialias: bool, exclude_outside: bool) -> Interpolation {
    Interpolation::Filter(Filter { cubic, antialias, exclude_outside })
}

const CUBIC: Interpolation = filter(Some(-0.75), false, false);
const CUBIC_INSIDE: Interpolation = filter(Some(-0.5), false, true);
const SMOOTH: Interpolation = filter(None, true, false);
const SMOOTH_CUBIC: Interpolation = filter(Some(-0.75), true, false);
const SMOOTH_INSIDE: Interpolation = filter(Some(-0.75), true, true);

/// Results of onnxruntime on the 3x5 image of [`filters_regions_and_aspects_agree_with_onnxruntime`].
const RUNTIME: &[(Target, Coordinates, Interpolation, &str)] = &[
    (
        SCALED,
        HalfPixel,
        CUBIC,
        "0.7853507 4.584256 6.072896 2.9021 1.315177 7.030649 5.437899 -2.009292 7.264016 4.88605 1.47307 2.95214 3.659597 5.561682 -0.9921788",
    ),
    (SCALED, AlignCorners, CUBIC, "1 4 5 2.28125 0.34375 6.46875 3 -2 7 1.6875 0.9375 4.6875 0 5 2"),
    (
        SCALED,
        HalfPixel,
        CUBIC_INSIDE,
        "0.9118667 4.46248 5.88578 2.547243 1.722639 6.600482 4.996573 -1.998588 7.0795 4.151887 1.900492 2.867584 3.134472 5.417351 -0.380815",
    ),
    (
        SCALED,
        AlignCorners,
        CUBIC_INSIDE,
        "1 4 5 2.117647 0.7647059 6.235294 3 -2 7 1.529412 1.352941 4.470588 0 5 2",
    ),
    (
        SCALED,
        HalfPixel,
        SMOOTH,
        "1.375 4.444445 6.125 2.856617 3.594771 6.316176 5.136029 2.287582 6.610293 4.621324 3.401961 2.783087 4.125 4.333333 -0.2500006",
    ),
    (
        SCALED,
        HalfPixel,
        SMOOTH_CUBIC,
        "0.7072983 4.932757 6.426633 2.765778 3.60118 6.955119 5.384708 2.205906 6.6337 5.527782 3.441555 2.253574 4.902236 4.954424 -1.592348",
    ),
    (
        SCALED,
        HalfPixel,
        SMOOTH_INSIDE,
        "0.6046037 4.924808 6.523201 2.648909 3.714145 6.958269 5.520874 2.286053 6.608716 5.716391 3.540675 1.822531 5.199607 4.86276 -1.866839",
    ),
    (
        SIZED,
        HalfPixel,
        CUBIC,
        "0.8953291 4.430664 6.097545 4.138998 -0.6069336 7.608634 5.358073 -0.1367188 4.526114 3.674012 5.502441 -0.9285535",
    ),
    (SIZED, AlignCorners, CUBIC, "1 4 5 2.703704 -0.8888873 6.925928 2.277778 -0.4629641 5.648147 0 5 2"),
    (
        SIZED,
        HalfPixel,
        CUBIC_INSIDE,
        "1.006948 4.313433 5.911478 3.731653 -0.2516371 7.102578 4.633753 0.1917681 4.472726 3.14771 5.365672 -0.3293895",
    ),
    (
        SIZED,
        AlignCorners,
        CUBIC_INSIDE,
        "1 4 5 2.571429 -0.5714284 6.714285 2.178571 -0.1785716 5.535714 0 5 2",
    ),
    (
        SIZED,
        HalfPixel,
        SMOOTH,
        "1.375 4.444445 6.125 3.796875 3.055556 6.4375 4.828125 3.013889 4.046875 4.125 4.333333 -0.2500006",
    ),
    (
        SIZED,
        HalfPixel,
        SMOOTH_CUBIC,
        "0.8184506 4.869066 6.427867 3.965558 2.819079 7.283082 5.759173 2.847068 3.792161 4.906702 4.932864 -1.529113",
    ),
    (
        SIZED,
        HalfPixel,
        SMOOTH_INSIDE,
        "0.7787032 4.832953 6.520623 3.86536 2.981411 7.260618 5.926029 2.982575 3.395901 5.204024 4.835454 -1.778919",
    ),
    (SMALL, HalfPixel, CUBIC, "3.190475 7.964737 9.3181 -1.198273"),
    (SMALL, AlignCorners, CUBIC, "1 5 0 2"),
    (SMALL, HalfPixel, CUBIC_INSIDE, "2.917089 7.671644 9.021397 -1.399064"),
    (SMALL, AlignCorners, CUBIC_INSIDE, "1 5 0 2"),
    (SMALL, HalfPixel, SMOOTH, "2.92 5.48 4.626667 2.173333"),
    (SMALL, HalfPixel, SMOOTH_CUBIC, "2.641669 5.938685 4.964092 2.020179"),
    (SMALL, HalfPixel, SMOOTH_INSIDE, "2.819849 5.782591 5.156541 1.985205"),
    (SCALED, CROP, Linear, "1.8 3.52 6.08 2.9 4.510001 4.54 1.5 6.6 1.100001 2.5 2.5 2.5 2.5 2.5 2.5"),
    (SCALED, CROP, PREFER_FLOOR, "1 2 8 3 9 6 3 9 6 2.5 2.5 2.5 2.5 2.5 2.5"),
    (
        SCALED,
        CROP,
        CUBIC,
        "1.992 3.042011 6.843298 3.022906 4.52415 4.615022 1.6875 7.862998 0.2292542 2.5 2.5 2.5 2.5 2.5 2.5",
    ),
    (SIZED, CROP, Linear, "1.8 3.52 6.08 2.6 5.133333 3.52 0.4000003 8.066667 -1.319999 2.5 2.5 2.5"),
    (SIZED, CROP, PREFER_FLOOR, "1 2 8 3 9 6 0 11 -4 2.5 2.5 2.5"),
    (
        SIZED,
        CROP,
        CUBIC,
        "1.992 3.042011 6.843298 2.813778 5.609531 3.150321 0.3595565 9.893823 -2.348974 2.5 2.5 2.5",
    ),
    (
        Target::Fit { sizes: [Some(4), Some(7)], cover: false },
        HalfPixel,
        Linear,
        "1 1.625 2.75 4.5 7.5 6.125 5 2.25 4.828125 4.078125 1.0625 5.9375 6.4375 6.25 1.875 6.796875 6.328125 0.828125 2.046875 4.046875 5.125 0 6.875 8.75 3.875 -2.875 -0.25 2",
    ),
    (
        Target::Fit { sizes: [Some(4), Some(7)], cover: true },
        HalfPixel,
        Linear,
        "1 1.571429 2.571429 4 6.857143 6.714286 5 2.142857 4.346938 4.44898 0.5714288 5.061225 6.551021 6.142857 2.142857 6.387755 6.836735 -1.192093e-07 2.244899 4.183674 5.571428 0 6.285714 9.285714 5 -1.428573 -1.428571 2",
    ),
    (
        Target::Fit { sizes: [None, Some(7)], cover: false },
        HalfPixel,
        Linear,
        "1 1.571429 2.571429 4 6.857143 6.714286 5 3 6.428571 5.857143 -2 3.714287 6.428572 7 0 6.285714 9.285714 5 -1.428573 -1.428571 2",
    ),
    (
        Target::Fit { sizes: [None, Some(7)], cover: true },
        HalfPixel,
        Linear,
        "1 1.571429 2.571429 4 6.857143 6.714286 5 3 6.428571 5.857143 -2 3.714287 6.428572 7 0 6.285714 9.285714 5 -1.428573 -1.428571 2",
    ),
];

#[test]
fn filters_regions_and_aspects_agree_with_onnxruntime() {
    let image = array(&[1, 1, 3, 5], "1 2 4 8 5 3 9 -2 6 7 0 11 5 -4 2");
    for (target, coordinates, interpolation, expected) in RUNTIME.iter().cloned() {
        let op = op(target, coordinates, interpolation);
        let found = resize(&op, &image);
        assert_close(&found, &array(&found.shape, expected), 1e-5, &format!("{op:?}"));
    }
}
