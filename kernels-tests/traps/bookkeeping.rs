//! Bookkeeping in the graph: offsets, halves, blocks, groups, shared weights, whole units, targets, rounds.

use super::{case, hold, network, sizes};
use crate::harness::gpus;
use crate::network::Network;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::graph::{Graph, Op, Sizes};
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::units::{Keeps, analyse, cost};

const MAP: [i64; 4] = [-1, 3, 4, 6];

/// The outputs of a network in f64.
fn outputs(graph: &Graph, inputs: &[Array]) -> Vec<Array> {
    let shapes = graph.infer(&Sizes::batch(inputs[0].shape[0])).unwrap();
    let mut values = run(graph, &shapes, inputs).unwrap();
    graph.outputs.iter().map(|id| values[id.0].take().unwrap()).collect()
}

/// The outputs of two networks agree but for rounding.
fn alike(label: &str, found: &[Array], expected: &[Array]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.shape, expected.shape, "{label}");
        let largest = expected.data.iter().fold(1e-9_f64, |largest, value| largest.max(value.abs()));
        for (found, expected) in found.data.iter().zip(&expected.data) {
            assert!((found - expected).abs() <= 1e-6 * largest, "{label}: {found} against {expected}");
        }
    }
}

#[test]
fn trap_14_offsets_of_a_concatenation_do_not_depend_on_the_order_of_edits() {
    let text = "# w floats 5,3,1,1\n# u floats 6,3,1,1\n# v floats 2,11,1,1
        Conv x w -> a\nConv x u -> c\nConcat a c -> d | axis=1\nConv d v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [5, 6]);
    let case = case(text, &MAP, 1, 0);
    let prune = |graph: &Graph, keeps: Vec<Vec<usize>>| {
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        compact(graph, &shapes, &analyse(graph, &shapes), &Keeps(keeps)).unwrap()
    };
    let (whole, first, second) = (|n: usize| (0..n).collect::<Vec<_>>(), vec![1, 4], vec![0, 2, 5]);
    let one_way = prune(&prune(&case.graph, vec![first.clone(), whole(6)]), vec![whole(2), second.clone()]);
    let other = prune(&prune(&case.graph, vec![whole(5), second.clone()]), vec![first.clone(), whole(3)]);
    assert_eq!(one_way, other);
    assert_eq!(one_way, prune(&case.graph, vec![first, second]));
    let twice =
        "# w floats 5,3,1,1\n# v floats 2,10,1,1\nConv x w -> a\nConcat a a -> d | axis=1\nConv d v -> y";
    assert_eq!(sizes(&hold(twice, &MAP)), [5]);
    let pyramid = "# w floats 5,3,1,1\n# v floats 2,20,1,1
        Conv x w -> a\nMaxPool a -> p | kernel_shape=[3,3] pads=[1,1,1,1]\nMaxPool p -> q | kernel_shape=[3,3] pads=[1,1,1,1]
        MaxPool q -> r | kernel_shape=[3,3] pads=[1,1,1,1]\nConcat a p q r -> d | axis=1\nConv d v -> y";
    assert_eq!(sizes(&hold(pyramid, &MAP)), [5]);
}

#[test]
fn trap_16_flattening_takes_blocks_of_pixels_in_their_order() {
    for (dims, pixels) in [([-1, 3, 1, 1], 1), ([-1, 3, 2, 3], 6)] {
        let text = format!(
            "# w floats 5,3,1,1\n# g floats 4,{}\n# c floats 4\nConv x w -> a\nFlatten a -> f\nGemm f g c -> y | transB=1",
            5 * pixels
        );
        assert_eq!(sizes(&hold(&text, &dims)), [5]);
        let tokens = format!(
            "# w floats 5,3,1,1\n# g floats {},4\nConv x w -> a\nTranspose a -> t | perm=[0,2,3,1]\nFlatten t -> f\nGemm f g -> y",
            5 * pixels
        );
        hold(&tokens, &dims);
    }
}

#[test]
fn trap_17_transposed_grouped_and_depthwise_weights_are_sliced_along_their_own_axes() {
    let transposed = "# w floats 6,3,1,1\n# u floats 6,5,2,3\n# b floats 5\n# v floats 2,5,1,1
        Conv x w -> a\nConvTranspose a u b -> c | strides=[2,2]\nConv c v -> y";
    assert_eq!(sizes(&hold(transposed, &MAP)), [6, 5]);
    let grouped = "# w floats 8,3,1,1\n# u floats 12,2,3,3\n# b floats 12\n# v floats 2,12,1,1
        Conv x w -> a\nConv a u b -> c | group=4 pads=[1,1,1,1]\nConv c v -> y";
    assert_eq!(sizes(&hold(grouped, &MAP)), [4]);
    let grouped_transposed = "# w floats 6,3,1,1\n# u floats 6,4,2,2\n# v floats 2,8,1,1
        Conv x w -> a\nConvTranspose a u -> c | group=2\nConv c v -> y";
    hold(grouped_transposed, &MAP);
    let multiplier = "# w floats 5,3,1,1\n# u floats 10,1,3,3\n# b floats 10\n# v floats 2,10,1,1
        Conv x w -> a\nConv a u b -> c | group=5 pads=[1,1,1,1]\nConv c v -> y";
    assert_eq!(sizes(&hold(multiplier, &MAP)), [5]);
}

#[test]
fn trap_20_a_shared_weight_is_sliced_once_for_all_that_read_it() {
    let text = "# w floats 6,3,1,1\n# u floats 6,6,3,3\n# v floats 2,6,1,1
        Conv x w -> a\nConv a u -> c | pads=[1,1,1,1]\nRelu c -> d\nConv d u -> e | pads=[1,1,1,1]\nConv e v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [6]);
    let heads = "# w floats 6,3,1,1\n# u floats 5,6,1,1\n# v floats 2,5,1,1\n# z floats 3,5,1,1
        Conv x w -> a\nTanh a -> b\nConv a u -> c\nConv b u -> d\nConv c v -> y1\nConv d z -> y2";
    assert_eq!(sizes(&hold(heads, &MAP)), [6, 5]);
}

#[test]
fn trap_21_every_consumer_of_a_value_is_sliced() {
    let text = "# w floats 6,3,1,1\n# u floats 4,6,1,1\n# t floats 5,6,3,3\n# v floats 2,15,1,1\n# z floats 2,6
        Conv x w -> a\nConv a u -> b\nConv a t -> c | pads=[1,1,1,1]\nConcat b c a -> d | axis=1\nConv d v -> y1
        GlobalAveragePool a -> p\nFlatten p -> f\nGemm f z -> y2 | transB=1";
    let mut found = sizes(&hold(text, &MAP));
    found.sort_unstable();
    assert_eq!(found, [4, 5, 6]);
}

#[test]
fn trap_22_a_chain_of_sums_to_an_output_pins_all_of_it_and_says_so() {
    let text = "# w floats 4,3,1,1\n# u floats 4,3,3,3\n# v floats 4,3,1,1
        Conv x w -> a\nConv x u -> c | pads=[1,1,1,1]\nConv x v -> d\nAdd a c -> e\nAdd e d -> y";
    let units = hold(text, &MAP);
    assert!(units.units.is_empty(), "{units:?}");
    assert_eq!(units.pinned.len(), 3, "{:?}", units.pinned);
    for pinned in &units.pinned {
        assert!(pinned.reason.contains("output") && pinned.reason.contains('y'), "{}", pinned.reason);
    }
}

#[test]
fn trap_23_no_unit_and_no_group_loses_its_last_channel() {
    let text = "# w floats 6,3,1,1\n# u floats 6,2,3,3\n# v floats 2,6,1,1
        Conv x w -> a\nConv a u -> c | group=3 pads=[1,1,1,1]\nConv c v -> y";
    let case = case(text, &MAP, 1, 0);
    assert_eq!(sizes(&case.units), [3]);
    for keeps in [vec![vec![]], vec![vec![0, 0]], vec![vec![3]]] {
        compact(&case.graph, &case.shapes, &case.units, &Keeps(keeps)).unwrap_err();
    }
    let one = compact(&case.graph, &case.shapes, &case.units, &Keeps(vec![vec![2]])).unwrap();
    let groups = |node: &wgpu_pagcp::graph::Node| match &node.op {
        Op::Conv(conv) => conv.groups,
        _ => 0,
    };
    assert_eq!(groups(&one.nodes[1]), 1);
}

#[test]
fn trap_25_dead_branches_neither_count_nor_stay() {
    let text = "# w floats 6,3,1,1\n# u floats 4,6,1,1\n# v floats 2,6,1,1\nConv x w -> a\nConv a u -> dead\nConv a v -> y";
    let graph = network(text, &MAP);
    let optimised = optimise(&graph, &Sizes::batch(1)).unwrap().graph;
    assert_eq!(optimised.nodes.len(), 2);
    let shapes = optimised.infer(&Sizes::batch(1)).unwrap();
    assert_eq!(cost(&optimised, &shapes).params, 6 * 3 + 2 * 6);
}

#[test]
fn trap_26_rounds_of_pruning_are_tracked_in_original_channels() {
    let text = "# w floats 9,3,1,1\n# u floats 8,9,3,3\n# v floats 2,8,1,1
        Conv x w -> a\nRelu a -> b\nConv b u -> c | pads=[1,1,1,1]\nConv c v -> y";
    let case = case(text, &MAP, 1, 0);
    let rounds =
        [[vec![8, 1, 5, 0, 3], vec![7, 2, 4, 6]], [vec![4, 0, 2], vec![3, 1]], [vec![1, 2], vec![1, 0]]];
    let (mut graph, mut units, mut kept) = (case.graph.clone(), case.units.clone(), Keeps::all(&case.units));
    for round in rounds {
        let keeps = Keeps(round.to_vec());
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        graph = compact(&graph, &shapes, &units, &keeps).unwrap();
        units = units.pruned(&keeps);
        kept = kept.then(&keeps);
    }
    assert_eq!(kept, Keeps(vec![vec![8, 5], vec![2, 6]]));
    assert_eq!(graph, compact(&case.graph, &case.shapes, &case.units, &kept).unwrap());
}

#[test]
fn trap_27_folding_then_pruning_is_pruning_then_folding() {
    let text = "# w floats 7,3,3,3\n# b floats 7\n# s floats 7\n# t floats 7\n# m floats 7\n# q positive 7\n# v floats 2,7,1,1
        Conv x w b -> a | pads=[1,1,1,1]\nBatchNormalization a s t m q -> c\nRelu c -> d\nConv d v -> y";
    let case = case(text, &MAP, 1, 0);
    let keeps = Keeps(vec![vec![6, 1, 3]]);
    let fold = |graph: &Graph| optimise(graph, &Sizes::batch(1)).unwrap().graph;
    let small = compact(&case.graph, &case.shapes, &case.units, &keeps).unwrap();
    let pruned_first = fold(&small);
    let folded = fold(&case.graph);
    let shapes = folded.infer(&Sizes::batch(1)).unwrap();
    let units = analyse(&folded, &shapes);
    assert_eq!(sizes(&units), [7]);
    let folded_first = compact(&folded, &shapes, &units, &keeps).unwrap();
    alike("folded", &outputs(&folded_first, &case.inputs), &outputs(&pruned_first, &case.inputs));
    assert_eq!(fold(&pruned_first), pruned_first, "folding again changes nothing");
}

#[test]
fn trap_53_an_unpruned_network_resizes_as_its_file_says() {
    let Some([_, gpu]) = gpus() else { return };
    for mode in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"] {
        for interpolation in ["linear", "nearest"] {
            let text = format!(
                "# s ints 4 : 1,2,7,3\nResize x   s -> y | mode={interpolation} coordinate_transformation_mode={mode}"
            );
            let case = case(&text, &[1, 2, 4, 6], 1, 3);
            crate::masks::check_bounds(&gpu, &case);
            let network = Network::new(case.graph.clone(), 1);
            network.check_layers(&gpu, &case.inputs[0].to_f32());
        }
    }
}
