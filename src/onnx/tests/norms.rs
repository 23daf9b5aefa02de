//! Normalisations by statistics of the input: what is missing is filled in.

use super::*;
use crate::graph::{Norm, Statistics};

fn norm(statistics: Statistics, epsilon: f32) -> Op {
    Op::Norm(Norm { statistics, epsilon })
}

#[test]
fn instances_and_groups() {
    let instance = model(11, "InstanceNormalization", &["x", "w", "b"], vec![float("epsilon", 0.5)]);
    let instance = with(instance, vec![counting("w", &[3]), counting("b", &[3])]);
    assert_eq!(op(&instance), norm(Statistics::Instance, 0.5));
    for (opset, size) in [(18, 1), (21, 3)] {
        let groups = model(opset, "GroupNormalization", &["x", "w", "b"], vec![int("num_groups", 1)]);
        let groups =
            with(groups, vec![floats("w", &[size], &vec![2.0; size as usize]), counting("b", &[size])]);
        assert_eq!(op(&groups), norm(Statistics::Group { groups: 1 }, 1e-5));
        let graph = read(&groups).unwrap();
        let scale = graph.constant(graph.nodes[0].inputs[1]).unwrap();
        assert_eq!(scale.f32s().unwrap(), [2.0; 3]);
    }
    let wrong = model(18, "GroupNormalization", &["x", "w", "b"], vec![int("num_groups", 2)]);
    let wrong = with(wrong, vec![counting("w", &[2]), counting("b", &[2])]);
    assert!(error(&wrong).contains("num_groups: expected a divisor of 3 channels, found 2"));
}

#[test]
fn layers_stretch_their_parameters() {
    for (axis, dims, values) in
        [(-1, vec![6], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), (3, vec![1], vec![0.0; 6])]
    {
        let layer = model(17, "LayerNormalization", &["x", "w"], vec![int("axis", axis)]);
        let layer = with(layer, vec![counting("w", &dims)]);
        assert_eq!(op(&layer), norm(Statistics::Layer { axis: 3 }, 1e-5));
        let graph = read(&layer).unwrap();
        let constant =
            |at: usize| graph.constant(graph.nodes[0].inputs[at]).unwrap().f32s().unwrap().to_vec();
        assert_eq!(constant(1), values);
        assert_eq!(constant(2), [0.0; 6]);
    }
    let wrong = model(17, "LayerNormalization", &["x", "w"], vec![int("axis", 2)]);
    let wrong = with(wrong, vec![counting("w", &[5])]);
    assert!(error(&wrong).contains("input 1: expected a shape that repeats to [8, 6], found [5]"));
}

#[test]
fn layers_give_their_statistics_where_something_reads_them() {
    let mut layer = model(17, "LayerNormalization", &["x", "w"], vec![]);
    graph(&mut layer).node[0].output = vec!["y".into(), "mean".into(), "inverse".into()];
    let layer = with(layer, vec![counting("w", &[6])]);
    assert_eq!(read(&layer).unwrap().nodes.len(), 1);
    let mut both = layer;
    graph(&mut both).output.extend([info("mean", &[]), info("inverse", &[])]);
    let both = read(&both).unwrap();
    assert_eq!(both.outputs.len(), 3);
    assert_eq!(both.nodes.len(), 8);
    assert_eq!(both.value(both.outputs[2]).name, "inverse");
    assert_eq!(both.nodes[0].name, "n");
}
