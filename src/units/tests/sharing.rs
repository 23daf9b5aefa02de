//! Constants with several uses, and constants that flow through the network.

use super::{Net, numbers};
use crate::graph::{Conv2d, Gemm, Op};

#[test]
fn one_weight_at_two_places_couples_inputs_and_outputs() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(net.x, [3, 4], 1);
    let weight = net.b.constant("w", numbers(&[5, 4, 1, 1]));
    let c = net.b.node(Op::Conv(Conv2d::new([1, 1])), &[a, weight]);
    let d = net.b.node(Op::Conv(Conv2d::new([1, 1])), &[b, weight]);
    net.head(c, 5, "y");
    net.head(d, 5, "z");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out conv_1_out", "conv_2[5] conv_2_out conv_3_out"]);
}

#[test]
fn one_operand_of_two_sums_couples_them() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(net.x, [3, 4], 1);
    let k = net.b.constant("k", numbers(&[4, 1, 1]));
    let c = net.b.add(a, k);
    let d = net.b.mul(b, k);
    net.head(c, 4, "y");
    net.head(d, 4, "z");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out conv_1_out k add_2_out mul_3_out"]);
}

#[test]
fn a_weight_applied_twice_in_a_row_ties_its_inputs_to_its_outputs() {
    let mut net = Net::new([3, 4, 4]);
    let a = net.conv(net.x, [3, 4], 3);
    let weight = net.b.constant("w", numbers(&[4, 4, 1, 1]));
    let b = net.b.node(Op::Conv(Conv2d::new([1, 1])), &[a, weight]);
    let c = net.b.node(Op::Conv(Conv2d::new([1, 1])), &[b, weight]);
    net.head(c, 4, "y");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out conv_1_out conv_2_out"]);
}

#[test]
fn a_constant_used_in_two_ways_pins_what_it_follows() {
    let mut net = Net::new([3, 4, 4]);
    let a = net.conv(net.x, [3, 5], 3);
    let k = net.b.constant("k", numbers(&[4]));
    let along_width = net.b.add(a, k);
    let pooled = net.b.global_average_pool(along_width);
    let flat = net.b.flatten(pooled, 1);
    let weight = net.b.constant("w", numbers(&[5, 4]));
    let b = net.b.node(Op::Gemm(Gemm::default()), &[flat, weight, k]);
    let c = net.gemm(b, [4, 2]);
    net.b.output(c, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[5] conv_0_out add_1_out globalaveragepool_2_out flatten_3_out"]);
    assert_eq!(net.pinned()[0], "gemm_4[4]: constant k is used differently by add_1, gemm_4");
}

#[test]
fn a_bias_that_is_also_data_keeps_its_channels() {
    let mut net = Net::new([3, 1, 1]);
    let x = net.b.flatten(net.x, 1);
    let k = net.b.constant("k", numbers(&[2, 4]));
    let weight = net.b.constant("w", numbers(&[3, 4]));
    let a = net.b.node(Op::Gemm(Gemm::default()), &[x, weight, k]);
    let b = net.gemm(a, [4, 4]);
    let c = net.b.concat(&[b, k], 1);
    net.b.softmax(c, 0);
    let d = net.gemm(b, [4, 2]);
    net.b.output(d, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["gemm_2[4] gemm_2_out concat_3_out softmax_4_out"]);
    assert_eq!(net.pinned()[0], "gemm_1[4]: constant k is used differently by gemm_1, concat_3");
    assert_eq!(net.segments(c), "u0:4 -:4");
}
