//! The structures that real networks are made of.

use super::{Net, numbers};
use crate::graph::{Activation, Pool, ValueId};

#[test]
fn a_residual_block_is_one_bus_and_one_free_inside() {
    let mut net = Net::new([3, 6, 6]);
    let stem = net.conv(net.x, [3, 4], 3);
    let a = net.conv(stem, [4, 6], 3);
    let a = net.relu(a);
    let a = net.conv(a, [6, 4], 3);
    let sum = net.b.add(stem, a);
    net.head(sum, 4, "y");
    let units = net.analyse().units();
    assert_eq!(units, ["conv_0[4] conv_0_out conv_3_out add_4_out", "conv_1[6] conv_1_out relu_2_out"]);
}

#[test]
fn a_projection_joins_the_sum_and_not_its_input() {
    let mut net = Net::new([3, 6, 6]);
    let stem = net.conv(net.x, [3, 4], 3);
    let a = net.conv(stem, [4, 8], 3);
    let shortcut = net.conv(stem, [4, 8], 1);
    let sum = net.b.add(a, shortcut);
    net.head(sum, 8, "y");
    let units = net.analyse().units();
    assert_eq!(units, ["conv_0[4] conv_0_out", "conv_1[8] conv_1_out conv_2_out add_3_out"]);
}

#[test]
fn an_inverted_bottleneck_joins_expansion_and_depthwise() {
    for multiplier in [1, 2] {
        let mut net = Net::new([3, 6, 6]);
        let stem = net.conv(net.x, [3, 4], 3);
        let a = net.conv(stem, [4, 12], 1);
        let a = net.grouped(a, [12, 12 * multiplier], 3, 12);
        let a = net.conv(a, [12 * multiplier, 4], 1);
        let sum = net.b.add(a, stem);
        net.head(sum, 4, "y");
        let block = if multiplier == 2 { "*2" } else { "" };
        assert_eq!(
            net.analyse().units(),
            [
                "conv_0[4] conv_0_out conv_3_out add_4_out".to_owned(),
                format!("conv_1[12] conv_1_out conv_2_out{block}")
            ]
        );
    }
}

#[test]
fn repeated_operands_hold_a_unit_several_times() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let twice = net.b.concat(&[a, a], 1);
    net.head(twice, 8, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out concat_1_out concat_1_out@4"]);
    assert_eq!(net.segments(twice), "u0:4 u0:4");
}

#[test]
fn pooled_copies_of_one_value_sit_at_four_offsets() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let pool = || Pool { pads: crate::graph::Padding::Explicit([1; 4]), ..Pool::new([3, 3]) };
    let mut parts = vec![a];
    for _ in 0..3 {
        parts.push(net.b.max_pool(parts[parts.len() - 1], pool()));
    }
    let joined = net.b.concat(&parts, 1);
    net.head(joined, 16, "y");
    let net = net.analyse();
    let offsets = "concat_4_out concat_4_out@4 concat_4_out@8 concat_4_out@12";
    let units = [format!("conv_0[4] conv_0_out maxpool_1_out maxpool_2_out maxpool_3_out {offsets}")];
    assert_eq!(net.units(), units);
}

#[test]
fn nested_concats_carry_their_cuts() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(net.x, [3, 5], 3);
    let inner = net.b.concat(&[a, net.x, b], 1);
    let outer = net.b.concat(&[net.x, inner, a], 1);
    net.head(outer, 19, "y");
    let net = net.analyse();
    assert_eq!(net.segments(inner), "u0:4 -:3 u1:5");
    assert_eq!(net.segments(outer), "-:3 u0:4 -:3 u1:5 u0:4");
}

#[test]
fn adjacent_pinned_operands_stay_apart() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.b.concat(&[net.x, net.x], 1);
    let b = net.relu(a);
    net.head(b, 6, "y");
    let net = net.analyse();
    assert_eq!((net.segments(a), net.segments(b)), ("-:3 -:3".to_owned(), "-:3 -:3".to_owned()));
}

#[test]
fn a_sum_with_a_concat_cuts_the_other_operand() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(net.x, [3, 5], 3);
    let whole = net.conv(net.x, [3, 9], 1);
    let joined = net.b.concat(&[a, b], 1);
    let sum = net.b.add(joined, whole);
    let other = net.conv(sum, [9, 9], 1);
    let last = net.b.add(other, sum);
    net.head(last, 9, "y");
    let net = net.analyse();
    let tail = "conv_2_out concat_3_out add_4_out conv_5_out add_6_out";
    let at = |start: usize| tail.split(' ').map(|v| format!(" {v}@{start}")).collect::<String>();
    let units = [format!("conv_0[4] conv_0_out {tail}"), format!("conv_1[5] conv_1_out{}", at(4))];
    assert_eq!(net.units(), units);
    for value in [whole, joined, sum, other, last] {
        assert_eq!(net.segments(value), "u0:4 u1:5");
    }
}

#[test]
fn cuts_meet_across_concats_of_other_widths() {
    let mut net = Net::new([3, 6, 6]);
    let parts: Vec<ValueId> = [4, 6, 5, 5].map(|n| net.conv(net.x, [3, n], 1)).to_vec();
    let left = net.b.concat(&[parts[0], parts[1]], 1);
    let right = net.b.concat(&[parts[2], parts[3]], 1);
    let sum = net.b.add(left, right);
    net.head(sum, 10, "y");
    let net = net.analyse();
    assert_eq!(net.segments(parts[1]), "-:1 u1:5");
    assert_eq!(net.segments(parts[2]), "u0:4 -:1");
    for value in [left, right, sum] {
        assert_eq!(net.segments(value), "u0:4 -:1 u1:5");
    }
    assert_eq!(net.pinned()[0], "conv_1[1]: couplings set it apart from its neighbours");
}

#[test]
fn one_convolution_cut_in_two_makes_two_units() {
    let mut net = Net::new([3, 6, 6]);
    let whole = net.conv(net.x, [3, 9], 1);
    let a = net.conv(whole, [9, 4], 3);
    let b = net.conv(whole, [9, 5], 3);
    let joined = net.b.concat(&[a, b], 1);
    let sum = net.b.add(whole, joined);
    net.head(sum, 9, "y");
    let units = net.analyse().units();
    assert_eq!(
        units,
        [
            "conv_0[4] conv_0_out conv_1_out concat_3_out add_4_out",
            "conv_0#2[5] conv_0_out@4 conv_2_out concat_3_out@4 add_4_out@4"
        ]
    );
}

#[test]
fn a_gate_goes_with_what_it_scales() {
    for dense in [false, true] {
        let mut net = Net::new([3, 6, 6]);
        let a = net.conv(net.x, [3, 8], 3);
        let pooled = net.b.global_average_pool(a);
        let gate = if dense {
            let flat = net.b.flatten(pooled, 1);
            let inner = net.gemm(flat, [8, 3]);
            let inner = net.gemm(inner, [3, 8]);
            net.b.reshape(inner, &[0, 8, 1, 1])
        } else {
            let inner = net.conv(pooled, [8, 3], 1);
            net.conv(inner, [3, 8], 1)
        };
        let gate = net.b.activation(gate, Activation::Sigmoid);
        let scaled = net.b.mul(a, gate);
        net.head(scaled, 8, "y");
        let units = net.analyse().units();
        let expected = if dense {
            [
                "conv_0[8] conv_0_out globalaveragepool_1_out flatten_2_out gemm_4_out reshape_5_out sigmoid_6_out \
                 mul_7_out",
                "gemm_3[3] gemm_3_out",
            ]
        } else {
            [
                "conv_0[8] conv_0_out globalaveragepool_1_out conv_3_out sigmoid_4_out mul_5_out",
                "conv_2[3] conv_2_out",
            ]
        };
        assert_eq!(units, expected);
    }
}

#[test]
fn outputs_pin_through_chains_of_sums() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.relu(a);
    let c = net.conv(b, [4, 4], 3);
    let d = net.b.add(b, c);
    let e = net.conv(d, [4, 4], 3);
    let f = net.b.add(d, e);
    net.b.output(f, "seg");
    let net = net.analyse();
    assert!(net.units().is_empty());
    assert_eq!(
        net.pinned(),
        [
            "conv_0[4]: graph output seg, through relu_1, add_3, add_5",
            "conv_2[4]: graph output seg, through add_3, add_5",
            "conv_4[4]: graph output seg, through add_5",
        ]
    );
}

#[test]
fn a_depthwise_convolution_of_the_picture_is_pinned() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.grouped(net.x, [3, 6], 3, 3);
    net.head(a, 6, "y");
    assert_eq!(net.analyse().pinned()[0], "conv_0[6]: graph input x, through conv_0");
}

#[test]
fn a_group_across_a_concat_boundary_is_pinned() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 3], 3);
    let b = net.conv(net.x, [3, 5], 3);
    let joined = net.b.concat(&[a, b], 1);
    let grouped = net.grouped(joined, [8, 4], 1, 2);
    net.head(grouped, 4, "y");
    let net = net.analyse();
    assert!(net.units().is_empty(), "{:?}", net.units());
    assert_eq!(net.segments(joined), "-:3 -:5");
}

#[test]
fn interleaved_couplings_are_pinned() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let wide = net.grouped(a, [4, 8], 1, 4);
    let b = net.conv(net.x, [3, 2], 3);
    let copies = net.b.concat(&[b, b, b, b], 1);
    let sum = net.b.add(wide, copies);
    net.head(sum, 8, "y");
    let net = net.analyse();
    assert!(net.units().is_empty(), "{:?}", net.units());
}

#[test]
fn two_heads_and_a_pyramid() {
    let mut net = Net::new([3, 8, 8]);
    let c1 = net.conv(net.x, [3, 4], 3);
    let c2 = net.b.max_pool(c1, Pool { strides: [2, 2], ..Pool::new([2, 2]) });
    let c2 = net.conv(c2, [4, 6], 3);
    let p2 = net.conv(c2, [6, 5], 1);
    let up = net.b.resize(
        p2,
        crate::graph::Resize {
            target: crate::graph::Target::Sizes([8, 8]),
            coordinates: crate::graph::Coordinates::HalfPixel,
            interpolation: crate::graph::Interpolation::Linear,
        },
    );
    let p1 = net.conv(c1, [4, 5], 1);
    let p1 = net.b.add(p1, up);
    net.head(p1, 5, "seg");
    let pooled = net.b.global_average_pool(p2);
    let flat = net.b.flatten(pooled, 1);
    let class = net.gemm(flat, [5, 3]);
    net.b.output(class, "class");
    let net = net.analyse();
    assert_eq!(
        net.units(),
        [
            "conv_0[4] conv_0_out maxpool_1_out",
            "conv_2[6] conv_2_out",
            "conv_3[5] conv_3_out resize_4_out conv_5_out add_6_out globalaveragepool_8_out flatten_9_out"
        ]
    );
    assert_eq!(net.pinned(), ["conv_7[2]: graph output seg", "gemm_10[3]: graph output class"]);
}

#[test]
fn long_paths_are_abbreviated() {
    let mut net = Net::new([3, 6, 6]);
    let mut x = net.conv(net.x, [3, 4], 3);
    for _ in 0..9 {
        x = net.relu(x);
    }
    let k = net.b.constant("k", numbers(&[4, 1, 1]));
    let y = net.b.add(x, k);
    net.b.output(y, "y");
    let pinned = net.analyse().pinned();
    assert_eq!(pinned, ["conv_0[4]: graph output y, through relu_1, relu_2, 7 more and add_10"]);
}
