//! Networks of the zoo with their small steps in few dispatches: the same numbers, to the bit.

use super::manifest::entries;
use super::session;
use crate::compare::same_bits;
use crate::harness::gpus;
use std::time::Instant;
use wgpu_pagcp::gpu::ChainLimits;
use wgpu_pagcp::onnx;
use wgpu_pagcp::units::analyse;

/// What is chained: all of the zoo would take minutes to compile.
const NAMES: [&str; 4] = ["resnet18", "mobilenet_v2", "unet", "vit"];

#[test]
fn networks_of_the_zoo_are_the_same_chained() {
    let Some([_, gpu]) = gpus() else { return };
    let mut fewer = 0;
    for name in NAMES {
        let entry = entries().into_iter().find(|entry| entry.name == name).expect("it is in the zoo");
        let graph = onnx::load(&entry.file()).unwrap_or_else(|error| panic!("{error}"));
        let case = &entry.cases[0];
        let shapes = graph.infer(&case.sizes()).unwrap();
        let mut session = session(&gpu, &graph, &analyse(&graph, &shapes), &case.sizes());
        let input = case.numbers();
        let expected = session.run(&[&input]).unwrap();
        let (before, start) = (session.dispatches(), Instant::now());
        session.chain(ChainLimits { trials: 0, ..ChainLimits::default() }).unwrap();
        let after = session.dispatches();
        println!("{}: {before} dispatches, {after} chained in {:.1?}", entry.name, start.elapsed());
        session.poison().unwrap();
        let found = session.run(&[&input]).unwrap();
        assert_eq!(session.dispatches(), after, "{} was not repeated", entry.name);
        for (found, expected) in found.iter().zip(&expected) {
            same_bits(&entry.name, found, expected);
        }
        fewer += usize::from(2 * after < before);
    }
    let chains = gpu.info().name.starts_with("llvmpipe") && gpu.class_name().starts_with("broadcast");
    assert_eq!(fewer > 0, chains);
}
