//! Masked is not compacted: biases, shifts, activations, gates, statistics, borders, stale buffers, tails.

use super::{case, hold, network, reasons, sizes};
use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::{Network, numbers};
use std::sync::Arc;
use wgpu_pagcp::gpu::Session;
use wgpu_pagcp::graph::{Graph, Sizes};
use wgpu_pagcp::plan::build;
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::analyse;

const MAP: [i64; 4] = [-1, 3, 5, 4];

#[test]
fn trap_1_a_bias_does_not_leak_through_an_activation() {
    let text = "# w floats 7,3,3,3\n# b floats 7 : 3\n# v floats 2,7,1,1
        Conv x w b -> a | pads=[1,1,1,1]\nSigmoid a -> c\nMul a c -> d\nConv d v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [7]);
}

#[test]
fn trap_2_the_shift_of_a_batch_norm_does_not_leak() {
    let text = "# w floats 6,3,1,1\n# s floats 6\n# b floats 6 : 10\n# m floats 6 : -5\n# q positive 6\n# v floats 2,6,3,3
        Conv x w -> a\nBatchNormalization a s b m q -> c\nConv c v -> y | pads=[1,1,1,1]";
    assert_eq!(sizes(&hold(text, &MAP)), [6]);
}

#[test]
fn trap_3_no_activation_turns_a_pruned_zero_into_something() {
    let activations = [
        "Relu",
        "LeakyRelu",
        "Sigmoid",
        "Tanh",
        "HardSwish",
        "Elu",
        "Selu",
        "HardSigmoid",
        "Mish",
        "Softplus",
        "Gelu",
        "Erf",
        "Exp",
        "Abs",
        "Neg",
        "Clip",
        "Sqrt",
        "Reciprocal",
    ];
    for activation in activations {
        let bounds = if activation == "Clip" { " l h" } else { "" };
        let opset = if activation == "Gelu" { 20 } else { 18 };
        let text = format!(
            "# w floats 5,3,1,1\n# b positive 5\n# k floats 5\n# v floats 5,5,1,1\n# u floats 2,5,1,1
            # l floats 1 : 0.5\n# h floats 1 : 6\nopset {opset}\nConv x w b -> a\nClip a l h -> c\n{activation} c{bounds} -> e
            Conv e v k -> f\nConv f u -> y"
        );
        assert_eq!(sizes(&hold(&text, &MAP)), [5, 5], "{activation}");
    }
}

#[test]
fn trap_4_a_constant_added_per_channel_does_not_leak() {
    let text = "# w floats 6,3,1,1\n# s floats 6,1,1\n# t floats 1,6,1,1 : 4\n# v floats 2,6,1,1
        Conv x w -> a\nMul a s -> c\nSub t c -> d\nConv d v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [6]);
}

#[test]
fn trap_5_a_sum_prunes_both_branches_or_none() {
    let both = "# w floats 6,3,1,1\n# u floats 6,3,3,3\n# v floats 2,6,1,1
        Conv x w -> a\nConv x u -> c | pads=[1,1,1,1]\nAdd a c -> d\nRelu d -> e\nConv e v -> y";
    let units = hold(both, &MAP);
    assert_eq!(sizes(&units), [6]);
    let graph = network(both, &MAP);
    for name in ["a", "c", "d"] {
        let member = |value: &wgpu_pagcp::units::Member| graph.value(value.value).name == name;
        assert!(units.units[0].members.iter().any(member), "{name} goes with the others");
    }
    let one = "# w floats 3,3,1,1\n# v floats 2,3,1,1\nConv x w -> a\nAdd a x -> d\nConv d v -> y";
    let units = hold(one, &MAP);
    assert!(units.units.is_empty(), "the picture keeps its channels: {units:?}");
    assert!(reasons(&units).iter().any(|reason| reason.contains('x')), "{:?}", reasons(&units));
}

#[test]
fn trap_6_a_gate_and_its_value_go_together() {
    let squeeze_and_excite = "# w floats 9,3,1,1\n# r floats 4,9,1,1\n# e floats 9,4,1,1\n# b floats 9\n# v floats 2,9,1,1
        Conv x w b -> a\nGlobalAveragePool a -> p\nConv p r -> q\nRelu q -> s\nConv s e b -> t\nSigmoid t -> g\nMul a g -> m\nConv m v -> y";
    assert_eq!(sizes(&hold(squeeze_and_excite, &MAP)), [9, 4]);
    let attention = "# w floats 5,3,1,1\n# f floats 5,3,3,3\n# b floats 5\n# v floats 2,5,1,1
        Conv x w b -> a\nConv x f b -> q | pads=[1,1,1,1]\nSigmoid q -> g\nMul g a -> m\nConv m v -> y";
    assert_eq!(sizes(&hold(attention, &MAP)), [5]);
}

#[test]
fn trap_8_a_map_of_zeros_is_normalised_to_its_shift() {
    let text = "# w floats 6,3,1,1 : 0\n# b floats 6 : 1\n# s floats 6\n# t floats 6 : 2\n# v floats 2,6,1,1
        Conv x w b -> a\nInstanceNormalization a s t -> n\nRelu n -> r\nConv r v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [6]);
}

/// `graph` with `poison` in the last outputs of the first convolution.
fn poisoned(graph: &Graph, keep: usize, poison: f32) -> Graph {
    let mut graph = graph.clone();
    let weight = graph.nodes[0].inputs[1];
    let tensor = graph.constant(weight).unwrap().clone();
    let mut values = tensor.f32s().unwrap().to_vec();
    let each = values.len() / tensor.shape()[0];
    values[keep * each..].fill(poison);
    let poisoned = Tensor::from_f32(tensor.shape().to_vec(), values).unwrap();
    graph.values[weight.0].constant = Some(Arc::new(poisoned));
    graph
}

#[test]
fn trap_9_what_a_pruned_producer_holds_changes_no_bit() {
    let Some(gpus) = gpus() else { return };
    let text =
        "# w floats 9,3,1,1\n# v floats 2,9,3,3\nConv x w -> a\nRelu a -> c\nConv c v -> y | pads=[1,1,1,1]";
    let graph = network(text, &MAP);
    let input = numbers(5, 60);
    for keep in [1, 4, 6] {
        let run = |graph: &Graph| {
            let mut session = Network::new(graph.clone(), 1).session(&gpus[0], 1);
            session.poison().unwrap();
            session.run_masked(&[&input], &[keep]).unwrap().swap_remove(0)
        };
        let expected = run(&graph);
        for poison in [f32::NAN, 1e38, f32::INFINITY] {
            same_bits(&format!("{poison} beyond {keep}"), &run(&poisoned(&graph, keep, poison)), &expected);
        }
    }
}

#[test]
fn trap_10_borders_are_those_of_the_pruned_network() {
    let text = "# w floats 6,3,1,1\n# s floats 6\n# b floats 6 : 10\n# m floats 6 : -5\n# q positive 6
        # p ints 8 : 0,0,1,1,0,0,1,1\n# f floats 1 : 7\n# v floats 5,6,3,3\n# u floats 2,5,3,3
        Conv x w -> a\nBatchNormalization a s b m q -> c\nPad c p f -> d\nConv d v -> e\nConv e u -> y | pads=[1,1,1,1]";
    assert_eq!(sizes(&hold(text, &[-1, 3, 4, 4])), [6, 5]);
}

#[test]
fn trap_11_a_run_leaves_nothing_for_the_next_one() {
    let Some(gpus) = gpus() else { return };
    let text = "# w floats 9,3,1,1\n# u floats 9,9,3,3\n# v floats 2,9,1,1
        Conv x w -> a\nRelu a -> c\nConv c u -> d | pads=[1,1,1,1]\nRelu d -> e\nAdd e c -> f\nConv f v -> y";
    let network = Network::new(network(text, &MAP), 1);
    let (first, second) = (numbers(1, 60), numbers(2, 60));
    for gpu in &gpus {
        let mut session = network.session(gpu, 1);
        session.poison().unwrap();
        let expected = session.run_masked(&[&first], &[5]).unwrap();
        session.run_masked(&[&second], &[9]).unwrap();
        assert_eq!(session.run_masked(&[&first], &[5]).unwrap(), expected);
        session.poison().unwrap();
        assert_eq!(session.run_masked(&[&first], &[5]).unwrap(), expected);
    }
}

#[test]
fn trap_12_the_lanes_past_the_last_kept_channel_are_not_read() {
    let Some(gpus) = gpus() else { return };
    let text = "# w floats 34,3,3,3\n# b floats 34\n# v floats 6,34,1,1
        Conv x w b -> a | pads=[1,1,1,1]\nSigmoid a -> c\nConv c v -> y";
    let network = Network::new(network(text, &MAP), 1);
    let input = numbers(3, 60);
    for keep in [1, 2, 3, 5, 7, 33] {
        let mut masked = network.session(&gpus[1], 1);
        let mut compacted = network.compacted(&[keep]).session(&gpus[1], 0);
        masked.poison().unwrap();
        compacted.poison().unwrap();
        let (found, expected) = (masked.run_masked(&[&input], &[keep]), compacted.run(&[&input]));
        same_bits(&format!("keep {keep}"), &found.unwrap()[0], &expected.unwrap()[0]);
    }
}

#[test]
fn trap_13_fused_kernels_mask_as_separate_ones_do() {
    let Some([_, gpu]) = gpus() else { return };
    let text = "# w floats 7,3,3,3\n# b floats 7\n# s floats 7\n# t floats 7\n# m floats 7\n# q positive 7\n# u floats 7,7,1,1\n# v floats 2,7,1,1
        Conv x w b -> a | pads=[1,1,1,1]\nBatchNormalization a s t m q -> c\nSigmoid c -> g\nMul c g -> d
        Conv d u -> e\nAdd e d -> f\nRelu f -> h\nConv h v -> y";
    hold(text, &MAP);
    let case = case(text, &MAP, 1, 1);
    let fused = Network::new(case.graph.clone(), 1);
    assert!(fused.optimised.nodes.len() + 3 < case.graph.nodes.len(), "{}", fused.optimised.dump(None));
    let input = case.inputs[0].to_f32();
    let shapes = case.graph.infer(&Sizes::batch(1)).unwrap();
    let separate = build(&case.graph, &shapes, &analyse(&case.graph, &shapes), &gpu.plan_options(1)).unwrap();
    for keep in 1..=7 {
        let found = fused.session(&gpu, 1).run_masked(&[&input], &[keep]).unwrap().swap_remove(0);
        let mut session = Session::new(&gpu, separate.clone(), 1).unwrap();
        let expected = session.run_masked(&[&input], &[keep]).unwrap().swap_remove(0);
        let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-5 * largest, "keep {keep}: {found} against {expected}");
        }
    }
}
