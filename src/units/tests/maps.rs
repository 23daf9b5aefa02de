//! The index map of every operator.

use super::{Net, numbers};
use crate::graph::{
    Activation, Binary, Coordinates, Gemm, Interpolation, Op, Pad, PadMode, Pool, Resize, Rounding, Target,
};

#[test]
fn convolutions_couple_neither_inputs_nor_outputs() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(a, [4, 5], 1);
    net.head(b, 5, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out", "conv_1[5] conv_1_out"]);
    assert_eq!(net.pinned(), ["conv_2[2]: graph output y"]);
}

#[test]
fn channelwise_operators_pass_channels_on() {
    let mut net = Net::new([3, 6, 6]);
    let x = net.conv(net.x, [3, 4], 3);
    let x = net.b.batch_norm(x, [1, 2, 3, 4].map(|_| numbers(&[4])), 1e-5);
    let x = net.b.activation(x, Activation::Sigmoid);
    let x = net.b.max_pool(x, Pool::new([2, 2]));
    let x = net.b.average_pool(x, Pool::new([2, 2]));
    let resize = Resize {
        target: Target::Scales([2.0, 2.0]),
        coordinates: Coordinates::Asymmetric,
        interpolation: Interpolation::Nearest(Rounding::Floor),
    };
    let x = net.b.resize(x, resize);
    let x = net.b.pad(x, Pad { margins: [1; 4], mode: PadMode::Constant(3.0) });
    let x = net.b.identity(x);
    let x = net.b.softmax(x, 3);
    let x = net.b.global_average_pool(x);
    net.head(x, 4, "y");
    let vectors = "batchnormalization_1.scale batchnormalization_1.shift batchnormalization_1.mean \
                   batchnormalization_1.variance";
    let chain = "batchnormalization_1_out sigmoid_2_out maxpool_3_out averagepool_4_out resize_5_out pad_6_out \
                 identity_7_out softmax_8_out globalaveragepool_9_out";
    assert_eq!(net.analyse().units(), [format!("conv_0[4] conv_0_out {vectors} {chain}")]);
}

#[test]
fn a_depthwise_convolution_joins_its_input() {
    for (multiplier, output) in [(1, "conv_1_out"), (2, "conv_1_out*2")] {
        let mut net = Net::new([3, 6, 6]);
        let a = net.conv(net.x, [3, 4], 3);
        let b = net.grouped(a, [4, 4 * multiplier], 3, 4);
        net.head(b, 4 * multiplier, "y");
        assert_eq!(net.analyse().units(), [format!("conv_0[4] conv_0_out {output}")]);
    }
}

#[test]
fn a_grouped_convolution_loses_whole_groups() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 6], 3);
    let b = net.grouped(a, [6, 9], 3, 3);
    net.head(b, 9, "y");
    assert_eq!(net.analyse().units(), ["conv_0[3] conv_0_out*2 conv_1_out*3"]);
}

#[test]
fn constants_along_channels_join_and_others_do_not() {
    for (shape, joins) in [
        (&[4, 1, 1][..], true),
        (&[1, 4, 1, 1], true),
        (&[], false),
        (&[1], false),
        (&[6], false),
        (&[6, 6], false),
    ] {
        let mut net = Net::new([3, 6, 6]);
        let a = net.conv(net.x, [3, 4], 3);
        let k = net.b.constant("k", numbers(shape));
        let b = net.b.binary(Binary::Sub, k, a);
        net.head(b, 4, "y");
        let k = if joins { "k " } else { "" };
        assert_eq!(net.analyse().units(), [format!("conv_0[4] conv_0_out {k}sub_1_out")], "{shape:?}");
    }
}

#[test]
fn a_vector_lies_along_the_features_of_rank_two() {
    let mut net = Net::new([3, 1, 1]);
    let x = net.b.flatten(net.x, 1);
    let x = net.gemm(x, [3, 4]);
    let k = net.b.constant("k", numbers(&[4]));
    let x = net.b.mul(x, k);
    let x = net.gemm(x, [4, 2]);
    net.b.output(x, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["gemm_1[4] gemm_1_out k mul_2_out"]);
    assert_eq!(net.pinned(), ["gemm_3[2]: graph output y"]);
}

#[test]
fn sums_and_products_unite_their_operands() {
    for op in [Binary::Add, Binary::Sub, Binary::Mul] {
        let mut net = Net::new([3, 6, 6]);
        let a = net.conv(net.x, [3, 4], 3);
        let b = net.conv(net.x, [3, 4], 1);
        let c = net.b.binary(op, a, b);
        net.head(c, 4, "y");
        let op = Op::Binary(op).name().to_lowercase();
        assert_eq!(net.analyse().units(), [format!("conv_0[4] conv_0_out conv_1_out {op}_2_out")]);
    }
}

#[test]
fn an_operand_of_one_channel_stays_alone() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let mask = net.conv(a, [4, 1], 1);
    let b = net.b.mul(a, mask);
    net.head(b, 4, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out mul_2_out"]);
    assert_eq!(net.pinned()[0], "conv_1[1]: Mul mul_2 broadcasts its one channel");
}

#[test]
fn concat_along_channels_shifts_and_along_others_does_not() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(net.x, [3, 5], 3);
    let c = net.b.concat(&[a, b], 1);
    net.head(c, 9, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[4] conv_0_out concat_2_out", "conv_1[5] conv_1_out concat_2_out@4"]);
    assert_eq!(net.segments(c), "u0:4 u1:5");

    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.conv(net.x, [3, 4], 1);
    let c = net.b.concat(&[a, b], 3);
    net.head(c, 4, "y");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out conv_1_out concat_2_out"]);
}

#[test]
fn flatten_makes_blocks_of_pixels() {
    for size in [1, 2, 3] {
        let mut net = Net::new([3, size, size]);
        let a = net.conv(net.x, [3, 4], 3);
        let b = net.b.flatten(a, 1);
        let c = net.gemm(b, [4 * size * size, 2]);
        net.b.output(c, "y");
        let block = if size > 1 { format!("*{}", size * size) } else { String::new() };
        assert_eq!(net.analyse().units(), [format!("conv_0[4] conv_0_out flatten_1_out{block}")]);
    }
}

#[test]
fn reshape_keeps_splits_or_joins_channels_or_pins_them() {
    for (target, found) in [
        (&[0, 6, 1, 9][..], Some("reshape_1_out")),
        (&[2, 6, 9], Some("reshape_1_out")),
        (&[-1, 54], Some("reshape_1_out*9")),
        (&[0, 18, 3], Some("reshape_1_out*3")),
        (&[0, 2, 3, 9], None),
        (&[0, 9, 6], None),
        (&[-1], None),
        (&[12, 9], None),
    ] {
        let mut net = Net::new([3, 3, 3]);
        let a = net.conv(net.x, [3, 6], 3);
        let b = net.b.reshape(a, target);
        net.b.softmax(b, 0);
        net.head(a, 6, "y");
        let net = net.analyse();
        match (found, target) {
            (Some(output), _) => assert_eq!(
                net.units(),
                [format!("conv_0[6] conv_0_out {output} softmax_2_out{}", &output["reshape_1_out".len()..])]
            ),
            (None, [0, 2, 3, 9]) => {
                assert_eq!(net.units(), ["conv_0[2] conv_0_out*3 reshape_1_out softmax_2_out"]);
            }
            (None, [0, 9, 6]) => {
                assert_eq!(net.units(), ["conv_0[3] conv_0_out*2 reshape_1_out*3 softmax_2_out*3"]);
            }
            (None, _) => {
                let start = "conv_0[6]: Reshape reshape_1 regroups channels: [2, 6, 3, 3] become [";
                assert!(net.pinned()[0].starts_with(start), "{:?}", net.pinned());
            }
        }
    }
}

#[test]
fn gemm_is_free_on_both_sides_unless_transposed() {
    for trans_b in [false, true] {
        let mut net = Net::new([3, 1, 1]);
        let x = net.b.flatten(net.x, 1);
        let x = net.gemm(x, [3, 5]);
        let weight = numbers(if trans_b { &[4, 5] } else { &[5, 4] });
        let x = net.b.gemm(x, Gemm { trans_b, ..Gemm::default() }, weight, None);
        let x = net.gemm(x, [4, 2]);
        net.b.output(x, "y");
        assert_eq!(net.analyse().units(), ["gemm_1[5] gemm_1_out", "gemm_2[4] gemm_2_out"]);
    }
    let mut net = Net::new([3, 1, 1]);
    let x = net.b.flatten(net.x, 1);
    let x = net.gemm(x, [3, 5]);
    let x = net.b.gemm(x, Gemm { trans_a: true, ..Gemm::default() }, numbers(&[2, 4]), None);
    let x = net.gemm(x, [4, 2]);
    net.b.output(x, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["gemm_2[4] gemm_2_out"]);
    assert_eq!(net.pinned()[0], "gemm_1[5]: Gemm gemm_2 reads its input transposed");
}

#[test]
fn softmax_over_channels_pins() {
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let b = net.b.softmax(a, 1);
    net.head(b, 4, "y");
    let net = net.analyse();
    assert!(net.units().is_empty());
    assert_eq!(net.pinned()[0], "conv_0[4]: Softmax softmax_1 normalises over channels, through softmax_1");
}

#[test]
fn a_fused_residual_is_coupled_like_a_sum() {
    use crate::graph::{Conv2d, Epilogue};
    let mut net = Net::new([3, 6, 6]);
    let a = net.conv(net.x, [3, 4], 3);
    let weight = net.b.constant("w", numbers(&[4, 3, 1, 1]));
    let epilogue = Epilogue::AddThenActivation(Activation::Relu);
    let b = net.b.node(Op::Conv(Conv2d { epilogue, ..Conv2d::new([1, 1]) }), &[net.x, weight, a]);
    net.head(b, 4, "y");
    assert_eq!(net.analyse().units(), ["conv_0[4] conv_0_out conv_1_out"]);
}
