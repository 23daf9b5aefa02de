//! Multiply-accumulates and parameters, counted by hand.

use super::{Net, numbers};
use crate::graph::{Conv2d, Op};
use crate::units::{Cost, cost, cost_kept, node_costs};

/// Batch 2 throughout.
#[test]
fn trap_43_a_small_network_counted_by_hand() {
    let mut net = Net::new([3, 4, 5]);
    let a = net.conv(net.x, [3, 8], 3);
    let a = net.b.batch_norm(a, [1, 2, 3, 4].map(|_| numbers(&[8])), 1e-5);
    let a = net.grouped(a, [8, 8], 3, 4);
    let a = net.b.global_average_pool(a);
    let a = net.b.flatten(a, 1);
    let a = net.gemm(a, [8, 2]);
    net.b.output(a, "y");
    let net = net.analyse();
    let conv = Cost { macs: 2 * 20 * 8 * 27, params: 8 * 27 };
    let norm = Cost { macs: 0, params: 16 };
    let grouped = Cost { macs: 2 * 20 * 8 * 18, params: 8 * 18 };
    let gemm = Cost { macs: 2 * 16, params: 18 };
    assert_eq!(
        node_costs(&net.graph, &net.shapes),
        [conv, norm, grouped, Cost::default(), Cost::default(), gemm]
    );
    let all = [conv, norm, grouped, gemm].into_iter().sum();
    assert_eq!(cost(&net.graph, &net.shapes), all);
    let members = "batchnormalization_1.scale*2 batchnormalization_1.shift*2 batchnormalization_1.mean*2 \
                   batchnormalization_1.variance*2 batchnormalization_1_out*2 conv_2_out*2 \
                   globalaveragepool_3_out*2 flatten_4_out*2";
    assert_eq!(net.units(), [format!("conv_0[4] conv_0_out*2 {members}")]);
    let left = Cost { macs: 2 * 20 * (6 * 27 + 6 * 18) + 2 * 12, params: 6 * 27 + 12 + 6 * 18 + 14 };
    assert_eq!(cost_kept(&net.graph, &net.shapes, &net.units, &[3]), left);
}

#[test]
fn a_shared_weight_is_one_parameter_and_two_products() {
    let mut net = Net::new([3, 1, 1]);
    let weight = net.b.constant("w", numbers(&[3, 3, 1, 1]));
    let a = net.b.node(Op::Conv(Conv2d::new([1, 1])), &[net.x, weight]);
    let b = net.b.node(Op::Conv(Conv2d::new([1, 1])), &[a, weight]);
    net.b.output(b, "y");
    let net = net.analyse();
    assert_eq!(cost(&net.graph, &net.shapes), Cost { macs: 2 * 2 * 9, params: 9 });
}
