//! Fusion of activations and residual sums.

use super::{Numbers, operators, optimised, reasons};
use crate::graph::{
    Activation, Binary, Builder, Conv2d, Coordinates, Gemm, Graph, Interpolation, Padding, Resize, Rounding,
    Target, ValueId,
};
use crate::tensor::Tensor;

/// A graph over the images `x` and `r`, both `[N, 4, 6, 6]`, with the outputs that `body` names.
fn graph(body: impl FnOnce(&mut Net, ValueId, ValueId) -> Vec<ValueId>) -> Graph {
    let mut net = Net { b: Builder::new("g"), numbers: Numbers(2) };
    let x = net.b.image("x", [4, 6, 6]);
    let r = net.b.image("r", [4, 6, 6]);
    for (i, output) in body(&mut net, x, r).into_iter().enumerate() {
        net.b.output(output, &format!("out{i}"));
    }
    net.b.finish().unwrap()
}

struct Net {
    b: Builder,
    numbers: Numbers,
}

impl Net {
    fn conv(&mut self, x: ValueId) -> ValueId {
        self.b.conv(x, Conv2d::new([1, 1]), self.numbers.tensor(&[4, 4, 1, 1]), None)
    }

    fn number(&mut self, number: f32) -> ValueId {
        let name = format!("number_{}", self.numbers.word());
        self.b.constant(&name, Tensor::from_f32(vec![], vec![number]).unwrap())
    }

    fn relu(&mut self, x: ValueId) -> ValueId {
        self.b.activation(x, Activation::Relu)
    }
}

#[test]
fn every_activation_fuses_into_its_convolution() {
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Clip { min: 0.0, max: 6.0 },
        Activation::HardSwish,
        Activation::Silu,
        Activation::Elu { alpha: 0.5 },
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::Mish,
        Activation::Gelu { tanh: false },
    ] {
        let graph = graph(|net, x, _| {
            let y = net.conv(x);
            vec![net.b.activation(y, activation)]
        });
        assert_eq!(operators(&optimised(&graph).graph), [format!("Conv Activation({activation:?})")]);
    }
}

#[test]
fn an_activation_stays_where_its_input_is_needed_or_no_convolution() {
    let twice = optimised(&graph(|net, x, _| {
        let y = net.conv(x);
        let z = net.relu(y);
        vec![net.b.mul(y, z)]
    }));
    assert_eq!(reasons(&twice, "fuse_activation"), ["relu_1: conv_0_out is read 2 times"]);
    let output = optimised(&graph(|net, x, _| {
        let y = net.conv(x);
        vec![y, net.relu(y)]
    }));
    assert_eq!(reasons(&output, "fuse_activation"), ["relu_1: out0 is a graph output"]);
    let rare = optimised(&graph(|net, x, _| {
        let y = net.conv(x);
        vec![net.b.activation(y, Activation::Erf)]
    }));
    assert_eq!(reasons(&rare, "fuse_activation"), ["erf_1: Erf is a step of its own"]);
    let other = optimised(&graph(|net, x, r| {
        let y = net.b.mul(x, r);
        let y = net.relu(y);
        vec![net.relu(x), y]
    }));
    let expected = ["relu_1: mul_0_out is computed by Mul", "relu_2: x is not computed by a node"];
    assert_eq!(reasons(&other, "fuse_activation"), expected);
    let second = optimised(&graph(|net, x, _| {
        let y = net.conv(x);
        let y = net.relu(y);
        vec![net.b.activation(y, Activation::Tanh)]
    }));
    assert_eq!(operators(&second.graph), ["Conv Activation(Relu)", "Tanh"]);
    assert_eq!(reasons(&second, "fuse_activation"), ["tanh_2: conv_0 already has an activation"]);
}

#[test]
fn residual_sums_fuse_with_the_activation_after_or_before() {
    let after = graph(|net, x, r| {
        let y = net.conv(x);
        let y = net.b.add(r, y);
        vec![net.relu(y)]
    });
    let fused = optimised(&after).graph;
    assert_eq!(operators(&fused), ["Conv AddThenActivation(Relu)"]);
    assert_eq!(*fused.nodes[0].inputs.last().unwrap(), after.inputs[1]);
    let before = graph(|net, x, r| {
        let y = net.conv(x);
        let y = net.b.activation(y, Activation::Silu);
        vec![net.b.add(y, r)]
    });
    assert_eq!(operators(&optimised(&before).graph), ["Conv ActivationThenAdd(Silu)"]);
    let plain = graph(|net, x, r| {
        let y = net.conv(x);
        vec![net.b.add(y, r)]
    });
    assert_eq!(operators(&optimised(&plain).graph), ["Conv AddThenActivation(None)"]);
}

#[test]
fn the_later_of_two_convolutions_takes_the_sum() {
    let graph = graph(|net, x, r| {
        let (y, z) = (net.conv(x), net.conv(r));
        let y = net.b.add(y, z);
        vec![net.relu(y)]
    });
    let fused = optimised(&graph).graph;
    assert_eq!(operators(&fused), ["Conv Plain", "Conv AddThenActivation(Relu)"]);
    assert_eq!(fused.nodes[1].name, "conv_1");
}

#[test]
fn an_earlier_convolution_waits_for_the_other_term() {
    let resize = Resize {
        target: Target::Scales([1.0, 1.0]),
        coordinates: Coordinates::Asymmetric,
        interpolation: Interpolation::Nearest(Rounding::Floor),
    };
    let graph = graph(|net, x, r| {
        let lateral = net.conv(x);
        let up = net.b.resize(r, resize);
        vec![net.b.add(lateral, up)]
    });
    let fused = optimised(&graph).graph;
    assert_eq!(operators(&fused), ["Resize", "Conv AddThenActivation(None)"]);
}

#[test]
fn a_sum_stays_where_no_convolution_can_take_it() {
    let none = optimised(&graph(|net, x, r| vec![net.b.add(x, r)]));
    let expected = ["add_0: r is not computed by a node; x is not computed by a node"];
    assert_eq!(reasons(&none, "fuse_residual"), expected);
    let twice = optimised(&graph(|net, x, r| {
        let y = net.conv(x);
        let z = net.b.add(y, r);
        vec![net.b.mul(y, z)]
    }));
    let expected = ["add_1: conv_0_out is read 2 times; r is not computed by a node"];
    assert_eq!(reasons(&twice, "fuse_residual"), expected);
    let doubled = optimised(&graph(|net, x, _| {
        let y = net.conv(x);
        vec![net.b.add(y, y)]
    }));
    assert_eq!(reasons(&doubled, "fuse_residual"), ["add_1: conv_0_out is read 2 times"]);
    let broadcast = optimised(&graph(|net, x, r| {
        let y = net.conv(x);
        let mean = net.b.global_average_pool(r);
        vec![net.b.add(y, mean)]
    }));
    let expected = ["add_2: [2, 4, 6, 6] and [2, 4, 1, 1] are broadcast"];
    assert_eq!(reasons(&broadcast, "fuse_residual"), expected);
    let constant = optimised(&graph(|net, x, _| {
        let y = net.conv(x);
        let c = net.numbers.tensor(&[2, 4, 6, 6]);
        let c = net.b.constant("c", c);
        vec![net.b.add(y, c)]
    }));
    assert_eq!(reasons(&constant, "fuse_residual"), ["add_1: one term is a constant"]);
}

#[test]
fn one_convolution_takes_one_sum_and_no_activation_behind_a_late_one() {
    let two = optimised(&graph(|net, x, r| {
        let y = net.conv(x);
        let y = net.b.add(y, r);
        vec![net.b.add(y, x)]
    }));
    assert_eq!(operators(&two.graph), ["Conv AddThenActivation(None)", "Add"]);
    let expected = ["add_2: conv_0 already adds a residual; x is not computed by a node"];
    assert_eq!(reasons(&two, "fuse_residual"), expected);
    let late = optimised(&graph(|net, x, r| {
        let y = net.conv(x);
        let y = net.relu(y);
        let y = net.b.add(y, r);
        vec![net.relu(y)]
    }));
    assert_eq!(operators(&late.graph), ["Conv ActivationThenAdd(Relu)", "Relu"]);
    let expected = ["relu_3: conv_0 adds a residual after its activation"];
    assert_eq!(reasons(&late, "fuse_activation"), expected);
}

#[test]
fn the_pattern_of_silu_becomes_one_operator() {
    for flipped in [false, true] {
        let silu = graph(|net, x, _| {
            let y = net.conv(x);
            let gate = net.b.activation(y, Activation::Sigmoid);
            vec![if flipped { net.b.mul(gate, y) } else { net.b.mul(y, gate) }]
        });
        assert_eq!(operators(&optimised(&silu).graph), ["Conv Activation(Silu)"]);
    }
    let other = optimised(&graph(|net, x, r| {
        let gate = net.b.activation(r, Activation::Sigmoid);
        vec![net.b.mul(x, gate)]
    }));
    let expected = ["mul_1: sigmoid_0_out is not the sigmoid of the other factor"];
    assert_eq!(reasons(&other, "fuse_silu"), expected);
    let twice = optimised(&graph(|net, x, _| {
        let gate = net.b.activation(x, Activation::Sigmoid);
        let y = net.b.mul(x, gate);
        vec![net.b.binary(Binary::Sub, y, gate)]
    }));
    assert_eq!(reasons(&twice, "fuse_silu"), ["mul_1: sigmoid_0_out is read 2 times"]);
}

#[test]
fn the_patterns_of_hard_swish_become_one_operator() {
    let ramp = |net: &mut Net, y: ValueId| {
        let three = net.number(3.0);
        let sum = net.b.add(three, y);
        net.b.activation(sum, Activation::Clip { min: 0.0, max: 6.0 })
    };
    type Pattern<'a> = &'a dyn Fn(&mut Net, ValueId) -> ValueId;
    let patterns: [Pattern; 4] = [
        &|net, y| {
            let gate = net.b.activation(y, Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 });
            net.b.mul(gate, y)
        },
        &|net, y| {
            let (gate, six) = (ramp(net, y), net.number(6.0));
            let gate = net.b.binary(Binary::Div, gate, six);
            net.b.mul(y, gate)
        },
        &|net, y| {
            let (gate, sixth) = (ramp(net, y), net.number(1.0 / 6.0));
            let product = net.b.mul(y, gate);
            net.b.mul(product, sixth)
        },
        &|net, y| {
            let (gate, six) = (ramp(net, y), net.number(6.0));
            let product = net.b.mul(gate, y);
            net.b.binary(Binary::Div, product, six)
        },
    ];
    for pattern in patterns {
        let swish = graph(|net, x, _| {
            let y = net.conv(x);
            vec![pattern(net, y)]
        });
        assert_eq!(operators(&optimised(&swish).graph), ["Conv Activation(HardSwish)"]);
    }
    let steeper = graph(|net, x, _| {
        let gate = net.b.activation(x, Activation::HardSigmoid { alpha: 0.2, beta: 0.5 });
        vec![net.b.mul(gate, x)]
    });
    assert_eq!(operators(&optimised(&steeper).graph), ["HardSigmoid", "Mul"]);
    let twice = optimised(&graph(|net, x, _| {
        let gate = net.b.activation(x, Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 });
        let y = net.b.mul(x, gate);
        vec![net.b.binary(Binary::Sub, y, gate)]
    }));
    assert_eq!(reasons(&twice, "fuse_hard_swish"), ["mul_1: hardsigmoid_0_out is read 2 times"]);
}

/// A block with every kind of fold and fusion, `width` channels wide.
fn block(width: usize) -> Graph {
    let (mut b, mut n) = (Builder::new("g"), Numbers(3));
    let x = b.image("x", [3, 6, 6]);
    let conv = Conv2d { pads: Padding::SameUpper, ..Conv2d::new([3, 3]) };
    let stem = b.conv(x, conv.clone(), n.tensor(&[width, 3, 3, 3]), Some(n.tensor(&[width])));
    let depthwise = Conv2d { groups: width, ..conv };
    let y = b.conv(stem, depthwise, n.tensor(&[width, 1, 3, 3]), None);
    let y = b.batch_norm(y, n.batch_norm(width), 1e-3);
    let c = b.constant("c", n.tensor(&[width, 1, 1]));
    let y = b.mul(y, c);
    let gate = b.activation(y, Activation::Sigmoid);
    let y = b.mul(y, gate);
    let y = b.add(stem, y);
    let mean = b.global_average_pool(y);
    let mean = b.add(mean, c);
    let y = b.mul(y, mean);
    let y = b.global_average_pool(y);
    let y = b.flatten(y, 1);
    let y = b.gemm(y, Gemm::default(), n.tensor(&[width, 5]), Some(n.tensor(&[5])));
    let y = b.activation(y, Activation::Relu);
    b.output(y, "y");
    b.finish().unwrap()
}

#[test]
fn the_number_of_channels_decides_nothing() {
    let whole = operators(&optimised(&block(8)).graph);
    assert_eq!(whole[..2], ["Conv Plain", "Conv ActivationThenAdd(Silu)"]);
    for width in [1, 2, 5] {
        assert_eq!(operators(&optimised(&block(width)).graph), whole, "{width} channels");
    }
}
