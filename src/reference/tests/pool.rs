//! Pools against onnxruntime 1.32 (values to 6 digits), which agrees with the reference of ONNX on them.

use super::{array, assert_close};
use crate::graph::{Padding, Pool};
use crate::reference::{Array, average_pool, global_average_pool, max_pool};

/// A window, then its maxima, its means over real pixels and its means with margins counted.
struct Case {
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    pads: Padding,
    ceil_mode: bool,
    results: [&'static str; 3],
}

const PLAIN: Case = Case {
    kernel: [2, 2],
    strides: [2, 2],
    dilations: [1, 1],
    pads: Padding::Explicit([0; 4]),
    ceil_mode: true,
    results: ["9 8 7 11 5 9 7 1 2", "3.75 4 4 4 1.5 5.75 6 -1 1", "3.75 4 4 4 1.5 5.75 6 -1 1"],
};

const CASES: &[Case] = &[
    PLAIN,
    Case {
        kernel: [3, 3],
        pads: Padding::Explicit([1; 4]),
        results: [
            "9 9 8 3 11 11 9 8 7 5 9 4",
            "3.75 4.5 5 2 4.66667 3.22222 3.88889 4.33333 4.25 1.16667 3 3",
            "1.66667 3 3.33333 0.666667 3.11111 3.22222 3.88889 2.16667 1.88889 0.777778 2 1",
        ],
        ..PLAIN
    },
    Case {
        kernel: [3, 2],
        strides: [2, 3],
        pads: Padding::Explicit([0, 1, 2, 0]),
        results: [
            "3 8 8 7 5 8 7 1 2",
            "1.33333 2.83333 4 4.33333 0.666667 4.66667 7 -1 2",
            "0.666667 2.83333 4 2.16667 0.666667 4.66667 1.16667 -0.333333 0.666667",
        ],
        ..PLAIN
    },
    Case {
        kernel: [2, 3],
        strides: [1, 2],
        dilations: [2, 2],
        pads: Padding::Explicit([1, 0, 0, 2]),
        ceil_mode: false,
        results: [
            "7 7 5 5 9 9 7 5",
            "2.66667 2.5 2.83333 4 4.33333 4.25 1.83333 1",
            "1.33333 0.833333 2.83333 2.66667 4.33333 2.83333 1.83333 0.666667",
        ],
    },
    Case {
        kernel: [3, 3],
        strides: [3, 3],
        pads: Padding::Explicit([1; 4]),
        results: [
            "9 8 3 11 9 8",
            "3.75 4.66667 2 4.66667 1.66667 4.66667",
            "1.66667 3.11111 0.666667 3.11111 1.66667 2.33333",
        ],
        ..PLAIN
    },
    Case {
        kernel: [3, 2],
        pads: Padding::SameLower,
        ceil_mode: false,
        results: [
            "9 8 7 11 6 9 7 3 9",
            "3.75 4 4 4.66667 1.66667 5.16667 4.25 0.75 3.75",
            "2.5 2.66667 2.66667 4.66667 1.66667 5.16667 2.83333 0.5 2.5",
        ],
        ..PLAIN
    },
    Case {
        kernel: [2, 3],
        pads: Padding::SameUpper,
        ceil_mode: false,
        results: [
            "9 8 7 11 9 9 7 1 2",
            "2.83333 4.66667 4 4 2.83333 5.75 3 -0.666667 1",
            "2.83333 4.66667 2.66667 4 2.83333 3.83333 1.5 -0.333333 0.333333",
        ],
        ..PLAIN
    },
];

fn image() -> Array {
    array(&[1, 1, 5, 6], "1 2 4 8 5 3 3 9 -2 6 7 1 0 11 5 -4 2 8 6 -1 3 2 9 4 7 5 -3 1 0 2")
}

#[test]
fn windows_agree_with_onnxruntime() {
    for case in CASES {
        let pool = |count_include_pad| Pool {
            kernel: case.kernel,
            strides: case.strides,
            pads: case.pads,
            dilations: case.dilations,
            ceil_mode: case.ceil_mode,
            count_include_pad,
        };
        let found = [
            max_pool(&pool(false), &image()),
            average_pool(&pool(false), &image()),
            average_pool(&pool(true), &image()),
        ];
        for (found, expected) in found.iter().zip(case.results) {
            assert_close(found, &array(&found.shape, expected), 1e-5, &format!("{:?}", pool(false)));
        }
    }
}

#[test]
fn global_average_is_the_mean_of_each_channel() {
    let x = array(&[1, 2, 1, 3], "1 2 6 -1 0 4");
    assert_eq!(global_average_pool(&x), array(&[1, 2, 1, 1], "3 1"));
}
