//! Attention: whole heads go, or parts of what queries and keys are compared by; the scale stays.

use super::{hold, network, reasons, sizes};
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::graph::Sizes;
use wgpu_pagcp::units::{Keeps, analyse};

const MAP: [i64; 4] = [-1, 3, 5, 4];

/// Tokens `t` of 8 features from a picture, normalised to `n`; what `attend` makes of `n` is added to them as `o`.
fn block(attend: &str) -> String {
    format!(
        "opset 21\n# w floats 8,3,1,1\n# flat ints 3 : 0,8,20\n# back ints 4 : 0,8,5,4\n# s floats 8\n# h floats 8\n# v floats 2,8,1,1
        Conv x w -> a\nReshape a flat -> b\nTranspose b -> t | perm=[0,2,1]\nLayerNormalization t s h -> n
        {attend}
        Add t o -> p\nTranspose p -> q | perm=[0,2,1]\nReshape q back -> r\nConv r v -> y"
    )
}

/// Three heads of two features, each projection a product of its own.
const HEADS: &str = "# wq floats 8,6\n# wk floats 8,6\n# wv floats 8,6\n# wo floats 6,8\n# bq floats 6\n# bk floats 6\n# bv floats 6\n# bo floats 8
    # split ints 4 : 0,20,3,2\n# join ints 3 : 0,20,6\n# scale floats 1 : 0.7071
    MatMul n wq -> q0\nAdd bq q0 -> q1\nReshape q1 split -> q2\nTranspose q2 -> q3 | perm=[0,2,1,3]
    MatMul n wk -> k0\nAdd bk k0 -> k1\nReshape k1 split -> k2\nTranspose k2 -> k3 | perm=[0,2,3,1]
    MatMul n wv -> v0\nAdd bv v0 -> v1\nReshape v1 split -> v2\nTranspose v2 -> v3 | perm=[0,2,1,3]
    MatMul q3 k3 -> e0\nMul e0 scale -> e1\nSoftmax e1 -> e2 | axis=-1
    MatMul e2 v3 -> o0\nTranspose o0 -> o1 | perm=[0,2,1,3]\nReshape o1 join -> o2\nMatMul o2 wo -> o3\nAdd o3 bo -> o";

/// One head: queries and keys are compared by 6 features, values have 5.
const SINGLE: &str = "# wq floats 8,6\n# wk floats 8,6\n# wv floats 8,5\n# wo floats 5,8\n# scale floats 1 : 0.4082
    MatMul n wq -> q0\nMatMul n wk -> k0\nMatMul n wv -> v0\nTranspose k0 -> k1 | perm=[0,2,1]
    MatMul q0 k1 -> e0\nMul e0 scale -> e1\nSoftmax e1 -> e2 | axis=-1\nMatMul e2 v0 -> o0\nMatMul o0 wo -> o";

#[test]
fn whole_heads_go_from_separate_projections() {
    assert_eq!(sizes(&hold(&block(HEADS), &MAP)), [8, 3]);
}

#[test]
fn one_head_loses_features_of_queries_with_keys_and_of_values() {
    assert_eq!(sizes(&hold(&block(SINGLE), &MAP)), [8, 6, 5]);
}

#[test]
fn whole_heads_go_from_convolutions() {
    let text = "# w floats 6,3,1,1\n# u floats 6,3,1,1\n# g floats 6,3,1,1\n# o floats 4,6,1,1\n# v floats 2,4,1,1\n# split ints 4 : 0,3,2,20\n# join ints 4 : 0,6,5,4
        # scale floats 1 : 0.7071
        Conv x w -> q0\nReshape q0 split -> q1\nTranspose q1 -> q2 | perm=[0,1,3,2]
        Conv x u -> k0\nReshape k0 split -> k1\nConv x g -> v0\nReshape v0 split -> v1
        MatMul q2 k1 -> e0\nMul e0 scale -> e1\nSoftmax e1 -> e2 | axis=-1\nTranspose e2 -> e3 | perm=[0,1,3,2]
        MatMul v1 e3 -> o0\nReshape o0 join -> o1\nConv o1 o -> o2\nConv o2 v -> y";
    assert_eq!(sizes(&hold(text, &MAP)), [3, 4]);
}

/// The scale is that of the heads that were trained, not of those that are left.
#[test]
fn trap_52_the_scale_of_attention_stays() {
    for text in [HEADS, SINGLE] {
        let graph = network(&block(text), &MAP);
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        let units = analyse(&graph, &shapes);
        let keeps = Keeps::prefix(&units, &[3, 1, 2]);
        let small = compact(&graph, &shapes, &units, &keeps).unwrap();
        let scale = |graph: &wgpu_pagcp::graph::Graph| {
            let value = graph.values.iter().find(|value| value.name == "scale").unwrap();
            value.constant.as_ref().unwrap().f32s().unwrap().to_vec()
        };
        assert_eq!(scale(&small), scale(&graph));
        assert!(small.infer(&Sizes::batch(3)).is_ok());
    }
}

/// Queries, keys and values of one product lose heads where they are cut from it along its features; where they have a
/// dimension of their own they stay, and the reason names what picks them.
#[test]
fn fused_projections_lose_heads_or_say_why_not() {
    let attend = "# scale floats 1 : 0.7071\n# wo floats 6,8\n# join ints 3 : 0,20,6
        MatMul q3 k3 -> e0\nMul e0 scale -> e1\nSoftmax e1 -> e2 | axis=-1
        MatMul e2 v3 -> o0\nTranspose o0 -> o1 | perm=[0,2,1,3]\nReshape o1 join -> o2\nMatMul o2 wo -> o";
    let dimension = format!(
        "# wf floats 8,18\n# three ints 5 : 0,20,3,3,2\n# i ints 1 : 0\n# j ints 1 : 1\n# l ints 1 : 2\n# first ints 1 : 2
        MatMul n wf -> f0\nReshape f0 three -> f1
        Gather f1 i -> g0 | axis=2\nSqueeze g0 first -> g1\nTranspose g1 -> q3 | perm=[0,2,1,3]
        Gather f1 j -> g2 | axis=2\nSqueeze g2 first -> g3\nTranspose g3 -> k3 | perm=[0,2,3,1]
        Gather f1 l -> g4 | axis=2\nSqueeze g4 first -> g5\nTranspose g5 -> v3 | perm=[0,2,1,3]\n{attend}"
    );
    let units = hold(&block(&dimension), &MAP);
    assert_eq!(sizes(&units), [8]);
    let names = |name: &str| reasons(&units).iter().any(|reason| reason.contains(name));
    assert!(["Gather_g0", "Gather_g2", "Gather_g4"].into_iter().all(names), "{:?}", reasons(&units));
    let parts = format!(
        "# wf floats 8,18\n# split ints 4 : 0,20,3,2\n# sizes ints 3 : 6,6,6
        MatMul n wf -> f0\nSplit f0 sizes -> f1 f2 f3 | axis=-1
        Reshape f1 split -> q2\nTranspose q2 -> q3 | perm=[0,2,1,3]\nReshape f2 split -> k2\nTranspose k2 -> k3 | perm=[0,2,3,1]
        Reshape f3 split -> v2\nTranspose v2 -> v3 | perm=[0,2,1,3]\n{attend}"
    );
    assert_eq!(sizes(&hold(&block(&parts), &MAP)), [8, 3]);
}
