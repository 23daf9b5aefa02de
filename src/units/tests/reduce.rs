//! Index maps of reductions, and of operands that are broadcast along other axes than their channels.

use super::Net;
use crate::graph::{ArgMax, Binary, Op, Reduce, Reduction, ValueId};

fn reduce(net: &mut Net, x: ValueId, axes: &[usize], keep_dims: bool) -> ValueId {
    net.b.node(Op::Reduce(Reduce { reduction: Reduction::Mean, axes: axes.to_vec(), keep_dims }), &[x])
}

#[test]
fn a_mean_over_channels_is_of_those_that_live() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let mean = reduce(&mut net, a, &[1], true);
    let b = net.b.binary(Binary::Sub, a, mean);
    net.head(b, 4, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out sub_2_out"]);
    assert_eq!(net.segments(mean), "-:1");
}

#[test]
fn a_mean_over_pixels_keeps_the_channels() {
    for keep_dims in [true, false] {
        let mut net = Net::new([3, 6, 6]);
        let a = net.conv(net.x, [3, 4], 3);
        let mut mean = reduce(&mut net, a, &[2, 3], keep_dims);
        if keep_dims {
            mean = net.b.flatten(mean, 1);
        }
        let y = net.gemm(mean, [4, 2]);
        net.b.output(y, "y");
        let net = net.analyse();
        assert_eq!(net.units()[0].split(' ').next(), Some("conv_0[4]"));
        assert_eq!(net.segments(mean), "u0:4");
    }
}

#[test]
fn a_result_that_has_other_channels_stays() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let rows = reduce(&mut net, a, &[1], false);
    let rows = reduce(&mut net, rows, &[2], false);
    let features = net.gemm(rows, [6, 6]);
    let y = net.b.add(features, rows);
    let y = net.gemm(y, [6, 2]);
    net.b.output(y, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out"]);
    assert_eq!(
        net.pinned()[0],
        "gemm_3[6]: ReduceMean reducemean_1 reduces the channels, through add_4, reducemean_2"
    );
}

#[test]
fn indices_of_channels_keep_them_all() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let best = net.b.node(Op::ArgMax(ArgMax { axis: 1, keep_dims: true, last: false }), &[a]);
    net.b.output(best, "y");
    let net = net.analyse();
    assert!(net.units().is_empty());
    assert_eq!(net.pinned()[0], "conv_0[4]: ArgMax argmax_1 counts the channels");
}

#[test]
fn an_operand_of_another_rank_leaves_channels_that_it_does_not_reach() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let mean = reduce(&mut net, a, &[0, 1], false);
    let b = net.b.add(a, mean);
    net.head(b, 4, "y");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out add_2_out"]);
}

#[test]
fn channels_that_are_read_along_another_axis_stay() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 2], 3);
    let means = reduce(&mut net, a, &[1], false);
    let y = net.b.mul(a, means);
    net.head(y, 2, "y");
    let net = net.analyse();
    assert!(net.units().is_empty(), "{:?}", net.units());
    let reason = "Mul mul_2 reads along its channels what has other channels, through mul_2";
    assert_eq!(net.pinned()[0], format!("conv_0[2]: {reason}"));
}
