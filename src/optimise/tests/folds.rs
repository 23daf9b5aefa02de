//! Folding of constants, batch normalisation, affine functions, pads and matrix factors; identities and dead nodes.

use super::{Numbers, contents, operators, optimised, reasons};
use crate::graph::{
    Activation, Binary, Builder, Conv2d, ConvTranspose, Epilogue, Gemm, Graph, Op, Pad, PadMode, Padding,
    Pool, ValueId,
};
use crate::tensor::Tensor;

const PLAIN: &str = "Conv Plain";

/// A graph over the image `x [N, 4, 6, 6]` with the outputs that `body` names.
fn graph(body: impl FnOnce(&mut Builder, &mut Numbers, ValueId) -> Vec<ValueId>) -> Graph {
    let (mut b, mut numbers) = (Builder::new("g"), Numbers(1));
    let x = b.image("x", [4, 6, 6]);
    for (i, output) in body(&mut b, &mut numbers, x).into_iter().enumerate() {
        b.output(output, &format!("out{i}"));
    }
    b.finish().unwrap()
}

fn conv(b: &mut Builder, numbers: &mut Numbers, x: ValueId, groups: usize) -> ValueId {
    let op = Conv2d { groups, pads: Padding::SameUpper, ..Conv2d::new([3, 3]) };
    b.conv(x, op, numbers.tensor(&[4, 4 / groups, 3, 3]), None)
}

#[test]
fn batch_norm_folds_into_conv_of_any_groups() {
    for groups in [1, 2, 4] {
        let graph = graph(|b, n, x| {
            let y = conv(b, n, x, groups);
            vec![b.batch_norm(y, n.batch_norm(4), 1e-3)]
        });
        let optimised = optimised(&graph);
        assert_eq!(operators(&optimised.graph), [PLAIN]);
        assert_eq!(optimised.graph.nodes[0].name, "conv_0");
    }
}

#[test]
fn batch_norm_folds_into_transposed_conv_of_any_groups() {
    for groups in [1, 2, 4] {
        let graph = graph(|b, n, x| {
            let op = ConvTranspose { groups, strides: [2, 1], ..ConvTranspose::new([2, 3]) };
            let outputs = 3 * groups;
            let bias = Some(n.tensor(&[outputs]));
            let y = b.conv_transpose(x, op, n.tensor(&[4, 3, 2, 3]), bias);
            let y = b.batch_norm(y, n.batch_norm(outputs), 1e-3);
            vec![b.activation(y, Activation::Relu)]
        });
        let optimised = optimised(&graph);
        let [node] = &optimised.graph.nodes[..] else { panic!("{:?}", operators(&optimised.graph)) };
        let Op::ConvTranspose(conv) = &node.op else { panic!("{}", node.op.name()) };
        assert_eq!(conv.epilogue, Epilogue::Activation(Activation::Relu));
    }
}

#[test]
fn batch_norm_is_folded_in_f64_and_rounded_once() {
    let graph = graph(|b, _, x| {
        let weight = Tensor::from_f32(vec![1, 4, 1, 1], vec![0.1, 0.2, 0.3, 0.4]).unwrap();
        let bias = Tensor::from_f32(vec![1], vec![0.7]).unwrap();
        let y = b.conv(x, Conv2d::new([1, 1]), weight, Some(bias));
        let one = |value: f32| Tensor::from_f32(vec![1], vec![value]).unwrap();
        vec![b.batch_norm(y, [one(1.3), one(-0.2), one(0.6), one(2.0)], 1e-5)]
    });
    let optimised = optimised(&graph).graph;
    let scale = f64::from(1.3_f32) / (2.0 + f64::from(1e-5_f32)).sqrt();
    let weight = [0.1_f32, 0.2, 0.3, 0.4].map(|w| (f64::from(w) * scale) as f32);
    let shift = f64::from(-0.2_f32) - f64::from(0.6_f32) * scale;
    assert_eq!(contents(&optimised, optimised.nodes[0].inputs[1]), weight);
    let bias = (f64::from(0.7_f32) * scale + shift) as f32;
    assert_eq!(contents(&optimised, optimised.nodes[0].inputs[2]), [bias]);
}

#[test]
fn batch_norm_stays_where_the_sum_is_needed_or_not_there() {
    let read_twice = graph(|b, n, x| {
        let y = conv(b, n, x, 1);
        let z = b.batch_norm(y, n.batch_norm(4), 1e-3);
        vec![b.mul(y, z)]
    });
    let read_twice = optimised(&read_twice);
    assert_eq!(operators(&read_twice.graph), [PLAIN, "BatchNormalization", "Mul"]);
    assert_eq!(reasons(&read_twice, "fold_batch_norm"), ["batchnormalization_1: conv_0_out is read 2 times"]);
    let output = optimised(&graph(|b, n, x| {
        let y = conv(b, n, x, 1);
        vec![b.batch_norm(y, n.batch_norm(4), 1e-3), y]
    }));
    assert_eq!(reasons(&output, "fold_batch_norm"), ["batchnormalization_1: out1 is a graph output"]);
    let alone = optimised(&graph(|b, n, x| vec![b.batch_norm(x, n.batch_norm(4), 1e-3)]));
    let expected = ["batchnormalization_0: x is not computed by a Conv or Gemm"];
    assert_eq!(reasons(&alone, "fold_batch_norm"), expected);
    let after_activation = optimised(&graph(|b, n, x| {
        let y = conv(b, n, x, 1);
        let y = b.activation(y, Activation::Relu);
        vec![b.batch_norm(y, n.batch_norm(4), 1e-3)]
    }));
    let expected = ["batchnormalization_2: conv_0 does something else in between"];
    assert_eq!(reasons(&after_activation, "fold_batch_norm"), expected);
}

#[test]
fn batch_norm_and_affine_functions_fold_into_gemm() {
    let graph = graph(|b, n, x| {
        let y = b.global_average_pool(x);
        let y = b.flatten(y, 1);
        let gemm = Gemm { alpha: 0.5, beta: 2.0, ..Gemm::default() };
        let y = b.gemm(y, gemm, n.tensor(&[4, 3]), Some(n.tensor(&[1, 3])));
        let y = b.batch_norm(y, n.batch_norm(3), 1e-3);
        let c = b.constant("c", n.tensor(&[3]));
        let y = b.mul(c, y);
        vec![b.activation(y, Activation::Relu)]
    });
    let optimised = optimised(&graph).graph;
    assert_eq!(operators(&optimised), ["GlobalAveragePool", "Flatten", "Gemm Activation(Relu)"]);
    let Op::Gemm(gemm) = &optimised.nodes[2].op else { panic!("a Gemm") };
    assert!(gemm.alpha == 1.0 && gemm.beta == 1.0 && gemm.trans_b && !gemm.trans_a);
}

#[test]
fn gemm_terms_become_one_number_per_column() {
    let with_term = |shape: &'static [usize], beta: f32, trans_b: bool| {
        graph(|b, n, x| {
            let y = b.flatten(x, 1);
            let weight = n.tensor(if trans_b { &[3, 144] } else { &[144, 3] });
            vec![b.gemm(y, Gemm { beta, trans_b, ..Gemm::default() }, weight, Some(n.tensor(shape)))]
        })
    };
    for (shape, beta) in [(&[][..], 1.0), (&[1], 1.0), (&[3], 0.5), (&[1, 3], 1.0), (&[1, 1], 2.0)] {
        for trans_b in [false, true] {
            let optimised = optimised(&with_term(shape, beta, trans_b)).graph;
            assert_eq!(contents(&optimised, optimised.nodes[1].inputs[2]).len(), 3);
        }
    }
    let without = optimised(&with_term(&[3], 0.0, false)).graph;
    assert_eq!(without.nodes[1].inputs.len(), 2);
    let by_row = optimised(&with_term(&[2, 1], 0.5, false));
    let expected = ["gemm_1: the added term [2, 1] differs from row to row"];
    assert_eq!(reasons(&by_row, "normalise_gemm"), expected);
}

#[test]
fn one_number_per_channel_folds_into_conv_from_either_side() {
    for binary in [Binary::Add, Binary::Sub, Binary::Mul] {
        for shape in [&[4, 1, 1][..], &[1, 4, 1, 1], &[], &[1]] {
            for first in [false, true] {
                let graph = graph(|b, n, x| {
                    let y = conv(b, n, x, 2);
                    let c = b.constant("c", n.tensor(shape));
                    vec![if first { b.binary(binary, c, y) } else { b.binary(binary, y, c) }]
                });
                assert_eq!(operators(&optimised(&graph).graph), [PLAIN], "{binary:?} {shape:?} {first}");
            }
        }
    }
}

#[test]
fn numbers_per_pixel_and_repeated_channels_do_not_fold() {
    let by = |channels: usize, shape: &'static [usize]| {
        optimised(&graph(|b, n, x| {
            let y = b.conv(x, Conv2d::new([1, 1]), n.tensor(&[channels, 4, 1, 1]), None);
            let c = b.constant("c", n.tensor(shape));
            vec![b.mul(y, c)]
        }))
    };
    for (channels, shape) in [(4, &[6][..]), (4, &[1, 4, 6, 1]), (4, &[1, 1, 4, 1, 1]), (4, &[2, 4, 1, 1])] {
        let expected = format!("mul_1: c {shape:?} is not one number per channel");
        assert_eq!(reasons(&by(channels, shape), "fold_affine"), [expected]);
    }
    assert_eq!(reasons(&by(1, &[3, 1, 1]), "fold_affine"), ["mul_1: c [3, 1, 1] repeats the channels"]);
    let of_relu = optimised(&graph(|b, n, x| {
        let y = b.activation(x, Activation::Relu);
        let c = b.constant("c", n.tensor(&[4, 1, 1]));
        vec![b.add(y, c)]
    }));
    let expected = ["add_1: relu_0_out is not computed by a Conv or Gemm"];
    assert_eq!(reasons(&of_relu, "fold_affine"), expected);
}

#[test]
fn chains_of_folds_collapse() {
    let graph = graph(|b, n, x| {
        let mut y = conv(b, n, x, 1);
        for shape in [&[4, 1, 1][..], &[]] {
            let c = b.constant(&format!("c{}", shape.len()), n.tensor(shape));
            y = b.mul(y, c);
            y = b.batch_norm(y, n.batch_norm(4), 1e-3);
            y = b.identity(y);
        }
        vec![b.activation(y, Activation::Relu)]
    });
    assert_eq!(operators(&optimised(&graph).graph), ["Conv Activation(Relu)"]);
}

fn padded(mode: PadMode, window: impl FnOnce(&mut Builder, &mut Numbers, ValueId) -> ValueId) -> Graph {
    graph(|b, n, x| {
        let y = b.pad(x, Pad { margins: [1, 0, 0, 1], mode });
        vec![window(b, n, y)]
    })
}

#[test]
fn zero_pads_fold_into_conv_margins() {
    let window = |b: &mut Builder, n: &mut Numbers, x| {
        let op = Conv2d { pads: Padding::Explicit([0, 1, 2, 0]), ..Conv2d::new([3, 3]) };
        b.conv(x, op, n.tensor(&[2, 4, 3, 3]), None)
    };
    let folded = optimised(&padded(PadMode::Constant(0.0), window)).graph;
    assert_eq!(operators(&folded), [PLAIN]);
    let Op::Conv(conv) = &folded.nodes[0].op else { panic!("a Conv") };
    assert_eq!(conv.pads, Padding::Explicit([1, 1, 2, 1]));
    let ones = optimised(&padded(PadMode::Constant(1.0), window));
    assert_eq!(reasons(&ones, "fold_pad"), ["conv_1: it pads with 1, not with zeros"]);
    let edge = optimised(&padded(PadMode::Edge, window));
    assert_eq!(reasons(&edge, "fold_pad"), ["conv_1: it repeats pixels"]);
    let same = optimised(&padded(PadMode::Constant(0.0), |b, n, x| super::folds::conv(b, n, x, 1)));
    assert_eq!(reasons(&same, "fold_pad"), ["conv_1: the margins follow the padded size"]);
}

#[test]
fn zero_pads_fold_into_means_that_can_count_them() {
    let pool = Pool { strides: [2, 2], ..Pool::new([3, 2]) };
    let of = |pool: Pool| padded(PadMode::Constant(0.0), |b, _, x| b.average_pool(x, pool));
    let folded = optimised(&of(pool.clone())).graph;
    assert_eq!(operators(&folded), ["AveragePool"]);
    let counted = Pool { pads: Padding::Explicit([1, 0, 1, 0]), count_include_pad: true, ..pool.clone() };
    assert_eq!(operators(&optimised(&of(counted.clone())).graph), ["AveragePool"]);
    let near = [
        (Pool { count_include_pad: false, ..counted }, "the mean counts the padding but not its own margins"),
        (Pool { ceil_mode: true, ..pool }, "rounding up starts no window in a margin, but may in padding"),
        (Pool::new([1, 1]), "the margins would hold a whole window"),
    ];
    for (pool, reason) in near {
        assert_eq!(reasons(&optimised(&of(pool)), "fold_pad"), [format!("averagepool_1: {reason}")]);
    }
    let of_max = padded(PadMode::Constant(0.0), |b, _, x| b.max_pool(x, Pool::new([2, 2])));
    assert_eq!(reasons(&optimised(&of_max), "fold_pad"), ["maxpool_1: the padding of pad_0 may win"]);
}

#[test]
fn nodes_of_constants_become_constants() {
    let graph = graph(|b, n, x| {
        let (p, q) = (b.constant("p", n.tensor(&[4, 1, 1])), b.constant("q", n.tensor(&[1, 6])));
        let sum = b.add(p, q);
        let sum = b.activation(sum, Activation::Tanh);
        vec![b.mul(x, sum)]
    });
    let optimised = optimised(&graph);
    assert_eq!(operators(&optimised.graph), ["Mul"]);
    assert_eq!(optimised.report[0].outcome.applied, ["add_0", "tanh_1"]);
}

#[test]
fn constant_outputs_and_integers_stay() {
    let output = optimised(&graph(|b, n, x| {
        let p = b.constant("p", n.tensor(&[4, 1, 1]));
        vec![b.activation(p, Activation::Relu), b.activation(x, Activation::Relu)]
    }));
    assert_eq!(reasons(&output, "fold_constants"), ["relu_0: it computes a graph output"]);
    let integers = optimised(&graph(|b, _, x| {
        let p = b.constant("p", Tensor::from_i64(vec![1], vec![3]).unwrap());
        let p = b.identity(p);
        vec![b.mul(x, p)]
    }));
    assert!(operators(&integers.graph) == ["Mul"], "an identity of integers is dropped, not folded");
}

#[test]
fn identities_go_and_outputs_keep_their_values() {
    let graph = graph(|b, _, x| {
        let y = b.identity(x);
        let y = b.activation(y, Activation::Tanh);
        let y = b.pad(y, Pad { margins: [0; 4], mode: PadMode::Edge });
        let z = b.activation(y, Activation::Relu);
        vec![b.identity(y), z]
    });
    let optimised = optimised(&graph);
    assert_eq!(operators(&optimised.graph), ["Tanh", "Relu"]);
    assert_eq!(optimised.graph.nodes[0].outputs, [graph.outputs[0]]);
}

#[test]
fn an_identity_stays_between_an_input_and_an_output_or_two_outputs() {
    let input = optimised(&graph(|b, _, x| vec![b.identity(x)]));
    let expected = ["identity_0: a graph output copies x, which no node computes"];
    assert_eq!(reasons(&input, "drop_identities"), expected);
    let twice = optimised(&graph(|b, _, x| {
        let y = b.activation(x, Activation::Relu);
        vec![y, b.identity(y)]
    }));
    let expected = ["identity_1: out0 and its copy are both graph outputs"];
    assert_eq!(reasons(&twice, "drop_identities"), expected);
}

#[test]
fn dead_chains_go() {
    let graph = graph(|b, n, x| {
        let dead = conv(b, n, x, 1);
        b.activation(dead, Activation::Relu);
        vec![b.activation(x, Activation::Relu)]
    });
    assert_eq!(operators(&optimised(&graph).graph), ["Relu"]);
}
