//! The bundled network on one of its own pictures: masked against compacted at random prunings, and layer by layer.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::Network;
use crate::random_graph::{Rng, random_counts, random_orders};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::onnx;
use wgpu_pagcp::plan::DeviceClass;
use wgpu_pagcp::scenes::render;

/// Prunings under one order of the channels.
const EACH: usize = 20;

fn network() -> Network {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/scenes/scenes.onnx");
    let network = Network::new(onnx::load(path.as_ref()).expect("the bundled network is sound"), 1);
    assert!(network.units.units.len() >= 20, "{:?}", network.units.units);
    network
}

/// The pixels of one picture as planes of red, green and blue, about 0 and 1 in mean and deviation.
fn picture() -> Vec<f32> {
    let image = render(9, 4).image;
    (0..3).flat_map(|c| image.iter().skip(c).step_by(3)).map(|&v| (f32::from(v) - 115.0) / 38.0).collect()
}

fn run_masked(network: &Network, gpu: &Gpu, keeps: &[Vec<usize>]) -> Vec<Vec<Vec<f32>>> {
    let (input, mut session) = (picture(), network.session(gpu, 1));
    let run = |keep: &Vec<usize>| {
        session.poison().expect("the device works");
        session.run_masked(&[&input], keep).expect("the device works")
    };
    keeps.iter().map(run).collect()
}

fn run_compacted(network: &Network, gpu: &Gpu, keep: &[usize]) -> Vec<Vec<f32>> {
    let mut session = network.compacted(keep).session(gpu, 0);
    session.poison().expect("the device works");
    session.run(&[&picture()]).expect("the device works")
}

/// Some of the orders, so that the test harness spreads them over its threads. Runtime checks alternate.
fn check_orders(seeds: [u64; 5]) {
    let Some(gpus) = gpus() else { return };
    let network = network();
    for seed in seeds {
        check_order(&network, &gpus[(seed % 2) as usize], seed, EACH);
    }
}

fn check_order(network: &Network, gpu: &Gpu, seed: u64, prunings: usize) {
    let mut rng = Rng::new(seed);
    let ordered = network.keeping(&random_orders(&network.units, &mut rng));
    let keeps: Vec<Vec<usize>> = (0..prunings).map(|_| random_counts(&ordered.units, &mut rng)).collect();
    for (keep, masked) in keeps.iter().zip(run_masked(&ordered, gpu, &keeps)) {
        let compacted = run_compacted(&ordered, gpu, keep);
        for (masked, compacted) in masked.iter().zip(&compacted) {
            assert!(compacted.iter().all(|value| value.is_finite()));
            same_bits(&format!("order {seed}, keep {keep:?}"), masked, compacted);
        }
    }
}

#[test]
fn the_bundled_network_masked_equals_compacted_at_100_prunings() {
    check_orders([1, 2, 3, 4, 5]);
}

#[test]
fn the_bundled_network_masked_equals_compacted_at_100_more_prunings() {
    check_orders([6, 7, 8, 9, 10]);
}

#[test]
fn the_bundled_network_masked_equals_compacted_with_the_kernels_of_gpus() {
    let Some(gpus) = gpus() else { return };
    check_order(&network(), &gpus[1].with_class(DeviceClass::Gpu), 11, EACH / 4);
}

#[test]
fn a_pruning_of_another_unit_is_noticed() {
    let Some([_, gpu]) = gpus() else { return };
    let network = network();
    let keep: Vec<usize> = network.units.units.iter().map(|unit| unit.channels / 2).collect();
    let wrong: Vec<Vec<usize>> = (0..keep.len())
        .map(|unit| {
            let mut wrong = keep.clone();
            wrong[unit] = network.units.units[unit].channels;
            wrong
        })
        .collect();
    let expected = run_compacted(&network, &gpu, &keep);
    assert_eq!(run_masked(&network, &gpu, &[keep]), std::slice::from_ref(&expected));
    for (found, unit) in run_masked(&network, &gpu, &wrong).iter().zip(&network.units.units) {
        assert_ne!(*found, expected, "whole {} where half of it is expected", unit.id);
    }
}

#[test]
fn every_layer_of_the_bundled_network_is_within_the_bound_of_its_reference() {
    let Some([_, gpu]) = gpus() else { return };
    network().check_layers(&gpu, &picture());
}
