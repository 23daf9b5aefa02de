//! Moves of elements: parts, orders, blocks and axes of channels.

use super::Net;
use crate::graph::{DepthOrder, Extent, Move, Op, PadMode, SliceAxis, ValueId};

fn moved(net: &mut Net, op: Move, x: ValueId) -> ValueId {
    net.b.node(Op::Move(op), &[x])
}

fn part(net: &mut Net, x: ValueId, [start, end, step]: [i64; 3]) -> ValueId {
    let [start, end] = [start, end].map(Extent::Fixed);
    moved(net, Move::Slice(vec![SliceAxis { axis: 1, start, end, step }]), x)
}

fn gather(net: &mut Net, x: ValueId, indices: &[i64]) -> ValueId {
    moved(net, Move::Gather { axis: 1, indices: indices.to_vec(), shape: vec![indices.len()] }, x)
}

fn transpose(net: &mut Net, x: ValueId, perm: &[usize]) -> ValueId {
    moved(net, Move::Transpose { perm: perm.to_vec() }, x)
}

#[test]
fn trap_15_halves_of_a_chunk_are_units_of_their_own() {
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 8], 1);
    let first = part(&mut net, x, [0, 4, 1]);
    let second = part(&mut net, x, [4, 8, 1]);
    let inner = net.conv(second, [4, 4], 3);
    let joined = net.b.concat(&[first, second, inner], 1);
    net.head(joined, 12, "y");
    let net = net.analyse();
    assert_eq!(
        net.units(),
        [
            "conv_0[4] conv_0_out slice_1_out concat_4_out",
            "conv_0#2[4] conv_0_out@4 slice_2_out concat_4_out@4",
            "conv_3[4] conv_3_out concat_4_out@8"
        ]
    );
    assert_eq!(net.segments(x), "u0:4 u1:4");
}

#[test]
fn every_second_channel_is_a_unit() {
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 5], 1);
    let even = part(&mut net, x, [0, 5, 2]);
    net.head(even, 3, "y");
    net.head(x, 5, "z");
    let units = net.analyse().units();
    assert_eq!(units, ["conv_0[3] conv_0_out[0, 2, 4] slice_1_out", "conv_0#2[2] conv_0_out@1[1, 3]"]);
}

#[test]
fn a_channel_shuffle_interleaves_units() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 3], 1);
    let b = net.conv(net.x, [3, 3], 1);
    let joined = net.b.concat(&[a, b], 1);
    let shuffled = gather(&mut net, joined, &[0, 3, 1, 4, 2, -1]);
    net.head(shuffled, 6, "y");
    let net = net.analyse();
    assert_eq!(
        net.units(),
        [
            "conv_0[3] conv_0_out concat_2_out gather_3_out[0, 2, 4]",
            "conv_1[3] conv_1_out concat_2_out@3 gather_3_out@1[1, 3, 5]"
        ]
    );
    assert_eq!(net.segments(shuffled), "u0:3 u1:3");
}

#[test]
fn trap_18_depth_to_space_strides_or_blocks_channels() {
    for (order, expected) in [
        (DepthOrder::Dcr, "conv_0_out conv_0_out@3 conv_0_out@6 conv_0_out@9"),
        (DepthOrder::Crd, "conv_0_out*4"),
    ] {
        let mut net = Net::new([3, 6, 6]);
        let x = net.conv(net.x, [3, 12], 1);
        let y = moved(&mut net, Move::DepthToSpace { block: 2, order }, x);
        net.head(y, 3, "y");
        assert_eq!(net.analyse().units(), [format!("conv_0[3] {expected} depthtospace_1_out")]);
    }
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 3], 1);
    let y = moved(&mut net, Move::SpaceToDepth { block: 2 }, x);
    net.head(y, 12, "y");
    let cells = "spacetodepth_1_out spacetodepth_1_out@3 spacetodepth_1_out@6 spacetodepth_1_out@9";
    assert_eq!(net.analyse().units(), [format!("conv_0[3] conv_0_out {cells}")]);
}

#[test]
fn trap_16_flattened_features_are_blocks_or_strided() {
    let mut net = Net::new([3, 2, 2]);
    let x = net.conv(net.x, [3, 4], 1);
    let last = transpose(&mut net, x, &[0, 2, 3, 1]);
    let flat = net.b.flatten(last, 1);
    let y = net.gemm(flat, [16, 2]);
    net.b.output(y, "y");
    let pixels = "flatten_2_out flatten_2_out@4 flatten_2_out@8 flatten_2_out@12";
    assert_eq!(net.analyse().units(), [format!("conv_0[4] conv_0_out transpose_1_out {pixels}")]);
}

#[test]
fn transposes_and_ranks_carry_the_channel_axis() {
    let mut net = Net::new([3, 6, 5]);
    let x = net.conv(net.x, [3, 4], 1);
    let y = transpose(&mut net, x, &[0, 2, 3, 1]);
    let y = net.relu(y);
    let y = net.b.node(Op::Unsqueeze { axes: vec![1, 5] }, &[y]);
    let wide = y;
    let y = net.b.node(Op::Squeeze { axes: vec![1, 5] }, &[y]);
    let y = transpose(&mut net, y, &[0, 3, 1, 2]);
    net.head(y, 4, "y");
    let net = net.analyse();
    let values = "conv_0_out transpose_1_out relu_2_out unsqueeze_3_out squeeze_4_out transpose_5_out";
    assert_eq!(net.units(), [format!("conv_0[4] {values}")]);
    assert_eq!(net.units.axis(wide), 4);
}

#[test]
fn trap_19_blocks_of_a_regrouped_concatenation_stay_whole() {
    let of = |channels: usize, parts: usize| {
        let mut net = Net::new([3, 6, 6]);
        let a = net.conv(net.x, [3, channels], 1);
        let b = net.conv(net.x, [3, channels], 1);
        let joined = net.b.concat(&[a, b], 1);
        let (channels, parts) = (2 * channels as i64, parts as i64);
        let y = net.b.reshape(joined, &[0, channels / parts, parts, 6, 6]);
        let y = net.b.softmax(y, 2);
        let y = net.b.reshape(y, &[0, channels, 6, 6]);
        net.head(y, channels as usize, "y");
        net.analyse()
    };
    let values = |at: usize| {
        let (channel, block) = if at > 0 { ("@6", "@3") } else { ("", "") };
        format!("concat_2_out{channel}*2 reshape_3_out{block} softmax_4_out{block} reshape_5_out{channel}*2")
    };
    let units = [0, 1].map(|unit| format!("conv_{unit}[3] conv_{unit}_out*2 {}", values(unit)));
    assert_eq!(of(6, 2).units(), units);
    let across = of(5, 5);
    assert!(across.units().is_empty());
    assert_eq!(across.pinned()[0], "conv_0[5]: couplings set it apart from its neighbours");
}

#[test]
fn more_channels_than_there_were() {
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 4], 1);
    let y = moved(&mut net, Move::Tile { repeats: vec![1, 2, 1, 1] }, x);
    net.head(y, 8, "y");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out tile_1_out tile_1_out@4"]);
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 4], 1);
    let mode = PadMode::Constant(0.0);
    let y = moved(&mut net, Move::pad(&[[0, 0], [2, 1], [0, 0], [0, 0]], mode), x);
    let z = net.conv(net.x, [3, 7], 1);
    let y = net.b.add(y, z);
    net.head(y, 7, "y");
    let units = net.analyse().units();
    assert_eq!(
        units,
        [
            "conv_0[4] conv_0_out pad_1_out@2 conv_2_out@2 add_3_out@2",
            "conv_2[2] pad_1_out conv_2_out add_3_out"
        ]
    );
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 4], 1);
    let one = net.conv(x, [4, 1], 1);
    let all = moved(&mut net, Move::Expand { shape: [1, 4, 1, 1].map(Extent::Fixed).to_vec() }, one);
    let y = net.b.mul(x, all);
    net.head(y, 4, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out expand_2_out mul_3_out"]);
    assert_eq!(net.pinned()[0], "conv_1[1]: Expand expand_2 repeats its one channel");
}

#[test]
fn what_is_not_provably_closed_is_pinned_with_its_reason() {
    type Step = fn(&mut Net, ValueId) -> ValueId;
    let cases: [(Step, &str); 5] = [
        (
            |net, x| {
                let step = |axis| SliceAxis { axis, start: Extent::Fixed(0), end: Extent::Fixed(9), step: 2 };
                moved(net, Move::Slice(vec![step(1), step(2)]), x)
            },
            "Slice slice_1 takes every so many-th channel of part of the pixels",
        ),
        (
            |net, x| moved(net, Move::Gather { axis: 1, indices: vec![2], shape: vec![] }, x),
            "Gather gather_1 picks single channels",
        ),
        (
            |net, x| {
                let amounts = [[0, 0], [-1, 0], [0, 0], [0, 0]];
                moved(net, Move::pad(&amounts, PadMode::Constant(0.0)), x)
            },
            "Pad pad_1 crops or repeats channels",
        ),
        (
            |net, x| {
                let y = transpose(net, x, &[0, 2, 1, 3]);
                let weight = super::numbers(&[2, 6, 1, 1]);
                net.b.conv(y, crate::graph::Conv2d::new([1, 1]), weight, None)
            },
            "Conv conv_2 reads as channels dimension 1, where it has none, through transpose_1",
        ),
        (
            |net, x| net.b.reshape(x, &[0, 3, 8, 6]),
            "Reshape reshape_1 regroups channels: [2, 4, 6, 6] become [2, 3, 8, 6]",
        ),
    ];
    for (step, reason) in cases {
        let mut net = Net::new([3, 6, 6]);
        let x = net.conv(net.x, [3, 4], 1);
        let y = step(&mut net, x);
        net.b.output(y, "y");
        net.head(x, 4, "z");
        let net = net.analyse();
        assert!(net.units().is_empty(), "{reason}");
        assert_eq!(net.pinned()[0], format!("conv_0[4]: {reason}"));
    }
}
