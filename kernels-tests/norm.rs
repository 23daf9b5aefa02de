//! Normalisations by statistics of the input: every kind, layout and axis of channels.

use crate::case::{CHANNELS, Case, Cut, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Norm, Op, Statistics};
use wgpu_pagcp::tensor::Tensor;

fn op(statistics: Statistics) -> Op {
    Op::Norm(Norm { statistics, epsilon: 1e-5 })
}

/// A normalisation with one scale and one shift for every channel.
fn per_channel(statistics: Statistics, x: Tensor, cut: &Cut, keep: &[usize]) -> Case {
    let channels = x.shape()[1];
    Case::new(op(statistics), cut, keep).input(x, cut).constant(random(&[channels], 2), 0, cut).constant(
        random(&[channels], 3),
        0,
        cut,
    )
}

/// A layer normalisation over the axes from `axis` on of a value with its channels in `along`.
fn layer(axis: usize, along: usize, x: Tensor, cut: &Cut, keep: &[usize]) -> Case {
    let shape = x.shape()[axis..].to_vec();
    let (sliced, parameter_cut) = match along.checked_sub(axis) {
        Some(sliced) => (sliced, cut.clone()),
        None => (0, Vec::new()),
    };
    Case::new(op(Statistics::Layer { axis }), cut, keep)
        .output_along(along)
        .input_along(x, along, cut)
        .constant(random(&shape, 2), sliced, &parameter_cut)
        .constant(random(&shape, 3), sliced, &parameter_cut)
}

#[test]
fn instances_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for shape in [vec![3, channels, 7, 5], vec![2, channels, 1, 1], vec![2, channels, 9, 11]] {
                let case = per_channel(Statistics::Instance, random(&shape, 1), &cut, &keep);
                case.check(&gpus, &format!("{shape:?}"));
            }
        }
    }
}

#[test]
fn other_ranks_and_large_maps() {
    let Some(gpus) = gpus() else { return };
    for shape in [&[2, 6, 5][..], &[2, 6, 3, 4, 5], &[1, 6, 61, 97]] {
        for statistics in
            [Statistics::Instance, Statistics::Group { groups: 3 }, Statistics::Group { groups: 1 }]
        {
            let case = per_channel(statistics, random(shape, 1), &whole(6), &[]);
            case.check(&gpus, &format!("{statistics:?} {shape:?}"));
        }
    }
}

#[test]
fn one_group_takes_statistics_of_kept_channels() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            for size in [[2, 3], [9, 8]] {
                let x = random(&[3, channels, size[0], size[1]], 1);
                let case = per_channel(Statistics::Group { groups: 1 }, x, &cut, &keep);
                case.check(&gpus, &format!("{size:?}"));
            }
        }
    }
}

#[test]
fn groups_go_whole() {
    let Some(gpus) = gpus() else { return };
    for block in [1, 2, 3, 4, 5, 8] {
        for (groups, keep) in [(2, 1), (3, 1), (3, 2), (7, 5), (7, 7)] {
            let cut = vec![(groups * block, Some((0, block)))];
            for size in [[2, 3], [9, 8]] {
                let x = random(&[2, groups * block, size[0], size[1]], 1);
                let case = per_channel(Statistics::Group { groups }, x, &cut, &[keep]);
                let case = case.becomes(op(Statistics::Group { groups: keep }));
                case.check(&gpus, &format!("{block} {size:?}"));
            }
        }
    }
}

#[test]
fn groups_cross_segments_that_stay() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(3, None), (5, None), (8, Some((0, 4)))];
    let case = per_channel(Statistics::Group { groups: 4 }, random(&[2, 16, 3, 3], 1), &cut, &[1]);
    case.becomes(op(Statistics::Group { groups: 3 })).check(&gpus, "across");
    let cut = vec![(3, None), (5, Some((0, 1))), (8, None)];
    let case = per_channel(Statistics::Group { groups: 4 }, random(&[2, 16, 3, 3], 1), &cut, &[1]);
    assert!(case.refusal(&gpus[0]).contains("whole groups of 4"));
}

#[test]
fn layers_over_tokens_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            let case = layer(2, 2, random(&[2, 70, channels], 1), &cut, &keep);
            case.check(&gpus, "tokens");
        }
    }
}

#[test]
fn layers_from_every_axis_on_with_channels_in_every_axis() {
    let Some(gpus) = gpus() else { return };
    let shape = [3, 5, 6, 7];
    for axis in 0..4 {
        for along in 1..4 {
            let channels = shape[along];
            let cut = vec![(channels, Some((0, 1)))];
            for keep in [1, channels - 2, channels] {
                let case = layer(axis, along, random(&shape, 1), &cut, &[keep]);
                case.check(&gpus, &format!("from {axis} channels in {along}"));
            }
        }
    }
    for (shape, axis) in [(&[6][..], 0), (&[3, 6], 0), (&[3, 6], 1), (&[2, 6, 2, 3, 2, 2], 3)] {
        let along = usize::from(shape.len() > 1);
        layer(axis, along, random(shape, 1), &whole(6), &[]).check(&gpus, &format!("{shape:?} from {axis}"));
    }
}

/// Trap 7: zeros of channels that are gone would count in the denominator.
#[test]
fn trap_7_statistics_count_kept_channels_alone() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(9, Some((0, 1)))];
    for keep in 1..9 {
        let x = random(&[2, 9, 3, 3], 1);
        per_channel(Statistics::Group { groups: 1 }, x.clone(), &cut, &[keep]).check(&gpus, "group");
        layer(1, 1, x, &cut, &[keep]).check(&gpus, "layer");
    }
}

/// Trap 8: a map without variance gives the shift, not something over the root of epsilon.
#[test]
fn trap_8_a_constant_map_gives_the_shift() {
    let Some(gpus) = gpus() else { return };
    let cut = vec![(6, Some((0, 1)))];
    for value in [0.0, 3.0] {
        let x = Tensor::from_f32(vec![1, 6, 4, 4], vec![value; 96]).expect("the length fits");
        for statistics in [Statistics::Instance, Statistics::Group { groups: 1 }] {
            per_channel(statistics, x.clone(), &cut, &[5]).check(&gpus, &format!("{value}"));
        }
        layer(1, 1, x, &cut, &[5]).check(&gpus, &format!("{value}"));
    }
}
