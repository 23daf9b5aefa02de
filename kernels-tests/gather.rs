//! Moved elements: every operator that only moves, and operands that are stored in another way than they are read.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, Binary, DepthOrder, Extent, Move, Op, PadMode, SliceAxis};

fn slice(axis: usize, start: i64, end: i64, step: i64) -> SliceAxis {
    SliceAxis { axis, start: Extent::Fixed(start), end: Extent::Fixed(end), step }
}

fn gather(axis: usize, indices: &[i64]) -> Op {
    Op::Move(Move::Gather { axis, indices: indices.to_vec(), shape: vec![indices.len()] })
}

/// `cut` in every block of `block` channels.
fn blocks(cut: &Cut, block: usize) -> Cut {
    cut.iter().map(|&(c, unit)| (c * block, unit.map(|(unit, size)| (unit, size * block)))).collect()
}

/// Channels of every number, cut in every way, of `size` pixels, through an operator that leaves them alone.
fn channelwise(gpus: &[Gpu; 2], size: [usize; 2], label: &str, op: impl Fn(usize) -> Op) {
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            let case = Case::new(op(channels), &cut, &keep);
            case.input(random(&[3, channels, size[0], size[1]], 1), &cut).check(gpus, label);
        }
    }
}

#[test]
fn slices_of_images_and_pixels() {
    let Some(gpus) = gpus() else { return };
    let axes = [
        vec![slice(2, 1, 6, 2)],
        vec![slice(3, -1, i64::MIN, -1)],
        vec![slice(0, 1, 3, 1), slice(2, -2, 100, 1), slice(3, 4, 0, -3)],
    ];
    for slices in axes {
        channelwise(&gpus, [7, 5], &format!("{slices:?}"), |_| Op::Move(Move::Slice(slices.clone())));
    }
}

#[test]
fn pads_and_crops_of_images_and_pixels() {
    let Some(gpus) = gpus() else { return };
    let amounts = [
        (PadMode::Constant(-1.5), [[0, 0], [0, 0], [2, 0], [0, 3]]),
        (PadMode::Constant(0.25), [[1, 1], [0, 0], [-1, 2], [3, -4]]),
        (PadMode::Reflect, [[2, 1], [0, 0], [6, 1], [0, 4]]),
        (PadMode::Edge, [[0, 2], [0, 0], [9, 0], [1, 7]]),
    ];
    for (mode, amounts) in amounts {
        let op = Op::Move(Move::pad(&amounts, mode));
        channelwise(&gpus, [7, 5], &format!("{op:?}"), |_| op.clone());
    }
}

#[test]
fn repeated_images_and_pixels() {
    let Some(gpus) = gpus() else { return };
    channelwise(&gpus, [2, 3], "tile", |_| Op::Move(Move::Tile { repeats: vec![2, 1, 3, 2] }));
    for size in [[1, 1], [4, 1], [1, 3]] {
        let shape = [3, 1, 4, 3].map(Extent::Fixed).to_vec();
        channelwise(&gpus, size, "expand", |_| Op::Move(Move::Expand { shape: shape.clone() }));
    }
}

#[test]
fn gathers_of_images_and_pixels() {
    let Some(gpus) = gpus() else { return };
    for (axis, indices) in [(0, &[2, 0, -1, 2][..]), (2, &[-1, 3, 3]), (3, &[4])] {
        channelwise(&gpus, [7, 5], &format!("{axis} {indices:?}"), |_| gather(axis, indices));
    }
    let scalar = |axis| Op::Move(Move::Gather { axis, indices: vec![-2], shape: vec![] });
    channelwise(&gpus, [7, 5], "one column", |_| scalar(3));
    channelwise(&gpus, [7, 5], "one row", |_| scalar(2));
    let table = |axis| {
        let indices = vec![0, 3, 1, -1, 2, 2];
        Op::Move(Move::Gather { axis, indices, shape: vec![2, 3] })
    };
    channelwise(&gpus, [7, 5], "rows by a table", |_| table(2));
    channelwise(&gpus, [7, 5], "columns by a table", |_| table(3));
}

#[test]
fn one_image_of_a_batch() {
    let Some(gpus) = gpus() else { return };
    let op = Op::Move(Move::Gather { axis: 0, indices: vec![1], shape: vec![] });
    for (cut, keep) in cuts(7) {
        let case = Case::new(op.clone(), &cut, &keep).output_along(0);
        case.input(random(&[3, 7, 2, 5], 1), &cut).check(&gpus, "one image");
    }
}

#[test]
fn transposes_move_the_channels() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for perm in [[0, 2, 3, 1], [0, 3, 2, 1], [2, 1, 0, 3], [3, 1, 2, 0], [0, 1, 3, 2]] {
                let axis = perm.iter().position(|&from| from == 1).unwrap();
                let op = Op::Move(Move::Transpose { perm: perm.to_vec() });
                let case = Case::new(op, &cut, &keep).output_along(axis);
                let case = case.input(random(&[3, channels, 2, 5], 1), &cut);
                if perm == [0, 2, 3, 1] {
                    assert_eq!(case.steps(&gpus[0]), 0, "channels last is the same buffer");
                }
                case.check(&gpus, &format!("{perm:?}"));
            }
        }
    }
}

#[test]
fn transposes_of_channels_behind_pixels() {
    let Some(gpus) = gpus() else { return };
    for (cut, keep) in cuts(5) {
        let op = Op::Move(Move::Transpose { perm: vec![1, 0, 2] });
        let case = Case::new(op, &cut, &keep).output_along(2);
        case.input_along(random(&[3, 4, 5], 1), 2, &cut).check(&gpus, "tokens");
    }
    for axis in 0..3 {
        let op = Op::Move(Move::Transpose { perm: vec![2, 1, 0] });
        let sizes = [3, 4, 5];
        let case = Case::new(op, &whole(sizes[2 - axis]), &[]).output_along(axis);
        case.input_along(random(&sizes, 1), 1, &whole(4)).check(&gpus, &format!("channels to axis {axis}"));
    }
}

#[test]
fn trap_18_depth_to_space_in_both_orders() {
    let Some(gpus) = gpus() else { return };
    for channels in [1, 2, 3, 5, 9] {
        for (cut, keep) in cuts(channels).into_iter().filter(|(_, keep)| !keep.contains(&0)) {
            for block in [2, 3] {
                let square = block * block;
                let x = random(&[3, channels * square, 2, 3], 1);
                let op = |order| Op::Move(Move::DepthToSpace { block, order });
                let strided = vec![cut.clone(); square].concat();
                let case = Case::new(op(DepthOrder::Dcr), &cut, &keep);
                case.input(x.clone(), &strided).check(&gpus, "depth, row, column");
                let case = Case::new(op(DepthOrder::Crd), &cut, &keep);
                case.input(x, &blocks(&cut, square)).check(&gpus, "channel, row, column");
            }
        }
    }
}

#[test]
fn trap_18_a_ramp_comes_out_as_onnx_defines() {
    let ramp: Vec<f64> = (0..16).map(f64::from).collect();
    let x = wgpu_pagcp::reference::Array::new(vec![1, 8, 1, 2], ramp).unwrap();
    let of = |order| {
        let op = Op::Move(Move::DepthToSpace { block: 2, order });
        wgpu_pagcp::reference::execute(&op, &[&x]).unwrap()
    };
    let dcr = of(DepthOrder::Dcr);
    assert_eq!(dcr.shape, [1, 2, 2, 4]);
    assert_eq!(dcr.data[..8], [0.0, 4.0, 1.0, 5.0, 8.0, 12.0, 9.0, 13.0]);
    let crd = of(DepthOrder::Crd);
    assert_eq!(crd.data[..8], [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    let op = Op::Move(Move::SpaceToDepth { block: 2 });
    let back = wgpu_pagcp::reference::execute(&op, &[&dcr]).unwrap();
    assert_eq!(back, x);
}

#[test]
fn space_to_depth_repeats_the_cut() {
    let Some(gpus) = gpus() else { return };
    for channels in [1, 2, 3, 5, 9] {
        for (cut, keep) in cuts(channels).into_iter().filter(|(_, keep)| !keep.contains(&0)) {
            let case =
                Case::new(Op::Move(Move::SpaceToDepth { block: 2 }), &vec![cut.clone(); 4].concat(), &keep);
            case.input(random(&[3, channels, 4, 6], 1), &cut).check(&gpus, "space to depth");
        }
    }
}

#[test]
fn parts_of_the_channels() {
    let Some(gpus) = gpus() else { return };
    for [first, second, third] in [[4_usize, 8, 4], [3, 5, 2], [1, 1, 1], [5, 33, 7]] {
        let channels = first + second + third;
        let cut = vec![(first, Some((0, 1))), (second, Some((1, 1))), (third, None)];
        for keep in [[first, second], [1, second.div_ceil(2)], [first.div_ceil(2), 1]] {
            let part =
                |from: usize, to: usize| Op::Move(Move::Slice(vec![slice(1, from as i64, to as i64, 1)]));
            let case = Case::new(part(first, channels), &vec![cut[1], cut[2]], &keep);
            let case = case.becomes(part(keep[0], channels)).input(random(&[3, channels, 2, 3], 1), &cut);
            assert_eq!(case.steps(&gpus[0]), 1);
            case.check(&gpus, "behind");
            let case = Case::new(part(0, first + second), &vec![cut[0], cut[1]], &keep);
            let case = case.becomes(part(0, keep[0] + keep[1])).input(random(&[3, channels, 2, 3], 1), &cut);
            case.check(&gpus, "before");
        }
    }
}

#[test]
fn channels_in_any_order() {
    let Some(gpus) = gpus() else { return };
    for channels in [2, 3, 5, 33] {
        let backwards: Vec<i64> = (0..channels as i64).rev().collect();
        for (indices, label) in [(&backwards[..], "backwards"), (&[1, 1, 0, -1], "some twice")] {
            let case = Case::new(gather(1, indices), &whole(indices.len()), &[]);
            case.input(random(&[3, channels, 2, 3], 1), &whole(channels)).check(&gpus, label);
        }
    }
    let op = Op::Move(Move::Gather { axis: 1, indices: vec![0, 2, 3, 1], shape: vec![2, 2] });
    Case::new(op, &whole(2), &[]).input(random(&[2, 4, 3], 1), &whole(4)).check(&gpus, "a table of channels");
    let op = Op::Move(Move::Gather { axis: 1, indices: vec![2], shape: vec![] });
    Case::new(op, &whole(3), &[]).input(random(&[2, 4, 3, 5], 1), &whole(4)).check(&gpus, "one channel");
}

#[test]
fn more_channels() {
    let Some(gpus) = gpus() else { return };
    for (cut, keep) in cuts(5).into_iter().filter(|(_, keep)| !keep.contains(&0)) {
        let op = Op::Move(Move::Tile { repeats: vec![1, 3, 1, 1] });
        let case = Case::new(op, &vec![cut.clone(); 3].concat(), &keep);
        case.input(random(&[3, 5, 2, 3], 1), &cut).check(&gpus, "three times");
    }
    let expand =
        |channels: i64| Op::Move(Move::Expand { shape: [1, channels, 1, 1].map(Extent::Fixed).to_vec() });
    for (cut, keep) in cuts(7).into_iter().filter(|(_, keep)| !keep.contains(&0)) {
        let left: usize = cut.iter().map(|&(c, unit)| unit.map_or(c, |(unit, _)| keep[unit])).sum();
        let case = Case::new(expand(7), &cut, &keep).becomes(expand(left as i64));
        case.input(random(&[3, 1, 2, 3], 1), &whole(1)).check(&gpus, "one for all");
    }
    let amounts = [[0, 0], [2, 3], [0, 0], [1, 0]];
    for (cut, keep) in cuts(5).into_iter().filter(|(_, keep)| !keep.contains(&0)) {
        let op = Op::Move(Move::pad(&amounts, PadMode::Constant(7.0)));
        let case = Case::new(op, &[whole(2), cut.clone(), whole(3)].concat(), &keep);
        case.input(random(&[3, 5, 2, 3], 1), &cut).check(&gpus, "with new ones around");
    }
}

#[test]
fn ones_come_and_go() {
    let Some(gpus) = gpus() else { return };
    for (cut, keep) in cuts(5) {
        for axes in [&[2][..], &[3, 4], &[2, 4, 6]] {
            let rank = 4 + axes.len();
            let mut shape = vec![3, 5, 2, 4];
            let case = Case::new(Op::Unsqueeze { axes: axes.to_vec() }, &cut, &keep);
            let case = case.input(random(&shape, 1), &cut);
            assert_eq!(case.steps(&gpus[0]), 0);
            case.check(&gpus, &format!("unsqueeze {axes:?}"));
            axes.iter().for_each(|&axis| shape.insert(axis, 1));
            assert_eq!(shape.len(), rank);
            let case = Case::new(Op::Squeeze { axes: axes.to_vec() }, &cut, &keep);
            let case = case.input(random(&shape, 1), &cut);
            assert_eq!(case.steps(&gpus[0]), 0);
            case.check(&gpus, &format!("squeeze {axes:?}"));
        }
        let case = Case::new(Op::Squeeze { axes: vec![0] }, &cut, &keep).output_along(0);
        case.input(random(&[1, 5, 2, 4], 1), &cut).check(&gpus, "without a batch");
        let case = Case::new(Op::Unsqueeze { axes: vec![0, 3] }, &cut, &keep);
        case.input_along(random(&[5, 4], 1), 0, &cut).check(&gpus, "with a batch");
    }
    let case = Case::new(Op::Squeeze { axes: vec![1] }, &whole(3), &[]);
    case.input(random(&[2, 1, 3, 4], 1), &whole(1)).check(&gpus, "rows become channels");
}

#[test]
fn operands_that_are_stored_otherwise_are_copied_first() {
    let Some(gpus) = gpus() else { return };
    let x = || random(&[3, 7, 2, 3], 1);
    let relu = Op::Activation(Activation::Relu);
    let case = Case::new(relu.clone(), &vec![(3, None), (4, None)], &[]).input(x(), &whole(7));
    assert_eq!(case.steps(&gpus[0]), 2);
    case.check(&gpus, "one segment as two");
    let case = Case::new(relu.clone(), &whole(2), &[]).output_along(2).input(x(), &whole(7));
    assert_eq!(case.steps(&gpus[0]), 2);
    case.check(&gpus, "other channels");
    let case = Case::new(Op::Binary(Binary::Add), &vec![(5, None), (2, None)], &[]);
    let case = case.input(x(), &whole(7)).input(x(), &vec![(2, None), (5, None)]);
    case.check(&gpus, "operands of a sum");
    let joined = vec![(3, None), (4, None), (6, None), (1, None)];
    let case = Case::new(Op::Concat { axis: 1 }, &joined, &[]);
    case.input(x(), &whole(7)).input(x(), &whole(7)).check(&gpus, "operands of a concatenation");
}

#[test]
fn a_whole_output_of_a_pruned_input_is_refused() {
    let Some(gpus) = gpus() else { return };
    let case = Case::new(Op::Activation(Activation::Relu), &whole(3), &[]);
    let error = case.input(random(&[1, 3, 2, 2], 1), &vec![(3, Some((0, 1)))]).refusal(&gpus[0]);
    let expected =
        "node node (Relu): channel 0 of the output lives without channel 0 of the input, which it reads";
    assert_eq!(error, expected);
}
