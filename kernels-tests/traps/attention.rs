//! Statistics of the input, attention, and what couples tasks: each as the networks that have it write it.

use super::{hold, sizes};

const MAP: [i64; 4] = [-1, 3, 5, 4];

/// A convolution to 12 channels, what `middle` makes of `a`, and a convolution of its result `z`.
fn between(middle: &str) -> String {
    format!(
        "opset 21\n# w floats 12,3,1,1\n# b floats 12\n# v floats 2,12,1,1\nConv x w b -> a\n{middle}\nConv z v -> y"
    )
}

/// Zeros of channels that are gone would count in the denominator.
#[test]
fn trap_7_statistics_are_those_of_kept_channels() {
    let all = "# s floats 12\n# t floats 12\nGroupNormalization a s t -> z | num_groups=1";
    assert_eq!(sizes(&hold(&between(all), &MAP)), [12]);
    let layer = "# s floats 12,5,4\n# t floats 12,5,4\nLayerNormalization a s t -> z | axis=1";
    assert_eq!(sizes(&hold(&between(layer), &MAP)), [12]);
    for (groups, units) in [(2, 2), (3, 3), (6, 6), (12, 12)] {
        let some =
            format!("# s floats 12\n# t floats 12\nGroupNormalization a s t -> z | num_groups={groups}");
        assert_eq!(sizes(&hold(&between(&some), &MAP)), [units]);
    }
}

/// A map without variance gives the shift.
#[test]
fn trap_8_a_constant_map_is_normalised_to_the_shift() {
    for value in [0, 2] {
        let text = format!(
            "opset 21\n# w floats 6,3,1,1 : 0\n# b floats 6 : {value}\n# s floats 6\n# t floats 6 : 3\n# v floats 2,6,1,1
            Conv x w b -> a\nInstanceNormalization a s t -> c\nGroupNormalization c s t -> d | num_groups=3\nConv d v -> y"
        );
        assert_eq!(sizes(&hold(&text, &MAP)), [3]);
    }
}

/// As PyTorch writes a group norm for opsets without one.
#[test]
fn a_group_norm_of_reshapes_loses_whole_groups() {
    let middle = "# s floats 3 : 1\n# t floats 3 : 0\n# g floats 12,1,1\n# h floats 12,1,1\n# to ints 3 : 0,3,-1\n# back ints 4 : 0,12,5,4
        Reshape a to -> p\nInstanceNormalization p s t -> q\nReshape q back -> r\nMul r g -> u\nAdd u h -> z";
    assert_eq!(sizes(&hold(&between(middle), &MAP)), [3]);
}

#[test]
fn cross_stitch_units_couple_all_tasks_channel_by_channel() {
    for alpha in ["1", "7,1,1"] {
        let text = format!(
            "# w floats 7,3,1,1\n# u floats 7,3,3,3\n# aa floats {alpha}\n# ab floats {alpha}\n# ba floats {alpha}\n# bb floats {alpha}
            # v floats 2,7,1,1\n# o floats 3,7,1,1
            Conv x w -> a\nConv x u -> b | pads=[1,1,1,1]\nMul a aa -> p\nMul b ab -> q\nAdd p q -> c\nMul a ba -> r\nMul b bb -> s\nAdd r s -> d
            Conv c v -> y1\nConv d o -> y2"
        );
        assert_eq!(sizes(&hold(&text, &MAP)), [7]);
    }
}

#[test]
fn nddr_layers_read_both_tasks_and_couple_none() {
    let text = "# w floats 5,3,1,1\n# u floats 6,3,1,1\n# f floats 5,11,1,1\n# g floats 6,11,1,1\n# s floats 5\n# t floats 5\n# m floats 5\n# q positive 5
        # v floats 2,5,1,1\n# o floats 3,6,1,1
        Conv x w -> a\nConv x u -> b\nConcat a b -> c | axis=1\nConv c f -> d\nBatchNormalization d s t m q -> e\nRelu e -> h\nConv c g -> i
        Conv h v -> y1\nConv i o -> y2";
    assert_eq!(sizes(&hold(text, &MAP)), [5, 6, 5, 6]);
}

/// Each task adds what the other offers, gated by itself.
#[test]
fn distillation_of_pad_net_couples_features_gates_and_messages() {
    let text = "# w floats 6,3,1,1\n# u floats 6,3,1,1\n# ga floats 6,6,3,3\n# ma floats 6,6,3,3\n# gb floats 6,6,3,3\n# mb floats 6,6,3,3
        # v floats 2,6,1,1\n# o floats 3,6,1,1
        Conv x w -> a\nConv x u -> b
        Conv b ga -> c | pads=[1,1,1,1]\nSigmoid c -> d\nConv b ma -> e | pads=[1,1,1,1]\nMul d e -> f\nAdd a f -> g
        Conv a gb -> h | pads=[1,1,1,1]\nSigmoid h -> i\nConv a mb -> j | pads=[1,1,1,1]\nMul i j -> k\nAdd b k -> l
        Conv g v -> y1\nConv l o -> y2";
    assert_eq!(sizes(&hold(text, &MAP)), [6, 6]);
}

/// A mask of each task over shared features, and a refinement whose weights the tasks share.
#[test]
fn masks_of_mtan_go_with_what_they_scale() {
    let text = "# w floats 6,3,3,3\n# u floats 6,6,3,3\n# p1 floats 4,6,1,1\n# q1 floats 6,4,1,1\n# p2 floats 5,6,1,1\n# q2 floats 6,5,1,1
        # r floats 8,6,3,3\n# v floats 2,8,1,1\n# o floats 3,8,1,1
        Conv x w -> a | pads=[1,1,1,1]\nConv a u -> b | pads=[1,1,1,1]
        Conv a p1 -> c1\nRelu c1 -> d1\nConv d1 q1 -> e1\nSigmoid e1 -> f1\nMul f1 b -> g1\nConv g1 r -> h1 | pads=[1,1,1,1]
        Conv a p2 -> c2\nRelu c2 -> d2\nConv d2 q2 -> e2\nSigmoid e2 -> f2\nMul f2 b -> g2\nConv g2 r -> h2 | pads=[1,1,1,1]
        Conv h1 v -> y1\nConv h2 o -> y2";
    assert_eq!(sizes(&hold(text, &MAP)), [6, 6, 4, 8, 5]);
}

/// Products with constants over flattened pixels are convolutions of one pixel.
#[test]
fn products_over_tokens_prune_as_convolutions_do() {
    let text = "# w floats 7,3,1,1\n# m floats 9,7\n# t floats 9,1\n# n floats 5,9\n# to ints 3 : 0,7,-1\n# back ints 4 : 0,5,5,4\n# v floats 2,5,1,1
        Conv x w -> a\nReshape a to -> b\nMatMul m b -> c\nAdd c t -> d\nRelu d -> e\nMatMul n e -> f\nReshape f back -> g\nConv g v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [7, 9, 5]);
}
