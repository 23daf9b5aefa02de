//! Gradients of pools, resizes and moves: `<A x, y> = <x, A' y>` where the operator is linear, finite differences where
//! it is not.

use super::{array, noise};
use crate::graph::shape::output_shape;
use crate::graph::{
    Coordinates, DepthOrder, Extent, Filter, Interpolation, Move, Op, PadMode, Padding, Pool, Resize,
    Rounding, SliceAxis, Target, Training,
};
use crate::reference::{Array, execute};

fn dot(a: &Array, b: &Array) -> f64 {
    assert_eq!(a.shape, b.shape);
    a.data.iter().zip(&b.data).map(|(a, b)| a * b).sum()
}

/// Whether `gradient` is the adjoint of `op` for inputs of `shape`.
fn is_adjoint(op: &Op, gradient: Training, shape: &[usize]) -> bool {
    let x = noise(shape, 3);
    let y = noise(&output_shape(op, &[shape]).unwrap(), 4);
    // What comes from nowhere is no part of the linear map.
    let nothing = execute(op, &[&Array::filled(shape.to_vec(), 0.0)]).unwrap();
    let forward = execute(op, &[&x]).unwrap().zip(&nothing, |y, offset| y - offset);
    let back = execute(&Op::Training(gradient), &[&y]).unwrap();
    let difference = dot(&forward, &y) - dot(&x, &back);
    difference.abs() < 1e-9
}

fn pools() -> Vec<Pool> {
    let plain = Pool {
        kernel: [2, 3],
        strides: [2, 1],
        pads: Padding::Explicit([0, 1, 1, 2]),
        dilations: [1, 1],
        ceil_mode: false,
        count_include_pad: false,
    };
    vec![
        plain.clone(),
        Pool { count_include_pad: true, ..plain.clone() },
        Pool { ceil_mode: true, strides: [3, 4], ..plain.clone() },
        Pool { ceil_mode: true, count_include_pad: true, strides: [3, 4], ..plain.clone() },
        Pool { dilations: [2, 3], strides: [2, 3], ..plain.clone() },
        Pool { pads: Padding::SameLower, kernel: [3, 4], ..plain },
    ]
}

#[test]
fn means_give_back_what_they_divide() {
    for pool in pools() {
        let gradient = |pool: &Pool| Training::AveragePool { pool: pool.clone(), size: [7, 8] };
        assert!(is_adjoint(&Op::AveragePool(pool.clone()), gradient(&pool), &[2, 3, 7, 8]), "{pool:?}");
        let other = Pool { count_include_pad: !pool.count_include_pad, ..pool.clone() };
        assert!(!is_adjoint(&Op::AveragePool(pool), gradient(&other), &[2, 3, 7, 8]));
    }
}

#[test]
fn maxima_by_finite_differences() {
    for pool in pools() {
        // Steps far below the least difference of two elements.
        let mut x = noise(&[2, 3, 7, 8], 5);
        for (at, x) in x.data.iter_mut().enumerate() {
            *x += at as f64 * 1e-6;
        }
        let op = Op::MaxPool(pool.clone());
        let y = execute(&op, &[&x]).unwrap();
        let dy = noise(&y.shape, 6);
        // Windows over padding alone have no element, and their maximum is no number to multiply.
        let loss = |x: &Array| -> f64 {
            let y = execute(&op, &[x]).unwrap();
            y.data.iter().zip(&dy.data).filter(|(y, _)| y.is_finite()).map(|(y, dy)| y * dy).sum()
        };
        let dx = execute(&Op::Training(Training::MaxPool(pool.clone())), &[&x, &dy]).unwrap();
        let base = loss(&x);
        for at in 0..x.data.len() {
            let mut moved = x.clone();
            moved.data[at] += 1e-8;
            let slope = (loss(&moved) - base) / 1e-8;
            assert!((slope - dx.data[at]).abs() < 1e-5, "{pool:?} {at}: {slope}, {}", dx.data[at]);
        }
    }
}

#[test]
fn the_first_of_equals_has_it_all() {
    let pool = Pool {
        kernel: [2, 2],
        strides: [1, 1],
        pads: Padding::Explicit([0; 4]),
        dilations: [1, 1],
        ceil_mode: false,
        count_include_pad: false,
    };
    let x = array(&[1, 1, 3, 3], "1 2 2  2 2 0  -1 2 2");
    let dy = array(&[1, 1, 2, 2], "1 10 100 1000");
    let dx = execute(&Op::Training(Training::MaxPool(pool)), &[&x, &dy]).unwrap();
    assert_eq!(dx, array(&[1, 1, 3, 3], "0 11 0  100 1000 0  0 0 0"));
}

#[test]
fn resizes_read_the_other_way() {
    let crop = Coordinates::Crop { start: [0.2, -0.3], end: [1.3, 0.7], outside: 2.5 };
    let filter =
        |cubic, antialias| Interpolation::Filter(Filter { cubic, antialias, exclude_outside: false });
    let interpolations = [
        Interpolation::Linear,
        Interpolation::Nearest(Rounding::Floor),
        filter(Some(-0.75), false),
        filter(None, true),
    ];
    let phase = Coordinates::Phase(0.25);
    for coordinates in
        [Coordinates::HalfPixel, Coordinates::AlignCorners, Coordinates::Asymmetric, phase, crop]
    {
        for interpolation in interpolations {
            for target in [[14, 10], [3, 17], [1, 1]] {
                let of = |coordinates| Resize { target: Target::Sizes(target), coordinates, interpolation };
                let gradient = |coordinates| Training::Resize { resize: of(coordinates), size: [7, 5] };
                let op = Op::Resize(of(coordinates));
                assert!(is_adjoint(&op, gradient(coordinates), &[2, 3, 7, 5]), "{op:?}");
            }
        }
    }
    let of = |coordinates| Resize {
        target: Target::Sizes([14, 10]),
        coordinates,
        interpolation: Interpolation::Linear,
    };
    let other = Training::Resize { resize: of(Coordinates::Asymmetric), size: [7, 5] };
    assert!(!is_adjoint(&Op::Resize(of(Coordinates::HalfPixel)), other, &[2, 3, 7, 5]));
}

#[test]
fn moves_add_up_what_they_repeat() {
    let slice = |axis, start, end, step| SliceAxis {
        axis,
        start: Extent::Fixed(start),
        end: Extent::Fixed(end),
        step,
    };
    let (pads, crops) = ([[1, 0], [2, 1], [0, 3], [3, 1]], [[1, 0], [2, -1], [-1, 3], [0, -2]]);
    let moves = [
        Move::Transpose { perm: vec![2, 0, 3, 1] },
        Move::Slice(vec![slice(1, 1, 4, 2), slice(3, -1, i64::MIN, -2)]),
        Move::Expand { shape: [3, 2, 4, 6, 5].map(Extent::Fixed).to_vec() },
        Move::Tile { repeats: vec![2, 1, 3, 2] },
        Move::Gather { axis: 1, indices: vec![0, -1, 2, 0, 0, 1], shape: vec![2, 3] },
        Move::Gather { axis: 2, indices: vec![-2], shape: vec![] },
        Move::pad(&crops, PadMode::Constant(1.5)),
        Move::pad(&pads, PadMode::Edge),
        Move::pad(&pads, PadMode::Reflect),
        Move::DepthToSpace { block: 2, order: DepthOrder::Dcr },
        Move::DepthToSpace { block: 2, order: DepthOrder::Crd },
        Move::SpaceToDepth { block: 2 },
    ];
    for of in moves {
        let shape = match of {
            Move::Expand { .. } => vec![2, 1, 6, 1],
            Move::DepthToSpace { .. } | Move::SpaceToDepth { .. } => vec![2, 8, 6, 4],
            _ => vec![2, 4, 6, 5],
        };
        let gradient = Training::Move { of: of.clone(), shape: shape.clone() };
        assert!(is_adjoint(&Op::Move(of.clone()), gradient, &shape), "{of:?}");
    }
    let dcr = Move::DepthToSpace { block: 2, order: DepthOrder::Dcr };
    let crd = Move::DepthToSpace { block: 2, order: DepthOrder::Crd };
    let wrong = Training::Move { of: crd, shape: vec![2, 8, 6, 4] };
    assert!(!is_adjoint(&Op::Move(dcr), wrong, &[2, 8, 6, 4]));
}
