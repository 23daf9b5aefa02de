//! Matrix products, and normalisations by statistics of the input.

use super::{Analysed, Net, numbers};
use crate::graph::{Dim, Norm, Op, Statistics, ValueId};
use crate::units::{Cost, Keeps, cost_kept, node_costs};

fn symbol(sizes: &[usize]) -> Vec<Dim> {
    [vec![Dim::Symbol("N".to_owned())], sizes.iter().copied().map(Dim::Fixed).collect()].concat()
}

impl Net {
    fn mat_mul(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        let name = format!("w{}", x.0);
        let weight = self.b.constant(&name, numbers(shape));
        self.b.node(Op::MatMul, &[x, weight])
    }

    fn norm(&mut self, x: ValueId, statistics: Statistics, parameters: &[usize]) -> ValueId {
        let name = |part: &str| format!("{part}{}", x.0);
        let scale = self.b.constant(&name("scale"), numbers(parameters));
        let shift = self.b.constant(&name("shift"), numbers(parameters));
        self.b.node(Op::Norm(Norm { statistics, epsilon: 1e-5 }), &[x, scale, shift])
    }
}

/// A network whose input is tokens `[N, 6, 3]`, not an image.
fn tokens(build: impl FnOnce(&mut Net, ValueId) -> ValueId) -> Analysed {
    let mut net = Net::new([3, 4, 4]);
    let x = net.b.input("tokens", &symbol(&[6, 3]));
    let y = build(&mut net, x);
    net.b.output(y, "y");
    net.analyse()
}

#[test]
fn a_constant_on_the_right_is_free_on_both_sides() {
    let net = tokens(|net, x| {
        let a = net.mat_mul(x, &[3, 8]);
        let a = net.relu(a);
        net.mat_mul(a, &[8, 5])
    });
    assert_eq!(net.units(), ["matmul_0[8] matmul_0_out relu_1_out"]);
    assert_eq!(net.pinned(), ["matmul_2[5]: graph output y"]);
    assert_eq!(net.units.units[0].producers.len(), 1);
    let kept = cost_kept(&net.graph, &net.shapes, &net.units, &[2]);
    assert_eq!(kept, Cost { macs: 2 * 6 * (3 * 2 + 2 * 5), params: 3 * 2 + 2 * 5 });
    let costs = node_costs(&net.graph, &net.shapes);
    assert_eq!(costs[2], Cost { macs: 2 * 6 * 8 * 5, params: 40 });
}

#[test]
fn a_constant_on_the_left_is_free_on_both_sides() {
    let mut net = Net::new([3, 4, 4]);
    let a = net.conv(net.x, [3, 8], 1);
    let a = net.b.reshape(a, &[0, 8, 16]);
    let weight = net.b.constant("w", numbers(&[6, 8]));
    let a = net.b.node(Op::MatMul, &[weight, a]);
    let a = net.b.reshape(a, &[0, 6, 4, 4]);
    net.head(a, 6, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[8] conv_0_out reshape_1_out", "matmul_2[6] matmul_2_out reshape_3_out"]);
    let small =
        crate::compact::compact(&net.graph, &net.shapes, &net.units, &Keeps(vec![vec![7, 0], vec![5]]));
    let small = small.unwrap();
    let weight = small.values.iter().find(|value| value.name == "w").unwrap();
    assert_eq!(weight.constant.as_ref().unwrap().f32s().unwrap(), [48.0, 41.0]);
}

#[test]
fn a_constant_beside_the_channels_passes_them_on() {
    let mut net = Net::new([3, 4, 4]);
    let a = net.conv(net.x, [3, 8], 1);
    let a = net.mat_mul(a, &[4, 5]);
    net.head(a, 8, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[8] conv_0_out matmul_1_out"]);
    assert_eq!(net.units.units[0].producers.len(), 1);
}

#[test]
fn two_computed_operands_share_a_batch_of_channels() {
    let mut net = Net::new([3, 4, 4]);
    let a = net.conv(net.x, [3, 6], 1);
    let b = net.conv(net.x, [3, 6], 1);
    let product = net.b.node(Op::MatMul, &[a, b]);
    net.head(product, 6, "y");
    let net = net.analyse();
    assert_eq!(net.units(), ["conv_0[6] conv_0_out conv_1_out matmul_2_out"]);
    assert_eq!(net.units.units[0].producers.len(), 2);
    let kept = cost_kept(&net.graph, &net.shapes, &net.units, &[2]);
    assert_eq!(kept.macs, 2 * 16 * (2 * 2 * 3 + 2 * 2) + 2 * 2 * 16 * 4);
}

#[test]
fn normalisations_are_coupled_by_channel_by_group_or_not_beyond_it() {
    let kinds: [(Statistics, &str); 4] = [
        (Statistics::Instance, "conv_0[6] conv_0_out scale2 shift2 instancenormalization_1_out"),
        (Statistics::Group { groups: 1 }, "conv_0[6] conv_0_out scale2 shift2 groupnormalization_1_out"),
        (
            Statistics::Group { groups: 3 },
            "conv_0[3] conv_0_out*2 scale2*2 shift2*2 groupnormalization_1_out*2",
        ),
        (Statistics::Group { groups: 6 }, "conv_0[6] conv_0_out scale2 shift2 groupnormalization_1_out"),
    ];
    for (statistics, unit) in kinds {
        let mut net = Net::new([3, 4, 5]);
        let a = net.conv(net.x, [3, 6], 1);
        let a = net.norm(a, statistics, &[6]);
        net.head(a, 6, "y");
        let net = net.analyse();
        assert_eq!(net.units(), [unit], "{statistics:?}");
        let keep = vec![(0..net.units.units[0].channels - 1).collect()];
        let small = crate::compact::compact(&net.graph, &net.shapes, &net.units, &Keeps(keep)).unwrap();
        let Op::Norm(norm) = &small.nodes[1].op else { panic!("the second node normalises") };
        if let Statistics::Group { groups: 3.. } = statistics {
            let Statistics::Group { groups } = norm.statistics else { panic!("it stays of its kind") };
            assert_eq!(groups, net.units.units[0].channels - 1);
        } else {
            assert_eq!(norm.statistics, statistics);
        }
        assert!(small.infer(&crate::graph::Sizes::batch(2)).is_ok());
    }
}

#[test]
fn layers_over_channels_slice_their_parameters_and_others_do_not() {
    for (axis, shape, sliced) in [(1, vec![6, 4, 5], true), (2, vec![4, 5], false), (3, vec![5], false)] {
        let mut net = Net::new([3, 4, 5]);
        let a = net.conv(net.x, [3, 6], 1);
        let a = net.norm(a, Statistics::Layer { axis }, &shape);
        net.head(a, 6, "y");
        let net = net.analyse();
        let vectors = if sliced { "scale2 shift2 " } else { "" };
        assert_eq!(net.units(), [format!("conv_0[6] conv_0_out {vectors}layernormalization_1_out")]);
        let small =
            crate::compact::compact(&net.graph, &net.shapes, &net.units, &Keeps(vec![vec![4, 1]])).unwrap();
        let scale = small.values.iter().find(|value| value.name == "scale2").unwrap();
        let left = scale.constant.as_ref().unwrap().shape().to_vec();
        assert_eq!(left, if sliced { vec![2, 4, 5] } else { shape });
    }
    let net = tokens(|net, x| {
        let a = net.mat_mul(x, &[3, 8]);
        let a = net.norm(a, Statistics::Layer { axis: 2 }, &[8]);
        net.mat_mul(a, &[8, 5])
    });
    assert_eq!(net.units().len(), 1);
    assert!(net.units()[0].starts_with("matmul_0[8] "), "{:?}", net.units());
}
